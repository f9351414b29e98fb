import { DechunkStream } from './dechunk-stream.ts';

/** No body is kept that is larger, whatever the configuration allows. */
export const MAX_KEPT_BYTES = 64 * 1024 * 1024;

/** Puts a body together, up to a limit. */
export class BodyCollector {
  readonly #max: number;
  readonly #dechunk: DechunkStream | undefined;
  #parts: Buffer[] = [];
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
        this.#parts = [];
        return false;
      }
      // The bytes are the sender's buffer, which is used again.
      this.#parts.push(Buffer.from(part));
    }
    return true;
  }

  get length(): number {
    return this.#length;
  }

  take(): Buffer {
    const [only] = this.#parts;
    const body = this.#parts.length === 1 && only !== undefined ? only : Buffer.concat(this.#parts);
    this.#parts = [];
    return body;
  }
}
