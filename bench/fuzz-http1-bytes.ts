import fc from 'fast-check';
import type { HeaderPair } from '../shared/http1/header-list.ts';

/** What was read the same, and what we refused. */
export interface Comparison {
  readonly accepted: number;
  readonly refused: number;
}

/** What is put into a message of either direction. */
export const NASTY = [
  '\n',
  '\r',
  '\r\n',
  '\r\n\r\n',
  ' ',
  '\t',
  '\0',
  ':',
  ';',
  ',',
  '\x0b',
  '\x7f',
  '\x80',
  '\xa0',
  '\xff',
  '0',
  '1',
  'a',
  'A',
  '/',
  '?',
  '#',
  '"',
  '*',
  '@',
  '[',
  'Content-Length: 3\r\n',
  'Content-Length: 0\r\n',
  'Content-Length : 3\r\n',
  'Transfer-Encoding: chunked\r\n',
  'Transfer-Encoding: identity\r\n',
  'transfer-encoding:\tchunked\r\n',
  'Transfer-Encoding: chunked, chunked\r\n',
  'Transfer-Encoding: gzip, chunked\r\n',
  'Transfer-Encoding: chunked, gzip\r\n',
  'Transfer-Encoding: xchunked\r\n',
  'Connection: close\r\n',
  'Connection: keep-alive, x\r\n',
  'Connection: upgrade\r\n',
  'Connection: Keep-Alive, Upgrade\r\n',
  'Upgrade: websocket\r\n',
  'Upgrade:\r\n',
  ' folded\r\n',
  'X: y\r\n',
  'X:\r\n',
  '0\r\n\r\n',
  '3\r\nabc\r\n',
  '3;a=b\r\nabc\r\n',
  '3;a="b;c"\r\n',
  '+3',
  '-1',
  '0x',
  'HTTP/1.0',
  'HTTP/1.1',
  'HTTP/2.0',
  'T: u\r\n',
] as const;

/** Pattern for the fields of one head. */
const IN_HEAD = String.raw`(?:(?!\r\n\r\n)[^])*`;

/**
 * Read differently on purpose, in requests and responses. HTTP/1.0 with both close and keep-alive in Connection is over for us
 * (RFC 9112 §9.3), and kept by llhttp. `Proxy-Connection`, which is not in `NASTY`, is another name of Connection for llhttp, and
 * nothing for us, as no RFC knows it.
 */
const LEFT_OUT = [new RegExp(String.raw`HTTP/1\.0(?=${IN_HEAD}close)${IN_HEAD}keep-alive`, 'i')];

/**
 * Valid bytes with up to three changes: something put in between two lines, or anywhere for a few bytes taken out.
 */
export function changed(valid: fc.Arbitrary<string>, put: fc.Arbitrary<string>): fc.Arbitrary<string> {
  const change = fc.oneof(
    fc.record({ line: fc.nat(15), text: put }),
    fc.record({ place: fc.nat(300), taken: fc.nat(4), text: put }),
  );
  return fc
    .tuple(valid, fc.array(change, { maxLength: 3 }))
    .map(([whole, changes]) => {
      let bytes = whole;
      for (const next of changes) {
        if ('line' in next) {
          const lines = bytes.split('\r\n');
          const at = next.line % lines.length;
          lines[at] = next.text + (lines[at] ?? '');
          bytes = lines.join('\r\n');
        } else {
          const at = next.place % (bytes.length + 1);
          bytes = bytes.slice(0, at) + next.text + bytes.slice(at + next.taken);
        }
      }
      return bytes;
    })
    .filter((bytes) => !LEFT_OUT.some((pattern) => pattern.test(bytes)));
}

/** Names and values in turn, as `node:http` has them. */
export function pairsOf(raw: readonly string[]): HeaderPair[] {
  const pairs: HeaderPair[] = [];
  for (let at = 0; at < raw.length; at += 2) pairs.push([raw[at] ?? '', raw[at + 1] ?? '']);
  return pairs;
}
