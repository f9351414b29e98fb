import { dechunk } from './dechunk.ts';

/** Counts a body and keeps its first bytes. Copies only what it keeps, so that no socket buffer is pinned. */
export class BodyPrefix {
  #limit: number;
  #chunks: Buffer[] = [];
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
    const part = Buffer.from(chunk.subarray(0, room));
    this.#chunks.push(part);
    this.kept += part.length;
    return part.length;
  }

  toBody(chunked: boolean): { data: string; bytes: number; truncated: boolean } {
    const kept = Buffer.concat(this.#chunks);
    const data = (chunked ? dechunk(kept) : kept).toString('base64');
    return { data, bytes: this.bytes, truncated: this.bytes > this.kept };
  }
}
