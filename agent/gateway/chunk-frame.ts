import type { HeaderList } from '../../shared/http1/header-list.ts';

/** Frames a body whose end was the end of its connection, for a connection that goes on (RFC 9112 §7.1). */
const CRLF = Buffer.from('\r\n');
const LAST_SIZE = Buffer.from('0\r\n');
export const LAST_CHUNK: Buffer = Buffer.concat([LAST_SIZE, CRLF]);

export function chunkFrame(bytes: Buffer): Buffer {
  return Buffer.concat([Buffer.from(`${bytes.length.toString(16)}\r\n`, 'latin1'), bytes, CRLF]);
}

/** The end of a chunked body with these trailers. */
export function lastChunk(trailers: HeaderList): Buffer {
  return trailers.size === 0 ? LAST_CHUNK : Buffer.concat([LAST_SIZE, trailers.lines, CRLF]);
}
