/** Frame header of RFC 6455 §5.2. */
export const OPCODE_CONTINUATION = 0x0;
export const OPCODE_TEXT = 0x1;
export const OPCODE_BINARY = 0x2;
export const OPCODE_CLOSE = 0x8;
export const OPCODE_PING = 0x9;
export const OPCODE_PONG = 0xa;

export const FIN = 0x80;
export const RESERVED_BITS = 0x70;
export const MASKED = 0x80;
export const MASK_BYTES = 4;
export const MAX_CONTROL_BYTES = 125;
/** Two bytes, a length of eight, a mask. */
export const MAX_HEADER_BYTES = 14;

/** The side that a WebSocket is on: a client masks what it sends and takes no masks, a server the other way round. */
export type WebSocketRole = 'client' | 'server';

/** Bytes of a header whose payload has this length. */
export function headerBytesFor(role: WebSocketRole, payloadBytes: number): number {
  const length = payloadBytes > 0xffff ? 8 : payloadBytes >= 126 ? 2 : 0;
  return 2 + length + (role === 'client' ? MASK_BYTES : 0);
}

/** Writes the header of a whole message or control frame, without its mask; returns where the mask or payload goes. */
export function writeFrameHeader(
  target: Uint8Array,
  at: number,
  opcode: number,
  payloadBytes: number,
  maskBit: number,
): number {
  target[at] = FIN | opcode;
  if (payloadBytes < 126) {
    target[at + 1] = maskBit | payloadBytes;
    return at + 2;
  }
  if (payloadBytes <= 0xffff) {
    target[at + 1] = maskBit | 126;
    target[at + 2] = payloadBytes >>> 8;
    target[at + 3] = payloadBytes & 0xff;
    return at + 4;
  }
  target[at + 1] = maskBit | 127;
  writeUint32(target, at + 2, Math.floor(payloadBytes / 2 ** 32));
  writeUint32(target, at + 6, payloadBytes >>> 0);
  return at + 10;
}

function writeUint32(target: Uint8Array, at: number, value: number): void {
  target[at] = value >>> 24;
  target[at + 1] = (value >>> 16) & 0xff;
  target[at + 2] = (value >>> 8) & 0xff;
  target[at + 3] = value & 0xff;
}
