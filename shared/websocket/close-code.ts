import { isUtf8 } from 'node:buffer';
import { WebSocketError } from './errors.ts';

/** Not sent: stands for a close frame without a code (RFC 6455 §7.4.1). */
export const CLOSE_NO_STATUS = 1005;
export const CLOSE_NORMAL = 1000;
export const CLOSE_GOING_AWAY = 1001;

/** Codes that may be on the wire: those of the registry that are not reserved, and those of libraries and applications. */
export function isWireCloseCode(code: number): boolean {
  return (
    (code >= 1000 && code <= 1014 && code !== 1004 && code !== 1005 && code !== 1006) || (code >= 3000 && code < 5000)
  );
}

export interface ClosePayload {
  readonly code: number;
  readonly reason: string;
}

/** Reads the body of a close frame (RFC 6455 §5.5.1), already unmasked; the parser has refused one of one byte. */
export function readClosePayload(payload: Uint8Array): ClosePayload | WebSocketError {
  if (payload.length === 0) return { code: CLOSE_NO_STATUS, reason: '' };
  const code = ((payload[0] ?? 0) << 8) | (payload[1] ?? 0);
  if (!isWireCloseCode(code)) return new WebSocketError('websocket-bad-close', `code ${code}`);
  const reason = payload.subarray(2);
  if (!isUtf8(reason)) return new WebSocketError('websocket-bad-text');
  return { code, reason: Buffer.from(reason.buffer, reason.byteOffset, reason.length).toString() };
}

/** The body of a close frame that we send. */
export function closePayload(code: number): Uint8Array {
  return code === CLOSE_NO_STATUS ? new Uint8Array(0) : Uint8Array.of(code >>> 8, code & 0xff);
}
