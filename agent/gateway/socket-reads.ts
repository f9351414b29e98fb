import type { OnReadOpts } from 'node:net';

/** An answer of 64 KiB and its head are one read; not more, for a visitor who does not read on makes one read wait. */
const READ_BYTES = 80 * 1024;
const SLAB_BYTES = 64 * 1024;
/** Larger reads get a buffer of their own: one that waits for its visitor would keep the whole block. */
const SHARED_BYTES = 4096;

let reading: Uint8Array | undefined;
let slab = Buffer.alloc(0);
let slabAt = 0;

/**
 * Reads of one socket by way of `onread`, which spares it the machinery of a stream. All sockets read into the same
 * memory; what came is copied from there, small pieces into blocks that many reads share.
 */
export class SocketReads {
  /** Gets bytes that stay as they are. Set before the socket has connected. */
  onBytes: (bytes: Buffer) => void = () => {};
  /** An option of `net.connect`. */
  readonly onread: OnReadOpts;

  private constructor() {
    this.onread = {
      buffer: (reading ??= Buffer.allocUnsafeSlow(READ_BYTES)),
      callback: (length, bytes) => {
        this.onBytes(copy(bytes, length));
        return true;
      },
    };
  }

  /** Undefined on Windows, where a read may still run while another socket reads, so that they cannot share memory. */
  static make(): SocketReads | undefined {
    return process.platform === 'win32' ? undefined : new SocketReads();
  }
}

function copy(bytes: Uint8Array, length: number): Buffer {
  const came = length === bytes.length ? bytes : bytes.subarray(0, length);
  if (length >= SHARED_BYTES) {
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
