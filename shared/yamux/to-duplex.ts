import { Duplex } from 'node:stream';
import { ByteQueue } from './byte-queue.ts';
import type { StreamReceiver, YamuxStream } from './types.ts';

/** What `Readable` may hold itself; what exceeds it waits in our own queue, where small slices are gathered. */
const READ_AHEAD_BYTES = 16 * 1024;

type Callback = (error?: Error | null) => void;

/**
 * A stream as `Duplex`, for `node:http`, pipelines and whatever expects a socket. Attaches to the stream, so call it
 * once and instead of `attach`. `end()` is a half-close; `destroy()` resets the stream unless both directions have
 * ended; credit goes back to the peer when the reader has taken the bytes. Written chunks are referenced: do not change
 * them afterwards.
 */
export function toDuplex(stream: YamuxStream): StreamDuplex {
  return new StreamDuplex(stream);
}

export class StreamDuplex extends Duplex implements StreamReceiver {
  readonly stream: YamuxStream;
  private readonly waiting = new ByteQueue();
  /** Pushed into `Readable` and not yet given back as credit. */
  private uncredited = 0;
  private wantsMore = false;
  private remoteEnded = false;
  private endPushed = false;
  private writeDone: Callback | undefined;
  private finalDone: Callback | undefined;
  /** The connection is gone, and what had come before is still being read. */
  private lost: Error | undefined;
  private idleMs = 0;
  private idleTimer: NodeJS.Timeout | undefined;

  constructor(stream: YamuxStream) {
    super({ readableHighWaterMark: READ_AHEAD_BYTES, allowHalfOpen: true, emitClose: true });
    this.stream = stream;
    stream.attach(this);
  }

  onData(bytes: Uint8Array): void {
    if (this.destroyed) {
      this.stream.consumed(bytes.length);
      return;
    }
    this.idleTimer?.refresh();
    const flowsOn = this.readableFlowing === true && this.readableLength === 0;
    if (this.waiting.length === 0 && (flowsOn || this.wantsMore)) this.pushOn(bytes, !flowsOn);
    else this.waiting.push(bytes, true);
    this.credit();
  }

  onEnd(): void {
    this.remoteEnded = true;
    this.pushEnd();
  }

  onDrain(): void {
    const done = this.writeDone;
    this.writeDone = undefined;
    this.idleTimer?.refresh();
    done?.();
  }

  onFinished(): void {
    const done = this.finalDone;
    this.finalDone = undefined;
    done?.();
  }

  onClosed(error?: Error): void {
    if (error === undefined || this.destroyed) return;
    // What came with its end is whole: let it be read before the loss of the other direction is told.
    if (this.remoteEnded && !this.readableEnded) {
      this.lost = error;
      this.once('end', () => this.destroy(error));
      return;
    }
    this.destroy(error);
  }

  /** Reading is what frees the peer's window, so each read looks at what it took. */
  override read(size?: number): unknown {
    const bytes: unknown = super.read(size);
    this.credit();
    return bytes;
  }

  override _read(): void {
    this.wantsMore = true;
    while (this.wantsMore) {
      const bytes = this.waiting.shift(READ_AHEAD_BYTES * 4);
      if (bytes === undefined) break;
      this.pushOn(bytes, false);
    }
    this.pushEnd();
    this.credit();
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: Callback): void {
    this.idleTimer?.refresh();
    if (this.lost !== undefined || this.stream.write(chunk)) done(this.lost);
    else this.writeDone = done;
  }

  override _writev(chunks: { chunk: Buffer; encoding: BufferEncoding }[], done: Callback): void {
    this.idleTimer?.refresh();
    let room = true;
    for (const { chunk } of chunks) room = this.stream.write(chunk);
    if (this.lost !== undefined || room) done(this.lost);
    else this.writeDone = done;
  }

  /** Finishes only when FIN has left: `autoDestroy` would otherwise reset a stream whose bytes still wait. */
  override _final(done: Callback): void {
    if (this.lost !== undefined) {
      done(this.lost);
      return;
    }
    this.finalDone = done;
    this.stream.end();
  }

  override _destroy(error: Error | null, done: Callback): void {
    clearTimeout(this.idleTimer);
    this.waiting.clear();
    this.stream.reset();
    const cause = error ?? new Error(`yamux stream ${this.stream.id} was destroyed`);
    for (const pending of [this.writeDone, this.finalDone]) pending?.(cause);
    this.writeDone = undefined;
    this.finalDone = undefined;
    done(error);
  }

  /** Like `net.Socket`: emits `timeout` when nothing was read or written for so long; 0 turns it off. */
  setTimeout(ms: number, listener?: () => void): this {
    this.idleMs = ms;
    clearTimeout(this.idleTimer);
    this.idleTimer = undefined;
    if (listener !== undefined) {
      if (ms === 0) this.removeListener('timeout', listener);
      else this.once('timeout', listener);
    }
    if (ms > 0 && !this.destroyed) {
      this.idleTimer = setTimeout(() => this.emit('timeout'), ms);
      this.idleTimer.unref();
    }
    return this;
  }

  get timeout(): number {
    return this.idleMs;
  }

  /** `node:http` sets these on its sockets; the carrier of the session decides both. */
  setNoDelay(): this {
    return this;
  }

  setKeepAlive(): this {
    return this;
  }

  ref(): this {
    return this;
  }

  unref(): this {
    return this;
  }

  private pushOn(bytes: Uint8Array, copySmall: boolean): void {
    this.uncredited += bytes.length;
    // A slice that stays in Readable's own buffer must not pin what the carrier read.
    const small = copySmall && bytes.length * 4 < bytes.buffer.byteLength;
    this.wantsMore = this.push(small ? Buffer.from(bytes) : bytes) && !this.destroyed;
  }

  private pushEnd(): void {
    if (!this.remoteEnded || this.endPushed || this.waiting.length > 0 || this.destroyed) return;
    this.endPushed = true;
    this.push(null);
  }

  private credit(): void {
    const consumed = this.uncredited - this.readableLength;
    if (consumed <= 0) return;
    this.uncredited -= consumed;
    this.stream.consumed(consumed);
  }
}
