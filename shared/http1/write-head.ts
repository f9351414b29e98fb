import { Http1Error } from './errors.ts';
import { fieldBytes, putFields } from './header-list.ts';
import type { HeaderPair } from './header-list.ts';
import type { RequestHead, ResponseHead } from './message-head.ts';
import { FIELD_VALUE, putText, TARGET, TOKEN } from './octets.ts';

const NONE: readonly HeaderPair[] = [];
const SPACE = 0x20;
const LINE_END = Buffer.from('\r\n');
/** What ends a request line. */
const VERSION_END = Buffer.from(' HTTP/1.1\r\n');

/**
 * The bytes of a head, always as HTTP/1.1, made from its parts and never from received bytes. Parts are checked again,
 * so that nothing set on the way can inject a line. Throws `Http1Error`.
 */
export function writeRequestHead(
  head: Pick<RequestHead, 'method' | 'target' | 'headers'>,
  /** Field lines after those of the head. */
  more: readonly HeaderPair[] = NONE,
): Buffer {
  const { method, target, headers } = head;
  const { lines } = headers;
  const bytes = Buffer.allocUnsafe(
    method.length + 1 + target.length + VERSION_END.length + lines.length + fieldBytes(more) + 2,
  );
  if (method === '' || !putText(TOKEN, method, bytes, 0)) throw new Http1Error('http1.bad-method');
  let at = method.length;
  bytes[at] = SPACE;
  at += 1;
  if (target === '' || !putText(TARGET, target, bytes, at)) throw new Http1Error('http1.bad-target');
  at += target.length;
  bytes.set(VERSION_END, at);
  at += VERSION_END.length;
  bytes.set(lines, at);
  at = putFields(bytes, at + lines.length, more);
  bytes.set(LINE_END, at);
  return bytes;
}

export function writeResponseHead(head: Pick<ResponseHead, 'status' | 'reason' | 'headers'>): Buffer {
  const { status, reason, headers } = head;
  if (!Number.isInteger(status) || status < 100 || status > 999) throw new Http1Error('http1.bad-status-line');
  const start = `HTTP/1.1 ${status} `;
  const { lines } = headers;
  const bytes = Buffer.allocUnsafe(start.length + reason.length + 2 + lines.length + 2);
  putText(FIELD_VALUE, start, bytes, 0);
  let at = start.length;
  if (!putText(FIELD_VALUE, reason, bytes, at)) throw new Http1Error('http1.control-character', 'in the reason phrase');
  at += reason.length;
  bytes.set(LINE_END, at);
  bytes.set(lines, at + 2);
  bytes.set(LINE_END, at + 2 + lines.length);
  return bytes;
}
