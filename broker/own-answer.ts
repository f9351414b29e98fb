import { HeaderList } from '../shared/http1/header-list.ts';
import { writeResponseHead } from '../shared/http1/write-head.ts';
import { brokerError } from './errors.ts';
import type { BrokerErrorCode } from './errors.ts';

/** Marks an answer of a broker itself, between broker and edge only. */
export const OWN_ANSWER_HEADER = 'x-adit-own';

export interface OwnAnswer {
  readonly code: BrokerErrorCode;
  readonly detail?: string | undefined;
  readonly requestId?: string | undefined;
  /** The `Accept` header of the request: browsers get a page, others a problem document (RFC 9457). */
  readonly accept?: string | undefined;
  readonly headOnly?: boolean | undefined;
  readonly close: boolean;
  readonly toPeer?: boolean | undefined;
}

/** The bytes of a whole answer. */
export function ownAnswer(answer: OwnAnswer): Buffer {
  const entry = brokerError(answer.code);
  const html = answer.accept?.toLowerCase().includes('text/html') ?? false;
  const detail = answer.detail === undefined ? entry.hint : `${answer.detail} ${entry.hint}`;
  const body = Buffer.from(
    html ? page(entry.status, entry.title, detail, answer) : problemDocument(entry.status, entry.title, detail, answer),
  );
  const headers = new HeaderList([
    ['Content-Type', html ? 'text/html; charset=utf-8' : 'application/problem+json'],
    ['Content-Length', String(body.length)],
    ['Cache-Control', 'no-store'],
    ['Date', new Date().toUTCString()],
  ]);
  if (html) {
    headers.append('Content-Security-Policy', "default-src 'none'; style-src 'unsafe-inline'");
    headers.append('X-Content-Type-Options', 'nosniff');
  }
  if (entry.retryAfterSeconds !== undefined) headers.append('Retry-After', String(entry.retryAfterSeconds));
  if (answer.toPeer === true) headers.append(OWN_ANSWER_HEADER, answer.code);
  if (answer.close) headers.append('Connection', 'close');
  const head = writeResponseHead({ status: entry.status, reason: entry.title, headers });
  return answer.headOnly === true ? head : Buffer.concat([head, body]);
}

function problemDocument(status: number, title: string, detail: string, answer: OwnAnswer): string {
  const instance = answer.requestId === undefined ? {} : { instance: `urn:adit:request:${answer.requestId}` };
  return `${JSON.stringify({ type: 'about:blank', title, status, detail, code: answer.code, ...instance })}\n`;
}

function page(status: number, title: string, detail: string, answer: OwnAnswer): string {
  const id = answer.requestId === undefined ? '' : `<p class="id">Request ${escapeHtml(answer.requestId)}</p>`;
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>${status} ${escapeHtml(title)}</title>
<style>:root{color-scheme:light dark}body{font:16px/1.5 system-ui,sans-serif;max-width:34rem;margin:18vh auto 0;padding:0 1.5rem}
h1{font-size:1.35rem;margin:0 0 .5rem}.code,.id{opacity:.65;font-size:.85rem;font-family:ui-monospace,monospace}</style></head>
<body><p class="code">${status} · ${answer.code}</p><h1>${escapeHtml(title)}</h1><p>${escapeHtml(detail)}</p>${id}</body></html>
`;
}

function escapeHtml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
}
