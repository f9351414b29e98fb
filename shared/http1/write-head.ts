import { Http1Error } from './errors.ts';
import { fieldLines } from './header-list.ts';
import type { HeaderPair } from './header-list.ts';
import type { RequestHead, ResponseHead } from './message-head.ts';
import { FIELD_VALUE, TARGET, textIn, TOKEN } from './octets.ts';

const NONE: readonly HeaderPair[] = [];

/**
 * The bytes of a head, always as HTTP/1.1, made from its parts and never from received bytes. Parts are checked again,
 * so that nothing set on the way can inject a line. Throws `Http1Error`.
 */
export function writeRequestHead(
  head: Pick<RequestHead, 'method' | 'target' | 'headers'>,
  /** Field lines after those of the head. */
  more: readonly HeaderPair[] = NONE,
): Buffer {
  if (head.method === '' || !textIn(TOKEN, head.method)) throw new Http1Error('http1.bad-method');
  if (head.target === '' || !textIn(TARGET, head.target)) throw new Http1Error('http1.bad-target');
  return Buffer.from(
    `${head.method} ${head.target} HTTP/1.1\r\n${head.headers.lines}${fieldLines(more)}\r\n`,
    'latin1',
  );
}

export function writeResponseHead(head: Pick<ResponseHead, 'status' | 'reason' | 'headers'>): Buffer {
  if (!Number.isInteger(head.status) || head.status < 100 || head.status > 999)
    throw new Http1Error('http1.bad-status-line');
  if (!textIn(FIELD_VALUE, head.reason)) throw new Http1Error('http1.control-character', 'in the reason phrase');
  return Buffer.from(`HTTP/1.1 ${head.status} ${head.reason}\r\n${head.headers.lines}\r\n`, 'latin1');
}
