import { ByteQueue } from './byte-queue.ts';
import { YamuxError } from './errors.ts';
import { FLAG_ACK, FLAG_SYN, INITIAL_WINDOW_BYTES } from './frame.ts';
import type { SessionLimits } from './limits.ts';
import { type ConsumerRate, idleConsumer, isWorthAnUpdate, receiveTarget, withConsumed } from './receive-window.ts';
import type { Ordered } from './send-order.ts';
import type { Sharer, SendShares } from './send-shares.ts';
import type { StreamReceiver, YamuxStream } from './types.ts';

/** What a stream needs of its session. */
export interface StreamHost {
  readonly limits: SessionLimits;
  readonly shares: SendShares<Stream>;
  /** True while the carrier takes no more bytes: what is written now has to wait. */
  readonly congested: boolean;
  now(): number;
  /** The stream has flags or credit to announce. */
  announce(stream: Stream): void;
  /** The stream may have data or its FIN to send. */
  ready(stream: Stream): void;
  /** Asks for an RST; `announced` is false when the peer never heard of the stream. */
  sendReset(stream: Stream, announced: boolean): void;
  /** Received and not consumed bytes changed. */
  buffered(bytes: number): void;
  /** The round trip without queues; 0 while unknown. */
  readonly minRttMs: number;
  /** What a window grows to without need. */
  readonly leastTargetBytes: number;
  /** The size that a window of `current` bytes may have from now on. */
  resizeWindow(current: number, target: number): number;
  /** An incoming stream was taken by the application, or an own one by the peer. */
  acknowledged(stream: Stream): void;
  /** `end` was called and its FIN has left. */
  halfClosed(stream: Stream): void;
  /** Both directions are over. */
  removed(stream: Stream): void;
}

/** One stream of a session. Fields without a word in `YamuxStream` belong to the session's own parts. */
export class Stream implements YamuxStream, Ordered, Sharer {
  readonly id: number;
  readonly incoming: boolean;
  accepted: boolean;
  closed = false;

  nextReady: Stream | undefined;
  isReady = false;
  deficitBytes = 0;
  round = 0;
  isAnnounced = false;
  isCrowded = false;

  /** Bytes that the peer may still send. */
  receiveWindow: number;
  /** Bytes that the peer lets us still send. */
  sendWindow = INITIAL_WINDOW_BYTES;
  remoteEnded = false;
  /** Data has left on it. */
  hasSent = false;
  /** Received and not consumed. */
  waitingBytes = 0;

  private readonly host: StreamHost;
  private readonly queue = new ByteQueue();
  private receiver: StreamReceiver | undefined;
  private held: ByteQueue | undefined;
  private closeError: YamuxError | undefined;
  private flags: number;
  private credit: number;
  private windowBytes: number;
  private consumedBytes = 0;
  private takenBytes = 0;
  private readonly openedAt: number;
  private consumer: ConsumerRate | undefined;
  private endCalled = false;
  private finSent = false;
  private needsDrain = false;

  constructor(host: StreamHost, id: number, incoming: boolean) {
    this.host = host;
    this.id = id;
    this.incoming = incoming;
    this.accepted = false;
    this.flags = incoming ? 0 : FLAG_SYN;
    this.windowBytes = host.limits.initialWindowBytes;
    this.receiveWindow = INITIAL_WINDOW_BYTES;
    this.credit = this.windowBytes - INITIAL_WINDOW_BYTES;
    this.openedAt = host.now();
  }

  get queuedBytes(): number {
    return this.queue.length;
  }

  /** True when the stream closed because both sides had ended it. */
  get endedInOrder(): boolean {
    return this.closed && this.closeError === undefined;
  }

  get windowSize(): number {
    return this.windowBytes;
  }

  write(bytes: Uint8Array): boolean {
    if (this.endCalled || this.closed) return true;
    this.acknowledge();
    const { shares } = this.host;
    const waits = this.queue.length >= shares.roomBytes(this.sendWindow) || this.host.congested;
    this.queue.push(bytes, waits);
    shares.queuedBytes += bytes.length;
    if (this.maySend()) this.host.ready(this);
    if (this.queue.length <= shares.highWaterBytes) return true;
    this.needsDrain = true;
    return false;
  }

  end(): void {
    if (this.endCalled || this.closed) return;
    this.acknowledge();
    this.endCalled = true;
    this.host.ready(this);
  }

  reset(): void {
    this.resetWith(new YamuxError('yamux-stream-reset-here'));
  }

  attach(receiver: StreamReceiver): void {
    if (this.receiver !== undefined) throw new Error(`stream ${this.id} has a receiver already`);
    this.receiver = receiver;
    const wasClosed = this.closed;
    if (!wasClosed) this.acknowledge();
    const held = this.held;
    this.held = undefined;
    for (let bytes = held?.shift(held.length); bytes !== undefined; bytes = held?.shift(held.length)) {
      receiver.onData(bytes);
      // The receiver reset the stream, and was told of its end by that.
      if (this.closed && !wasClosed) return;
    }
    if (this.remoteEnded) receiver.onEnd();
    if (wasClosed) receiver.onClosed(this.closeError);
  }

  consumed(bytes: number): void {
    if (this.waitingBytes === 0 && this.closed) return;
    if (bytes > this.waitingBytes || bytes < 0) {
      throw new RangeError(`stream ${this.id}: ${bytes} bytes consumed of ${this.waitingBytes} received`);
    }
    this.waitingBytes -= bytes;
    this.host.buffered(-bytes);
    if (this.closed || this.remoteEnded) return;
    this.consumedBytes += bytes;
    this.takenBytes += bytes;
    if (isWorthAnUpdate(this.consumedBytes, this.windowBytes)) this.giveCredit();
  }

  /** Resets the stream here for a reason of the session's own. */
  resetWith(error: YamuxError): void {
    if (this.closed) {
      this.release();
      return;
    }
    this.host.sendReset(this, (this.flags & FLAG_SYN) === 0);
    this.close(error, true);
  }

  /** The peer accepted the own stream, or sent anything on it. */
  peerAccepted(): void {
    if (this.accepted || this.incoming) return;
    this.accepted = true;
    this.host.acknowledged(this);
  }

  /** What came whole, with its FIN, can still be read: an early answer, and then no interest in the rest of a request. */
  peerReset(): void {
    const refused = !this.incoming && !this.accepted;
    this.close(
      new YamuxError(refused ? 'yamux-stream-refused' : 'yamux-stream-reset', `stream ${this.id}`),
      !this.remoteEnded,
    );
  }

  peerEnded(): void {
    this.remoteEnded = true;
    this.receiver?.onEnd();
    this.closeWhenBothEnded();
  }

  /** Data or FIN after FIN: hashicorp/yamux can do that when Write and Close race. */
  endedTwice(): void {
    this.resetWith(new YamuxError('yamux-data-after-end', `stream ${this.id}`));
  }

  /** The session is gone. What had arrived can still be read. */
  lost(error: YamuxError): void {
    this.close(error, false);
  }

  /** Body bytes of a Data frame whose length was checked against `receiveWindow` before. */
  received(bytes: Uint8Array): void {
    this.waitingBytes += bytes.length;
    this.host.buffered(bytes.length);
    if (this.receiver !== undefined) {
      this.receiver.onData(bytes);
      return;
    }
    this.held ??= new ByteQueue();
    this.held.push(bytes, true);
  }

  /** Flags and credit for the next WindowUpdate; undefined when there is nothing to announce. */
  takeAnnouncement(): { flags: number; credit: number } | undefined {
    if (this.closed || (this.flags === 0 && this.credit === 0)) return undefined;
    const announcement = { flags: this.flags, credit: this.credit };
    this.receiveWindow += this.credit;
    this.flags = 0;
    this.credit = 0;
    return announcement;
  }

  /** Bytes that may leave in one frame of at most `maxBytes`. */
  sendableBytes(maxBytes: number): number {
    if (this.closed || this.queue.length === 0) return 0;
    return Math.min(this.queue.length, maxBytes, this.host.shares.roomBytes(this.sendWindow));
  }

  /** True when data may leave now. Where only its share of the session forbids it, it waits for a larger one. */
  maySend(): boolean {
    if (this.sendableBytes(1) > 0) return true;
    if (!this.closed && this.queue.length > 0 && this.sendWindow > 0) this.host.shares.crowded(this);
    return false;
  }

  /** Credit from the peer. */
  granted(bytes: number): void {
    const before = this.sendWindow;
    this.sendWindow += bytes;
    this.host.shares.windowChanged(before, this.sendWindow);
    if (this.maySend()) this.host.ready(this);
  }

  /** The next piece of a frame's payload. */
  shift(maxBytes: number): Uint8Array | undefined {
    const bytes = this.queue.shift(maxBytes);
    if (bytes === undefined) return undefined;
    const { shares } = this.host;
    const before = this.sendWindow;
    this.hasSent = true;
    this.sendWindow -= bytes.length;
    shares.queuedBytes -= bytes.length;
    shares.windowChanged(before, this.sendWindow);
    return bytes;
  }

  /** True once, when everything before the FIN has left. */
  takeFin(): boolean {
    if (this.closed || !this.endCalled || this.finSent || this.queue.length > 0) return false;
    this.finSent = true;
    return true;
  }

  /** After the write that took the FIN. */
  finLeft(): void {
    if (this.closed) return;
    this.host.halfClosed(this);
    this.receiver?.onFinished?.();
    this.closeWhenBothEnded();
  }

  /** After a write that took bytes. */
  drainLeft(): void {
    if (!this.needsDrain || this.closed || this.queue.length * 2 > this.host.shares.highWaterBytes) return;
    this.needsDrain = false;
    this.receiver?.onDrain();
  }

  /** The first use of an incoming stream by the application is what the peer is told as ACK. */
  private acknowledge(): void {
    if (!this.incoming || this.accepted) return;
    this.accepted = true;
    this.flags = FLAG_ACK;
    this.host.acknowledged(this);
    this.host.announce(this);
  }

  private giveCredit(): void {
    const { host } = this;
    const { minRttMs } = host;
    this.consumer = withConsumed(this.consumer ?? idleConsumer(this.openedAt), this.takenBytes, host.now(), minRttMs);
    this.takenBytes = 0;
    const target = receiveTarget(this.consumer, minRttMs, host.limits.maxWindowBytes, host.leastTargetBytes);
    // What the limits say is the least that a stream has.
    const windowBytes = host.resizeWindow(this.windowBytes, Math.max(target, host.limits.initialWindowBytes));
    const credit = this.consumedBytes + windowBytes - this.windowBytes;
    this.windowBytes = windowBytes;
    if (credit <= 0) {
      // The window shrank by more than was consumed: what is consumed from now on pays the rest.
      this.consumedBytes = credit;
      return;
    }
    this.consumedBytes = 0;
    this.credit += credit;
    host.announce(this);
  }

  private closeWhenBothEnded(): void {
    if (this.finSent && this.remoteEnded) this.close(undefined, false);
  }

  private close(error: YamuxError | undefined, dropHeld: boolean): void {
    if (this.closed) return;
    this.closed = true;
    this.closeError = error;
    const { shares } = this.host;
    shares.queuedBytes -= this.queue.length;
    this.queue.clear();
    shares.windowChanged(this.sendWindow, INITIAL_WINDOW_BYTES);
    this.host.removed(this);
    if (dropHeld) {
      this.held = undefined;
      this.release();
      // Whoever attaches now is not told that nothing is the whole.
      this.remoteEnded = false;
    }
    this.receiver?.onClosed(error);
  }

  private release(): void {
    this.host.buffered(-this.waitingBytes);
    this.waitingBytes = 0;
  }
}
