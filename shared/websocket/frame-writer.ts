import {
  headerBytesFor,
  MASK_BYTES,
  MASKED,
  MAX_CONTROL_BYTES,
  OPCODE_BINARY,
  type WebSocketRole,
  writeFrameHeader,
} from './frame.ts';
import { freshKey, maskInto, rotateKey } from './mask.ts';

/** A server copies chunks up to this size together; larger ones go by reference. */
const COPY_BYTES = 4096;
const SLAB_BYTES = 16 * 1024;
/** Masked copies are made in blocks of this size, which are used again once they have left. */
const BLOCK_BYTES = 64 * 1024;
/** One block for a message that is larger: Node's TLS copies what comes in several pieces. */
export const LARGE_BLOCK_BYTES = 320 * 1024;

/** All sockets of the process together keep about 3 MiB of free blocks at most: an idle socket keeps none. */
const freeBlocks: Record<
  'small' | 'large',
  { readonly bytes: number; readonly most: number; readonly free: Uint8Array[] }
> = {
  small: { bytes: BLOCK_BYTES, most: 16, free: [] },
  large: { bytes: LARGE_BLOCK_BYTES, most: 6, free: [] },
};
/** One for all sockets; never written twice, because what it holds may still wait for its socket. */
let slab: Uint8Array = new Uint8Array(0);
let slabAt = 0;

/** Bytes to write in this order. `blocks` are to be given back once they were written. */
export interface FramedMessage {
  readonly chunks: readonly Uint8Array[];
  readonly blocks: readonly Uint8Array[];
}

/**
 * Puts chunks into binary messages. A server references large chunks and copies small ones; a client copies all of them,
 * masked with a new random key for each message.
 */
export class FrameWriter {
  private readonly role: WebSocketRole;
  private readonly key = new Uint8Array(MASK_BYTES);

  constructor(role: WebSocketRole) {
    this.role = role;
  }

  /** One message of all chunks. They must not change until the message was written. */
  message(chunks: readonly Uint8Array[], opcode = OPCODE_BINARY): FramedMessage {
    let payloadBytes = 0;
    for (const chunk of chunks) payloadBytes += chunk.length;
    return this.role === 'client'
      ? this.masked(chunks, payloadBytes, opcode)
      : { chunks: this.plain(chunks, payloadBytes, opcode), blocks: NONE };
  }

  /** A close, ping or pong frame. */
  control(opcode: number, payload: Uint8Array): Uint8Array {
    if (payload.length > MAX_CONTROL_BYTES)
      throw new RangeError(`a control frame cannot carry ${payload.length} bytes`);
    const { chunks } = this.message([payload], opcode);
    const [only] = chunks;
    if (only === undefined || chunks.length > 1) throw new Error('a control frame is one chunk');
    return only;
  }

  /** The message was written, or will never be. */
  giveBack(blocks: readonly Uint8Array[]): void {
    for (const block of blocks) {
      const { most, free } = block.length === BLOCK_BYTES ? freeBlocks.small : freeBlocks.large;
      if (free.length < most) free.push(block);
    }
  }

  private plain(chunks: readonly Uint8Array[], payloadBytes: number, opcode: number): Uint8Array[] {
    const framed: Uint8Array[] = [];
    const headerBytes = headerBytesFor('server', payloadBytes);
    // A small message becomes one chunk.
    room(headerBytes + Math.min(payloadBytes, COPY_BYTES));
    let start = slabAt;
    slabAt = writeFrameHeader(slab, slabAt, opcode, payloadBytes, 0);
    for (const chunk of chunks) {
      const fits = slab.length - slabAt >= chunk.length;
      if (chunk.length <= COPY_BYTES && fits) {
        slab.set(chunk, slabAt);
        slabAt += chunk.length;
        continue;
      }
      if (slabAt > start) framed.push(slab.subarray(start, slabAt));
      start = slabAt;
      if (chunk.length > COPY_BYTES) framed.push(chunk);
      else {
        room(chunk.length);
        start = slabAt;
        slab.set(chunk, start);
        slabAt += chunk.length;
      }
    }
    if (slabAt > start) framed.push(slab.subarray(start, slabAt));
    return framed;
  }

  private masked(chunks: readonly Uint8Array[], payloadBytes: number, opcode: number): FramedMessage {
    const { key } = this;
    const headerBytes = headerBytesFor('client', payloadBytes);
    freshKey(key);
    const isSmall = payloadBytes <= COPY_BYTES;
    if (isSmall) room(headerBytes + payloadBytes);
    const blocks: Uint8Array[] = [];
    const framed: Uint8Array[] = [];
    const size = headerBytes + payloadBytes > BLOCK_BYTES ? 'large' : 'small';
    let block = isSmall ? slab : takeBlock(size, blocks);
    const start = isSmall ? slabAt : 0;
    let at = writeFrameHeader(block, start, opcode, payloadBytes, MASKED);
    block.set(key, at);
    at += MASK_BYTES;
    for (const chunk of chunks) {
      for (let from = 0; from < chunk.length;) {
        if (at === block.length) {
          framed.push(block);
          block = takeBlock(size, blocks);
          at = 0;
        }
        const take = Math.min(chunk.length - from, block.length - at);
        maskInto(take === chunk.length ? chunk : chunk.subarray(from, from + take), key, block, at);
        rotateKey(key, take);
        at += take;
        from += take;
      }
    }
    if (isSmall) slabAt = at;
    framed.push(isSmall || at < block.length ? block.subarray(start, at) : block);
    return { chunks: framed, blocks };
  }
}

function room(bytes: number): void {
  if (slab.length - slabAt >= bytes) return;
  slab = Buffer.allocUnsafeSlow(SLAB_BYTES);
  slabAt = 0;
}

const NONE: readonly Uint8Array[] = [];

function takeBlock(size: 'small' | 'large', blocks: Uint8Array[]): Uint8Array {
  const { bytes, free } = freeBlocks[size];
  const block = free.pop() ?? Buffer.allocUnsafeSlow(bytes);
  blocks.push(block);
  return block;
}
