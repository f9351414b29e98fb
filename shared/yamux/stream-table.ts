import type { Clock } from './clock.ts';
import { Deadlines } from './deadlines.ts';
import { YamuxError, type YamuxErrorCode } from './errors.ts';
import { INITIAL_WINDOW_BYTES, MAX_UINT32 } from './frame.ts';
import type { SessionLimits } from './limits.ts';
import type { Outbox } from './outbox.ts';
import type { ReceiveBudget } from './receive-budget.ts';
import { Stream, type StreamHost } from './stream.ts';
import { SendShares } from './send-shares.ts';
import { StreamOrder } from './stream-order.ts';
import { StreamWindows } from './stream-windows.ts';

export interface StreamTableSettings {
  readonly role: 'client' | 'server';
  readonly limits: SessionLimits;
  readonly clock: Clock;
  readonly outbox: Outbox;
  readonly budget: ReceiveBudget | undefined;
  minRttMs(): number;
  /** A stream is gone; so many bytes may still come for it. */
  onRemoved(lateBytes: number): void;
  /** A stream of the peer was ended in order by both sides. */
  onServed(): void;
}

/** The streams of one session: ids, counts, time limits and the bytes that they hold together. */
export class StreamTable implements StreamHost {
  readonly limits: SessionLimits;
  readonly shares: SendShares<Stream>;
  backlog = 0;
  unacknowledged = 0;
  opened = 0;
  admitted = 0;
  refused = 0;
  private readonly settings: StreamTableSettings;
  private readonly outbox: Outbox;
  private readonly clock: Clock;
  private readonly order: StreamOrder;
  private readonly streams = new Map<number, Stream>();
  private readonly openLimit: Deadlines<Stream>;
  private readonly halfCloseLimit: Deadlines<Stream>;
  private readonly windows: StreamWindows;
  private nextId: number;

  constructor(settings: StreamTableSettings) {
    const { clock, limits } = settings;
    this.settings = settings;
    this.limits = limits;
    this.clock = clock;
    this.outbox = settings.outbox;
    this.shares = new SendShares(limits, (stream) => this.outbox.ready(stream));
    this.nextId = settings.role === 'client' ? 1 : 2;
    this.order = new StreamOrder(settings.role === 'server');
    this.windows = new StreamWindows(limits.sessionBudgetBytes, settings.budget, () => this.dropLargest());
    this.openLimit = new Deadlines(clock, limits.openTimeoutMs, (stream) =>
      stream.resetWith(new YamuxError('yamux-open-timeout', `stream ${stream.id}`)),
    );
    this.halfCloseLimit = new Deadlines(clock, limits.halfCloseTimeoutMs, (stream) =>
      stream.resetWith(new YamuxError('yamux-half-close-timeout', `stream ${stream.id}`)),
    );
  }

  get size(): number {
    return this.streams.size;
  }

  /** Received and not consumed, all streams together. */
  get bufferedBytes(): number {
    return this.windows.bufferedBytes;
  }

  get(id: number): Stream | undefined {
    return this.streams.get(id);
  }

  /** No own stream can be opened any more. */
  get idsAreUsedUp(): boolean {
    return this.nextId > MAX_UINT32;
  }

  /** Why no own stream can be opened now. */
  refusalToOpen(): YamuxErrorCode | undefined {
    if (this.streams.size >= this.limits.maxStreams) return 'yamux-too-many-streams';
    if (this.unacknowledged >= this.limits.maxUnacknowledged) return 'yamux-too-many-unacknowledged';
    if (this.idsAreUsedUp) return 'yamux-stream-ids-used-up';
    return undefined;
  }

  open(): Stream {
    const stream = new Stream(this, this.nextId, false);
    this.nextId += 2;
    this.opened++;
    this.unacknowledged++;
    this.add(stream);
    this.openLimit.add(stream);
    this.outbox.announce(stream);
    return stream;
  }

  /** Checks and uses up the id of a stream that the peer opens. */
  claim(id: number): boolean {
    return this.order.open(id);
  }

  wasOpened(id: number): boolean {
    return id % 2 === this.nextId % 2 ? id < this.nextId : this.order.wasOpened(id);
  }

  /** A stream of the peer under a claimed id; undefined and an RST when it may not or does not fit. */
  admit(id: number, welcome: boolean): Stream | undefined {
    if (!welcome || this.backlog >= this.limits.acceptBacklog || this.streams.size >= this.limits.maxStreams) {
      this.refused++;
      this.settings.onRemoved(INITIAL_WINDOW_BYTES);
      this.outbox.refuse(id);
      return undefined;
    }
    const stream = new Stream(this, id, true);
    this.admitted++;
    this.backlog++;
    this.add(stream);
    return stream;
  }

  /** Before `bytes` are taken: over the budget, the stream that holds the most is reset. */
  makeRoom(bytes: number): void {
    this.windows.makeRoom(bytes);
  }

  resetAll(error: YamuxError): void {
    for (const stream of this.streams.values()) stream.resetWith(error);
  }

  /** The session is over. */
  loseAll(error: YamuxError): void {
    this.openLimit.clear();
    this.halfCloseLimit.clear();
    this.shares.clear();
    try {
      forEachWhole(this.streams.values(), (stream) => stream.lost(error));
    } finally {
      this.windows.leave();
    }
  }

  get congested(): boolean {
    return this.outbox.congested;
  }

  now(): number {
    return this.clock.now();
  }

  announce(stream: Stream): void {
    this.outbox.announce(stream);
  }

  ready(stream: Stream): void {
    this.outbox.ready(stream);
  }

  sendReset(stream: Stream, announced: boolean): void {
    if (announced) this.outbox.reset(stream.id);
  }

  get minRttMs(): number {
    return this.settings.minRttMs();
  }

  buffered(bytes: number): void {
    this.windows.buffered(bytes);
  }

  get leastTargetBytes(): number {
    return this.windows.leastTargetBytes;
  }

  resizeWindow(current: number, target: number): number {
    return this.windows.resize(current, target);
  }

  acknowledged(stream: Stream): void {
    if (stream.incoming) {
      this.backlog--;
      return;
    }
    this.unacknowledged--;
    this.openLimit.delete(stream);
  }

  halfClosed(stream: Stream): void {
    if (!stream.remoteEnded) this.halfCloseLimit.add(stream);
  }

  removed(stream: Stream): void {
    this.streams.delete(stream.id);
    this.outbox.gone(stream, this.streams.size);
    this.windows.closed(stream.windowSize);
    this.halfCloseLimit.delete(stream);
    if (!stream.accepted) this.acknowledged(stream);
    if (stream.incoming && stream.endedInOrder) this.settings.onServed();
    this.settings.onRemoved(stream.receiveWindow);
  }

  private dropLargest(): boolean {
    let victim: Stream | undefined;
    for (const stream of this.streams.values()) {
      if (stream.waitingBytes > (victim?.waitingBytes ?? 0)) victim = stream;
    }
    victim?.resetWith(new YamuxError('yamux-session-budget', `stream ${victim.id}: ${victim.waitingBytes} bytes`));
    return victim !== undefined;
  }

  private add(stream: Stream): void {
    this.streams.set(stream.id, stream);
    this.windows.opened(stream.windowSize);
  }
}

/** All are told, also when one throws: the first error is thrown after that. */
function forEachWhole<T>(items: Iterable<T>, tell: (item: T) => void): void {
  const errors: unknown[] = [];
  for (const item of items) {
    try {
      tell(item);
    } catch (error) {
      errors.push(error);
    }
  }
  if (errors.length > 0) throw errors[0];
}
