const BLOCK_BYTES = 256 * 1024;

/**
 * The last bytes of many bodies, one after the other, in blocks that are written again and again: bodies that are kept
 * for a while and then let go would else be what makes the collector run (`docs/decisions/0007`).
 */
export class ByteLog {
  readonly #blocks: Uint8Array[] = [];
  readonly #capacity: number;
  /** Position after the last byte; counts on when the log starts over. */
  #end = 0;

  /** Keeps at least the last `bytes`; takes memory only as far as it was filled. */
  constructor(bytes: number) {
    this.#capacity = Math.max(1, Math.ceil(bytes / BLOCK_BYTES)) * BLOCK_BYTES;
  }

  /** Copies them, and returns the position of the first. */
  append(bytes: Uint8Array): number {
    const from = this.#end;
    for (let at = 0; at < bytes.length;) {
      const index = Math.floor((this.#end % this.#capacity) / BLOCK_BYTES);
      const block = (this.#blocks[index] ??= Buffer.allocUnsafeSlow(BLOCK_BYTES));
      const start = this.#end % BLOCK_BYTES;
      const take = Math.min(bytes.length - at, BLOCK_BYTES - start);
      block.set(take === bytes.length ? bytes : bytes.subarray(at, at + take), start);
      this.#end += take;
      at += take;
    }
    return from;
  }

  /** A copy; undefined when some of them were overwritten. */
  read(from: number, length: number): Buffer | undefined {
    if (from < this.#end - this.#capacity) return undefined;
    const all = Buffer.alloc(length);
    for (let at = 0; at < length;) {
      const start = (from + at) % BLOCK_BYTES;
      const take = Math.min(length - at, BLOCK_BYTES - start);
      const block = this.#blocks[Math.floor(((from + at) % this.#capacity) / BLOCK_BYTES)];
      if (block !== undefined) all.set(block.subarray(start, start + take), at);
      at += take;
    }
    return all;
  }
}
