import { HeaderList } from '../shared/http1/header-list.ts';
import { FIELD_VALUE, textIn, TOKEN } from '../shared/http1/octets.ts';

/** Framing and routing are never believed after the body (RFC 9110 §6.5.1); the parsers of the way refuse them. */
const NOT_IN_TRAILERS: ReadonlySet<string> = new Set([
  'transfer-encoding',
  'content-length',
  'host',
  'connection',
  'upgrade',
  'trailer',
  'te',
  'expect',
  'keep-alive',
  'authorization',
  'cookie',
  'set-cookie',
]);

/** The last chunk with these trailer fields; what may not be there is left out. */
export function trailerLines(trailers: HeaderList | undefined): Buffer {
  let lines = '0\r\n';
  for (const [name, value] of trailers ?? new HeaderList()) {
    if (name.startsWith(':') || NOT_IN_TRAILERS.has(name.toLowerCase())) continue;
    if (textIn(TOKEN, name) && textIn(FIELD_VALUE, value)) lines += `${name}: ${value}\r\n`;
  }
  return Buffer.from(`${lines}\r\n`, 'latin1');
}
