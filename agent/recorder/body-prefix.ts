import type { ByteLog } from './byte-log.ts';
import { dechunk } from './dechunk.ts';

/** Counts a body and keeps its first bytes, which lie in a log beside those of others. */
export class BodyPrefix {
  readonly #log: ByteLog;
  readonly #limit: number;
  /** Where they lie, in order. Bytes that came one after the other are one part. */
  #at = 0;
  #length = 0;
  #later: { readonly at: number; length: number }[] | undefined;
  kept = 0;
  bytes = 0;

  constructor(log: ByteLog, limit: number) {
    this.#log = log;
    this.#limit = limit;
  }

  /** Bytes kept of this chunk. */
  add(chunk: Uint8Array): number {
    this.bytes += chunk.length;
    const room = this.#limit - this.kept;
    if (room <= 0 || chunk.length === 0) return 0;
    const part = chunk.length > room ? chunk.subarray(0, room) : chunk;
    const at = this.#log.append(part);
    const last = this.#later?.at(-1);
    if (this.kept === 0) {
      this.#at = at;
      this.#length = part.length;
    } else if (last === undefined && at === this.#at + this.#length) this.#length += part.length;
    else if (last !== undefined && at === last.at + last.length) last.length += part.length;
    else (this.#later ??= []).push({ at, length: part.length });
    this.kept += part.length;
    return part.length;
  }

  /** What is left of it when the log has been written over is its beginning, or nothing. */
  toBody(chunked: boolean): { data: string; bytes: number; truncated: boolean } {
    const parts: Buffer[] = [];
    for (const { at, length } of [{ at: this.#at, length: this.#length }, ...(this.#later ?? [])]) {
      const part = this.#log.read(at, length);
      if (part === undefined) break;
      parts.push(part);
    }
    const kept = Buffer.concat(parts);
    const data = (chunked ? dechunk(kept) : kept).toString('base64');
    return { data, bytes: this.bytes, truncated: this.bytes > kept.length };
  }
}
