import { buffersCame } from '../process/buffer-pressure.ts';
/** An answer of 64 KiB and its head are one read; not more, for a visitor who does not read on makes one read wait. */
const READ_BYTES = 80 * 1024;
const SLAB_BYTES = 64 * 1024;
/** Larger reads get a buffer of their own: one that waits for its visitor would keep the whole block. */
const SHARED_BYTES = 4096;

let reading: Uint8Array | undefined;
let slab = Buffer.alloc(0);
let slabAt = 0;

/**
 * The memory that all sockets read into, one after the other. Undefined on Windows, where a read may still run while
 * another socket reads, so that they cannot share memory.
 */
export function readMemory(): Uint8Array | undefined {
  if (process.platform === 'win32') return undefined;
  return (reading ??= Buffer.allocUnsafeSlow(READ_BYTES));
}

/** What was read, as bytes that stay as they are: small pieces in blocks that many reads share. */
export function copyRead(bytes: Uint8Array, length: number): Buffer {
  const came = length === bytes.length ? bytes : bytes.subarray(0, length);
  if (length >= SHARED_BYTES) {
    buffersCame(length);
    const own = Buffer.allocUnsafeSlow(length);
    own.set(came);
    return own;
  }
  if (slab.length - slabAt < length) {
    slab = Buffer.allocUnsafeSlow(SLAB_BYTES);
    slabAt = 0;
  }
  const end = slabAt + length;
  const copied = slab.subarray(slabAt, end);
  copied.set(came);
  slabAt = end;
  return copied;
}
