import { createHash } from 'node:crypto';
import type { StreamReceiver, YamuxStream } from '../types.ts';

/**
 * Reads a stream in a test: consumes at once unless told otherwise, and offers what happened as promises. The promises
 * never reject, so that a test that does not ask for one is not failed by it.
 */
export class StreamReader implements StreamReceiver {
  readonly stream: YamuxStream;
  bytes = 0;
  drains = 0;
  isEnded = false;
  isClosed = false;
  error: Error | undefined;
  readonly ended: Promise<void>;
  readonly finished: Promise<void>;
  readonly closed: Promise<Error | undefined>;
  private readonly hash = createHash('sha256');
  private autoConsume: boolean;
  private unconsumed = 0;
  private parts: Uint8Array[] = [];
  private settleEnded: () => void = () => {};
  private settleFinished: () => void = () => {};
  private settleClosed: (error: Error | undefined) => void = () => {};
  private waiting: { bytes: number; resolve: () => void }[] = [];
  private drainWaiters: (() => void)[] = [];

  constructor(stream: YamuxStream, options: { consume?: boolean } = {}) {
    this.stream = stream;
    this.autoConsume = options.consume ?? true;
    this.ended = new Promise((resolve) => (this.settleEnded = resolve));
    this.finished = new Promise((resolve) => (this.settleFinished = resolve));
    this.closed = new Promise((resolve) => (this.settleClosed = resolve));
    stream.attach(this);
  }

  onData(bytes: Uint8Array): void {
    this.bytes += bytes.length;
    this.hash.update(bytes);
    if (this.bytes <= 1 << 20) this.parts.push(Uint8Array.from(bytes));
    this.unconsumed += bytes.length;
    if (this.autoConsume) this.consumeOn();
    const due = this.waiting.filter((waiter) => waiter.bytes <= this.bytes);
    this.waiting = this.waiting.filter((waiter) => waiter.bytes > this.bytes);
    for (const waiter of due) waiter.resolve();
  }

  onEnd(): void {
    this.isEnded = true;
    this.settleEnded();
  }

  onFinished(): void {
    this.settleFinished();
  }

  onDrain(): void {
    this.drains++;
    const waiters = this.drainWaiters;
    this.drainWaiters = [];
    for (const resolve of waiters) resolve();
  }

  onClosed(error?: Error): void {
    if (this.isClosed) throw new Error('onClosed was called twice');
    this.isClosed = true;
    this.error = error;
    this.settleClosed(error);
    for (const resolve of this.drainWaiters) resolve();
  }

  /** Takes what waits, and all that follows. */
  consumeOn(): void {
    this.autoConsume = true;
    const bytes = this.unconsumed;
    this.unconsumed = 0;
    this.stream.consumed(bytes);
  }

  /** Resolves when so many bytes have come in all. */
  received(bytes: number): Promise<void> {
    if (this.bytes >= bytes) return Promise.resolve();
    return new Promise((resolve) => this.waiting.push({ bytes, resolve }));
  }

  /** Writes and waits for room. */
  async write(bytes: Uint8Array): Promise<void> {
    if (this.stream.write(bytes) || this.isClosed) return;
    await new Promise<void>((resolve) => this.drainWaiters.push(resolve));
  }

  text(): string {
    return Buffer.concat(this.parts).toString();
  }

  sha256(): string {
    return this.hash.copy().digest('hex');
  }
}
