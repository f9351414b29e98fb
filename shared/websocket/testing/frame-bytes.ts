import { FIN, MASKED } from '../frame.ts';

export interface FrameSpec {
  readonly opcode: number;
  readonly payload?: Uint8Array;
  readonly fin?: boolean;
  readonly rsv?: number;
  /** Four bytes; absent for a frame without mask. */
  readonly mask?: readonly number[] | undefined;
  /** What the length field says, when not the truth. */
  readonly claims?: bigint;
  /** Bytes of the extended length, when not the fewest. */
  readonly lengthBytes?: 0 | 2 | 8;
}

/** Any frame, right or wrong, byte by byte and on its own: nothing of the code under test is in it but constants. */
export function frameBytes(spec: FrameSpec): Buffer {
  const payload = spec.payload ?? new Uint8Array(0);
  const claims = spec.claims ?? BigInt(payload.length);
  const lengthBytes = spec.lengthBytes ?? (claims < 126n ? 0 : claims < 65_536n ? 2 : 8);
  const head = Buffer.alloc(2 + lengthBytes);
  head[0] = (spec.fin === false ? 0 : FIN) | ((spec.rsv ?? 0) << 4) | spec.opcode;
  const short = lengthBytes === 8 ? 127 : lengthBytes === 2 ? 126 : Number(claims);
  head[1] = (spec.mask === undefined ? 0 : MASKED) | short;
  if (lengthBytes === 2) head.writeUInt16BE(Number(claims), 2);
  if (lengthBytes === 8) head.writeBigUInt64BE(claims, 2);
  const { mask } = spec;
  if (mask === undefined) return Buffer.concat([head, payload]);
  return Buffer.concat([head, Uint8Array.from(mask), payload.map((byte, index) => byte ^ (mask[index % 4] ?? 0))]);
}
