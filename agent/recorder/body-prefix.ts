import { dechunk } from './dechunk.ts';

/** A slice that is at least this share of its buffer is kept as it is; smaller ones are copied and let the buffer go. */
const WORTH_PINNING = 0.5;

/** Counts a body and keeps its first bytes: what it is given must not be changed afterwards. */
export class BodyPrefix {
  #limit: number;
  #chunks: Uint8Array[] | undefined;
  kept = 0;
  bytes = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Bytes kept of this chunk. */
  add(chunk: Uint8Array): number {
    this.bytes += chunk.length;
    const room = this.#limit - this.kept;
    if (room <= 0) return 0;
    const slice = chunk.length > room ? chunk.subarray(0, room) : chunk;
    const part = slice.length >= slice.buffer.byteLength * WORTH_PINNING ? slice : Buffer.from(slice);
    if (this.#chunks === undefined) this.#chunks = [part];
    else this.#chunks.push(part);
    this.kept += part.length;
    return part.length;
  }

  toBody(chunked: boolean): { data: string; bytes: number; truncated: boolean } {
    const kept = Buffer.concat(this.#chunks ?? []);
    const data = (chunked ? dechunk(kept) : kept).toString('base64');
    return { data, bytes: this.bytes, truncated: this.bytes > this.kept };
  }
}
