import { Http1Error } from '../shared/http1/errors.ts';
import { HeaderList } from '../shared/http1/header-list.ts';
import type { Http1Limits } from '../shared/http1/limits.ts';
import type { RequestHead } from '../shared/http1/message-head.ts';
import { RequestParser } from '../shared/http1/request-parser.ts';
import { writeRequestHead } from '../shared/http1/write-head.ts';
import { canonicalHost } from '../shared/http1/canonical-host.ts';

const SPACE = 0x20;
const TAB = 0x09;

export interface Http2Request {
  readonly head: RequestHead;
  /** RFC 8441: a WebSocket by extended CONNECT; `head` is the GET that asks for it in HTTP/1.1. */
  readonly webSocketKey: string | undefined;
}

/** `:authority` and `Host` name different hosts (RFC 9113 §8.3.1). */
export class MisdirectedError extends Error {}

/**
 * The request of an HTTP/2 stream as an HTTP/1.1 head. It is written and then read by the parser that reads every
 * visitor's head, so that whatever that refuses is refused here too. `raw`: names and values in turn, as they came;
 * `ended`: no body follows. Throws `Http1Error` and `MisdirectedError`.
 */
export function http2Request(
  raw: readonly string[],
  ended: boolean,
  limits: Http1Limits,
  makeKey: () => string,
): Http2Request {
  const pseudo = new Map<string, string>();
  const headers: [string, string][] = [];
  let host: string | undefined;
  let cookies: string | undefined;
  let hasLength = false;
  for (let at = 0; at + 1 < raw.length; at += 2) {
    const name = raw[at] ?? '';
    const value = raw[at + 1] ?? '';
    if (startsOrEndsWithSpace(value))
      throw new Http1Error('http1.bad-header-value', 'white space at its start or end (RFC 9113 §8.2.1)');
    if (name.startsWith(':')) pseudo.set(name, value);
    else if (name === 'host') {
      if (host !== undefined) throw new Http1Error('http1.several-hosts');
      host = value;
    } else if (name === 'cookie') {
      // RFC 9113 §8.2.3: crumbs become one line.
      cookies = cookies === undefined ? value : `${cookies}; ${value}`;
    } else if (name !== 'sec-websocket-key') {
      hasLength ||= name === 'content-length';
      headers.push([name, value]);
    }
  }
  if (cookies !== undefined) headers.push(['cookie', cookies]);
  const authority = authorityOf(pseudo.get(':authority'), host);
  const webSocketKey = webSocketOf(pseudo, ended) ? makeKey() : undefined;
  if (webSocketKey !== undefined) {
    // It would frame the GET, of which no body follows: the next request on the wire would be taken for it.
    if (hasLength) throw new Http1Error('http1.body-not-allowed', 'Content-Length');
    headers.push(['sec-websocket-key', webSocketKey], ['connection', 'Upgrade'], ['upgrade', 'websocket']);
  } else if (!ended && !hasLength) headers.push(['transfer-encoding', 'chunked']);
  const bytes = writeRequestHead({
    method: webSocketKey === undefined ? (pseudo.get(':method') ?? '') : 'GET',
    target: pseudo.get(':path') ?? (pseudo.get(':method') === 'CONNECT' ? authority : ''),
    headers: new HeaderList([['host', authority], ...headers]),
  });
  return { head: parseHead(bytes, limits), webSocketKey };
}

function startsOrEndsWithSpace(value: string): boolean {
  if (value === '') return false;
  const first = value.charCodeAt(0);
  const last = value.charCodeAt(value.length - 1);
  return first === SPACE || first === TAB || last === SPACE || last === TAB;
}

function authorityOf(authority: string | undefined, host: string | undefined): string {
  if (authority === undefined || host === undefined || authority === host) {
    const one = authority ?? host;
    if (one === undefined) throw new Http1Error('http1.missing-host');
    return one;
  }
  const asked = canonicalHost(authority);
  const named = canonicalHost(host);
  if (!asked.ok || !named.ok) throw new Http1Error('http1.bad-host');
  if (asked.value.host !== named.value.host || asked.value.port !== named.value.port) throw new MisdirectedError();
  return authority;
}

function webSocketOf(pseudo: ReadonlyMap<string, string>, ended: boolean): boolean {
  return pseudo.get(':method') === 'CONNECT' && pseudo.get(':protocol')?.toLowerCase() === 'websocket' && !ended;
}

function parseHead(bytes: Buffer, limits: Http1Limits): RequestHead {
  let head: RequestHead | undefined;
  let failure: Http1Error | undefined;
  const handler = {
    onHead: (made: RequestHead) => {
      head = made;
    },
    onBody: () => undefined,
    onComplete: () => undefined,
    onError: (error: Http1Error) => {
      failure = error;
    },
  };
  const parser = new RequestParser(handler, { limits });
  parser.push(bytes);
  if (failure !== undefined) throw failure;
  if (head === undefined) throw new Http1Error('http1.truncated');
  return head;
}
