/** Frames a body whose end was the end of its connection, for a connection that goes on (RFC 9112 §7.1). */
const CRLF = Buffer.from('\r\n');
export const LAST_CHUNK: Buffer = Buffer.from('0\r\n\r\n');

export function chunkFrame(bytes: Buffer): Buffer {
  return Buffer.concat([Buffer.from(`${bytes.length.toString(16)}\r\n`, 'latin1'), bytes, CRLF]);
}
