import { HeaderList, type HeaderPair } from '../../shared/http1/header-list.ts';
import { writeResponseHead } from '../../shared/http1/write-head.ts';
import { STATUS_CODES } from 'node:http';
import { catalogue, problemDocument, type AgentError, type ErrorCode } from '../errors.ts';

/** What the gateway says itself. */
export interface OwnAnswer {
  readonly status: number;
  readonly headers: readonly HeaderPair[];
  /** Why, for the recorder; absent when the answer is no refusal (a CORS preflight). */
  readonly verdict?: ErrorCode | undefined;
  readonly detail?: string | undefined;
  readonly body: Buffer;
}

const EMPTY = Buffer.alloc(0);

export function problemAnswer(
  code: ErrorCode,
  detail: string,
  more: { headers?: readonly HeaderPair[]; empty?: boolean; hint?: string } = {},
): OwnAnswer {
  const empty = more.empty === true;
  const type: HeaderPair[] = empty ? [] : [['Content-Type', 'application/problem+json']];
  return {
    status: catalogue[code].status,
    headers: [...type, ['Cache-Control', 'no-store'], ...(more.headers ?? [])],
    verdict: code,
    detail,
    body: empty ? EMPTY : Buffer.from(problemDocument(code, detail, more.hint)),
  };
}

/** As Go's `http.Error` writes it, which is how Traefik answers itself. */
export function textAnswer(status: number, text: string, verdict: ErrorCode, detail: string): OwnAnswer {
  const headers: HeaderPair[] = [
    ['Content-Type', 'text/plain; charset=utf-8'],
    ['X-Content-Type-Options', 'nosniff'],
  ];
  return { status, headers, verdict, detail, body: Buffer.from(`${text}\n`) };
}

const FAILED_UPSTREAM: ReadonlySet<ErrorCode> = new Set([
  'upstream-unreachable',
  'upstream-untrusted',
  'upstream-reset',
  'upstream-malformed',
  'upstream-stream-reset',
  'upstream-timeout',
]);

/** What a visitor is told of an error: of an upstream no more than Traefik says, for the reason is in the recorder. */
export function failureAnswer(error: AgentError): OwnAnswer {
  const { code, status, message, hint } = error;
  if (!FAILED_UPSTREAM.has(code)) return problemAnswer(code, message, { hint });
  return {
    status,
    headers: [],
    verdict: code,
    detail: message,
    body: Buffer.from(STATUS_CODES[status] ?? ''),
  };
}

export function emptyAnswer(status: number, headers: readonly HeaderPair[]): OwnAnswer {
  return { status, headers, body: EMPTY };
}

/** Answers with these statuses end with their head (RFC 9110 §6.4.1). */
export function isBodiless(status: number): boolean {
  return status === 204 || status === 304;
}

/** Head and body as bytes. `decorate` may change the headers; length comes last, so that it is always right. */
export function writeAnswer(
  answer: OwnAnswer,
  method: string,
  decorate: (headers: HeaderList) => void,
): { bytes: Buffer; headers: HeaderList; body: Buffer } {
  const headers = new HeaderList(answer.headers);
  decorate(headers);
  if (isBodiless(answer.status)) headers.remove('content-length');
  else headers.set('Content-Length', String(answer.body.length));
  const head = writeResponseHead({ status: answer.status, reason: STATUS_CODES[answer.status] ?? '', headers });
  const body = method === 'HEAD' || isBodiless(answer.status) ? EMPTY : answer.body;
  return { bytes: Buffer.concat([head, body]), headers, body };
}
