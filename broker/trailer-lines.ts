import { HeaderList } from '../shared/http1/header-list.ts';
import { FIELD_VALUE, textIn, TOKEN } from '../shared/http1/octets.ts';
import { NOT_IN_TRAILERS } from '../shared/http1/trailer-fields.ts';
import { isForged } from './forged-fields.ts';

/** The last chunk with these trailer fields; what may not be there is left out. */
export function trailerLines(trailers: HeaderList | undefined): Buffer {
  let lines = '0\r\n';
  for (const [name, value] of trailers ?? new HeaderList()) {
    const lower = name.toLowerCase();
    if (name.startsWith(':') || NOT_IN_TRAILERS.has(lower) || isForged(lower)) continue;
    if (textIn(TOKEN, name) && textIn(FIELD_VALUE, value)) lines += `${name}: ${value}\r\n`;
  }
  return Buffer.from(`${lines}\r\n`, 'latin1');
}
