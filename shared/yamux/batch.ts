import { HEADER_BYTES, writeHeader } from './frame.ts';

/** Payloads up to this size are copied next to their header; larger ones are referenced (measured: 16 KiB is slower). */
const COPY_BYTES = 4096;
const SLAB_BYTES = 64 * 1024;

/**
 * Gathers the frames of one write: headers and small payloads side by side in a slab, large payloads by reference. A
 * slab is never written twice, so chunks may be kept until the carrier has sent them.
 */
export class Batch {
  bytes = 0;
  frames = 0;
  private chunks: Uint8Array[] = [];
  private slab: Uint8Array = new Uint8Array(0);
  private start = 0;
  private at = 0;

  header(type: number, flags: number, id: number, length: number): void {
    this.room(HEADER_BYTES);
    writeHeader(this.slab, this.at, type, flags, id, length);
    this.at += HEADER_BYTES;
    this.bytes += HEADER_BYTES;
    this.frames++;
  }

  payload(bytes: Uint8Array): void {
    this.bytes += bytes.length;
    if (bytes.length > COPY_BYTES) {
      this.seal();
      this.chunks.push(bytes);
      return;
    }
    this.room(bytes.length);
    this.slab.set(bytes, this.at);
    this.at += bytes.length;
  }

  /** The chunks so far, in order; the batch is empty afterwards. */
  take(): Uint8Array[] {
    this.seal();
    const chunks = this.chunks;
    this.chunks = [];
    this.bytes = 0;
    this.frames = 0;
    return chunks;
  }

  private room(bytes: number): void {
    if (this.slab.length - this.at >= bytes) return;
    this.seal();
    this.slab = Buffer.allocUnsafeSlow(SLAB_BYTES);
    this.start = 0;
    this.at = 0;
  }

  private seal(): void {
    if (this.at === this.start) return;
    this.chunks.push(this.slab.subarray(this.start, this.at));
    this.start = this.at;
  }
}
