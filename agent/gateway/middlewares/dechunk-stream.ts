import type { HeaderPair } from '../../../shared/http1/header-list.ts';

/** A size line longer than this is no size line. */
const MAX_LINE = 1024;
const MAX_TRAILERS = 64;
const NO_TRAILERS: readonly HeaderPair[] = [];

/**
 * Takes the framing off a chunked body (RFC 9112 §7.1) that comes piece by piece and that the parser has already found
 * well-formed. What came behind it is in `trailers`, once it has come.
 */
export class DechunkStream {
  trailers: readonly HeaderPair[] = NO_TRAILERS;
  #line = '';
  #left = 0;
  #state: 'size' | 'data' | 'data-end' | 'trailer' = 'size';

  /** The payload in these bytes. */
  push(bytes: Uint8Array): Buffer[] {
    const out: Buffer[] = [];
    for (let at = 0; at < bytes.length;) {
      if (this.#state === 'data') {
        const part = Buffer.from(bytes.buffer, bytes.byteOffset + at, Math.min(this.#left, bytes.length - at));
        out.push(part);
        at += part.length;
        this.#left -= part.length;
        if (this.#left === 0) this.#state = 'data-end';
        continue;
      }
      const byte = bytes[at++] ?? 0;
      if (byte !== 0x0a) {
        if (this.#line.length < MAX_LINE) this.#line += String.fromCharCode(byte);
        continue;
      }
      const line = this.#line.trimEnd();
      this.#line = '';
      if (this.#state === 'size') {
        this.#left = Number.parseInt(line, 16) || 0;
        this.#state = this.#left > 0 ? 'data' : 'trailer';
      } else if (this.#state === 'data-end') this.#state = 'size';
      else if (line !== '' && this.trailers.length < MAX_TRAILERS) this.trailers = [...this.trailers, fieldOf(line)];
    }
    return out;
  }
}

function fieldOf(line: string): HeaderPair {
  const colon = line.indexOf(':');
  return [line.slice(0, colon), line.slice(colon + 1).trim()];
}
