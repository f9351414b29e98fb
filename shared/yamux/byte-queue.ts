/** Below this a slice is copied when it must wait: otherwise one byte could pin the 64 KiB that a socket read. */
export const SMALL_SLICE_BYTES = 4096;
const SMALLEST_BLOCK_BYTES = 256;
/** In the place of what was taken, which would stay in memory otherwise until all of it was. */
const TAKEN = new Uint8Array(0);

/** A first-in first-out queue of bytes that neither pins large buffers for small slices nor grows by slice count. */
export class ByteQueue {
  length = 0;
  private chunks: Uint8Array[] = [];
  private head = 0;
  /** The block behind the last chunk, when it is ours and has room. */
  private block: Uint8Array | undefined;
  private blockUsed = 0;

  /** `wait`: the bytes will not leave at once, so small slices are gathered into blocks of our own. */
  push(bytes: Uint8Array, wait: boolean): void {
    if (bytes.length === 0) return;
    this.length += bytes.length;
    if (!wait || bytes.length >= SMALL_SLICE_BYTES) {
      this.block = undefined;
      this.chunks.push(bytes);
      return;
    }
    if (this.block === undefined || this.block.length - this.blockUsed < bytes.length) {
      const size = Math.max(SMALLEST_BLOCK_BYTES, Math.min(SMALL_SLICE_BYTES, Math.max(this.length, bytes.length)));
      this.block = new Uint8Array(new ArrayBuffer(size));
      this.blockUsed = 0;
      this.chunks.push(this.block);
    }
    this.block.set(bytes, this.blockUsed);
    this.blockUsed += bytes.length;
    const start = this.chunks.at(-1)?.byteOffset ?? 0;
    this.chunks[this.chunks.length - 1] = this.block.subarray(start, this.blockUsed);
  }

  /** Takes a slice of at most `maxBytes` from the front; undefined when empty. */
  shift(maxBytes: number): Uint8Array | undefined {
    const first = this.chunks[this.head];
    if (first === undefined || maxBytes <= 0) return undefined;
    if (first.length > maxBytes) {
      this.chunks[this.head] = first.subarray(maxBytes);
      this.length -= maxBytes;
      return first.subarray(0, maxBytes);
    }
    this.length -= first.length;
    this.chunks[this.head++] = TAKEN;
    if (this.head === this.chunks.length) this.clear();
    else if (this.head >= 64 && this.head * 2 >= this.chunks.length) {
      this.chunks.splice(0, this.head);
      this.head = 0;
    }
    return first;
  }

  clear(): void {
    this.length = 0;
    this.chunks = [];
    this.head = 0;
    this.block = undefined;
  }
}
