import { HEADER_BYTES, readUint32, TYPE_DATA } from './frame.ts';

/** What the parser found. A `false` stops it for good: the session has failed and no byte after it counts. */
export interface FrameSink {
  /** A whole header. For Data, `length` bytes follow through `onBody`, and then `onFrameEnd`. */
  onHeader(version: number, type: number, flags: number, id: number, length: number): boolean;
  /** A part of the body, as it lay in the bytes that were pushed. */
  onBody(bytes: Uint8Array): boolean;
  /** The Data frame is complete (also for a body of 0 bytes). */
  onFrameEnd(): boolean;
}

/**
 * Cuts bytes into frames at any chunking. Holds at most one incomplete header (12 bytes): bodies are passed on as they
 * come, so that the length that a header claims never makes anything grow.
 */
export class FrameParser {
  private readonly sink: FrameSink;
  private readonly scratch = new Uint8Array(HEADER_BYTES);
  private scratchBytes = 0;
  private bodyLeft = 0;
  private stopped = false;

  constructor(sink: FrameSink) {
    this.sink = sink;
  }

  /** Takes no more bytes. */
  stop(): void {
    this.stopped = true;
  }

  push(bytes: Uint8Array): void {
    const end = bytes.length;
    let at = 0;
    while (at < end && !this.stopped) {
      if (this.bodyLeft > 0) {
        const take = Math.min(this.bodyLeft, end - at);
        this.bodyLeft -= take;
        const slice = take === end ? bytes : bytes.subarray(at, at + take);
        at += take;
        this.check(this.sink.onBody(slice));
        if (this.bodyLeft === 0 && !this.stopped) this.check(this.sink.onFrameEnd());
        continue;
      }
      if (this.scratchBytes === 0 && end - at >= HEADER_BYTES) {
        const header = at;
        at += HEADER_BYTES;
        this.header(bytes, header);
        continue;
      }
      const take = Math.min(HEADER_BYTES - this.scratchBytes, end - at);
      this.scratch.set(bytes.subarray(at, at + take), this.scratchBytes);
      this.scratchBytes += take;
      at += take;
      if (this.scratchBytes === HEADER_BYTES) {
        this.scratchBytes = 0;
        this.header(this.scratch, 0);
      }
    }
  }

  private header(bytes: Uint8Array, at: number): void {
    const type = bytes[at + 1] ?? 0;
    const flags = ((bytes[at + 2] ?? 0) << 8) | (bytes[at + 3] ?? 0);
    const length = readUint32(bytes, at + 8);
    if (type === TYPE_DATA) this.bodyLeft = length;
    this.check(this.sink.onHeader(bytes[at] ?? 0, type, flags, readUint32(bytes, at + 4), length));
    if (type === TYPE_DATA && length === 0 && !this.stopped) this.check(this.sink.onFrameEnd());
  }

  private check(goOn: boolean): void {
    if (!goOn) this.stopped = true;
  }
}
