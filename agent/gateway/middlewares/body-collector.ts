import { DechunkStream } from './dechunk-stream.ts';

/** No body is kept that is larger, whatever the configuration allows. */
export const MAX_KEPT_BYTES = 64 * 1024 * 1024;

/** Smaller pieces are put together: whoever sends chunks of one byte would take a hundred times the memory that is counted. */
const BLOCK_BYTES = 4096;
const NO_BLOCK = Buffer.alloc(0);

/** Puts a body together, up to a limit. */
export class BodyCollector {
  readonly #max: number;
  readonly #dechunk: DechunkStream | undefined;
  #parts: Buffer[] = [];
  /** The last part, and how much of it is filled. */
  #block = NO_BLOCK;
  #filled = 0;
  #length = 0;

  constructor(maxBytes: number, chunked: boolean) {
    this.#max = Math.min(maxBytes, MAX_KEPT_BYTES);
    this.#dechunk = chunked ? new DechunkStream() : undefined;
  }

  /** False: the body is too large; what came of it is forgotten. */
  push(bytes: Uint8Array): boolean {
    const parts = this.#dechunk?.push(bytes) ?? [bytes];
    for (const part of parts) {
      this.#length += part.length;
      if (this.#length > this.#max) {
        this.#forget();
        return false;
      }
      this.#keep(part);
    }
    return true;
  }

  get length(): number {
    return this.#length;
  }

  take(): Buffer {
    this.#closeBlock();
    const [only] = this.#parts;
    const body = this.#parts.length === 1 && only !== undefined ? only : Buffer.concat(this.#parts);
    this.#forget();
    return body;
  }

  /** A copy: the bytes are the sender's buffer, which is used again. */
  #keep(part: Uint8Array): void {
    if (part.length > this.#block.length - this.#filled) {
      this.#closeBlock();
      if (part.length >= BLOCK_BYTES) {
        this.#parts.push(Buffer.from(part));
        return;
      }
      this.#block = Buffer.allocUnsafe(BLOCK_BYTES);
    }
    this.#block.set(part, this.#filled);
    this.#filled += part.length;
  }

  #closeBlock(): void {
    if (this.#filled > 0) this.#parts.push(this.#block.subarray(0, this.#filled));
    this.#block = NO_BLOCK;
    this.#filled = 0;
  }

  #forget(): void {
    this.#parts = [];
    this.#block = NO_BLOCK;
    this.#filled = 0;
  }
}
