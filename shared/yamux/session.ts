import { type Clock, systemClock } from './clock.ts';
import { YamuxError, type YamuxErrorCode } from './errors.ts';
import { defaultFloodRates, FloodLimits, type FloodRates } from './flood-limits.ts';
import { GO_AWAY_INTERNAL_ERROR, GO_AWAY_NORMAL, GO_AWAY_PROTOCOL_ERROR, HEADER_BYTES } from './frame.ts';
import { FlightControl, type FlightSample } from './flight-control.ts';
import { FrameParser } from './frame-parser.ts';
import { Inbound, type InboundHost } from './inbound.ts';
import { defaultKeepAlive, KeepAlive, type KeepAliveSettings } from './keepalive.ts';
import { limitsWith, type SessionLimits } from './limits.ts';
import { Outbox, type OutboxHost } from './outbox.ts';
import { Pings } from './pings.ts';
import type { ReceiveBudget } from './receive-budget.ts';
import type { SessionStats } from './session-stats.ts';
import { StreamTable } from './stream-table.ts';
import type { ByteChannel, YamuxStream } from './types.ts';

export interface SessionOptions {
  /** One side of a connection is the client (odd stream ids), the other the server. Both may open streams. */
  readonly role: 'client' | 'server';
  /**
   * A stream that the peer opened. It is acknowledged at its first `attach`, `write` or `end`, and counts to the
   * backlog until then. Without this function every incoming stream is refused.
   */
  onStream?(stream: YamuxStream): void;
  /** Called once. `error` is absent when either side ended the session in order. */
  onClosed?(error?: YamuxError): void;
  /** The peer missed a ping, or was heard again. */
  onSuspect?(suspect: boolean): void;
  /**
   * The peer missed two pings, and is silent still: true ends the session, which is the default; false keeps it for
   * now, as the last way there is. Asked again after each further miss.
   */
  onSilent?(silentMs: number): boolean;
  /** The peer takes no new streams from now on. */
  onGoAway?(): void;
  readonly limits?: Partial<SessionLimits>;
  readonly floodRates?: Partial<FloodRates>;
  /** `false` sends no pings of its own accord. */
  readonly keepAlive?: Partial<KeepAliveSettings> | false;
  /** Bounds what all sessions that are given it hold together. */
  readonly budget?: ReceiveBudget;
  /** Sees every answer to a ping, for traces. */
  observe?(sample: FlightSample): void;
  readonly clock?: Clock;
  /**
   * When what was queued leaves: at the end of the running callback (the default), or once every socket that is
   * readable now was read, which puts the frames of many small requests into one write.
   */
  readonly flushAfter?: 'callback' | 'poll';
}

/**
 * open: streams come and go · closing: those that are open may finish · lingering: what waits leaves, the channel ends
 * · over: nothing happens any more.
 */
type State = 'open' | 'closing' | 'lingering' | 'over';

/** A Yamux session (hashicorp's specification) over one byte channel. Nothing that the peer sends makes it throw. */
export class Session {
  /** Settles when the session is over, with the error that ended it, if any. Never rejects. */
  readonly closed: Promise<YamuxError | undefined>;
  private readonly channel: ByteChannel;
  private readonly options: SessionOptions;
  private readonly clock: Clock;
  private readonly limits: SessionLimits;
  private readonly table: StreamTable;
  private readonly floods: FloodLimits;
  private readonly pings: Pings;
  private readonly flight: FlightControl;
  private readonly keepAlive: KeepAlive | undefined;
  private readonly outbox: Outbox;
  private readonly parser: FrameParser;
  private settleClosed: (error: YamuxError | undefined) => void = () => {};
  private cancelTimers: (() => void)[] = [];
  private state: State = 'open';
  private wentAway = false;
  private peerWentAway = false;
  private failure: YamuxError | undefined;
  private dataBytesReceived = 0;
  private dataBytesSent = 0;
  private framesSent = 0;

  constructor(channel: ByteChannel, options: SessionOptions) {
    const clock = options.clock ?? systemClock;
    this.channel = channel;
    this.options = options;
    this.clock = guarded(clock, (error) => this.failInternally(error));
    this.limits = limitsWith(options.limits);
    this.closed = new Promise((resolve) => (this.settleClosed = resolve));
    this.floods = new FloodLimits({ ...defaultFloodRates, ...options.floodRates }, clock);
    this.pings = new Pings(clock, (value) => this.outbox.ping(value));
    this.flight = new FlightControl(clock, () => this.outbox.wake(), options.observe);
    const outboxHost: OutboxHost = {
      onPingSent: (value) => {
        this.pings.left(value);
        this.flight.left(value);
      },
      onAnswerOverflow: () => this.fail(new YamuxError('yamux-control-overflow'), GO_AWAY_PROTOCOL_ERROR),
      onSent: (frames, dataBytes) => {
        this.framesSent += frames;
        this.dataBytesSent += dataBytes;
        this.floods.moved(dataBytes);
      },
      onIdle: () => this.endChannelWhenIdle(),
      onThrown: (error) => this.failInternally(error),
    };
    const later = options.flushAfter === 'poll' ? setImmediate : queueMicrotask;
    this.outbox = new Outbox(channel, this.flight, outboxHost, later, this.limits.maxStreams);
    this.table = new StreamTable({
      role: options.role,
      limits: this.limits,
      clock: this.clock,
      outbox: this.outbox,
      budget: options.budget,
      minRttMs: () => this.flight.minRttMs,
      onServed: () => this.floods.forgive('syn'),
      onRemoved: (lateBytes) => {
        inbound.expectLate(lateBytes);
        if (this.state === 'closing' && this.table.size === 0) queueMicrotask(() => this.linger());
      },
    });
    const inbound = new Inbound(this.inboundHost());
    this.parser = new FrameParser(inbound);
    this.keepAlive = this.watch(options.keepAlive);
    this.flight.start();
    channel.attach({ onBytes: (bytes) => this.onBytes(bytes), onClosed: (reason) => this.onChannelClosed(reason) });
  }

  /** Open streams, both directions together. */
  get streams(): number {
    return this.table.size;
  }

  /** Smoothed round trip of the pings; 0 until the first answer. */
  get rttMs(): number {
    return this.pings.rttMs;
  }

  /** True after a missed ping, until the peer is heard again. */
  get suspect(): boolean {
    return this.keepAlive?.suspect ?? false;
  }

  /** True while `open` can be expected to work. */
  get canOpen(): boolean {
    return this.refusalToOpen() === undefined;
  }

  /**
   * Opens a stream; data may be written at once. Throws a `YamuxError` when the session takes none. The last one that
   * there is an id for makes the session close, so that it makes way for another.
   */
  open(): YamuxStream {
    const refusal = this.refusalToOpen();
    if (refusal !== undefined) throw new YamuxError(refusal);
    const stream = this.table.open();
    if (this.table.idsAreUsedUp) void this.close();
    return stream;
  }

  /** The round trip in ms, measured now. Rejects when `signal` aborts or the session ends. */
  ping(signal?: AbortSignal): Promise<number> {
    return this.state === 'over' ? Promise.reject(this.endError()) : this.pings.ping(signal);
  }

  /** Tells the peer to open no more streams. Those that are open go on, and this side may still open. */
  goAway(): void {
    if (this.wentAway || this.state === 'over') return;
    this.wentAway = true;
    this.outbox.goAway(GO_AWAY_NORMAL);
  }

  /**
   * GoAway, then waits until the open streams have ended (at most `graceMs`), then ends the channel. Streams that are
   * still open by then fail with `yamux-session-closed`.
   */
  close(graceMs: number = this.limits.closeGraceMs): Promise<YamuxError | undefined> {
    if (this.state !== 'open') return this.closed;
    this.state = 'closing';
    this.goAway();
    if (this.table.size === 0) this.linger();
    else this.later(graceMs, () => this.linger());
    return this.closed;
  }

  /** Ends the session and its channel now. */
  destroy(error?: Error): void {
    if (this.state === 'over') return;
    this.finish(error === undefined || error instanceof YamuxError ? error : lostBecause(error));
    this.channel.destroy(error);
  }

  stats(): SessionStats {
    const { table } = this;
    return {
      role: this.options.role,
      streams: table.size,
      backlog: table.backlog,
      unacknowledged: table.unacknowledged,
      opened: table.opened,
      admitted: table.admitted,
      refused: table.refused,
      bufferedBytes: table.bufferedBytes,
      queuedBytes: table.shares.queuedBytes,
      dataBytesReceived: this.dataBytesReceived,
      dataBytesSent: this.dataBytesSent,
      framesSent: this.framesSent,
      rttMs: this.rttMs,
      minRttMs: this.flight.minRttMs,
      inFlightBytes: this.flight.inFlightBytes,
      boundBytes: this.flight.boundBytes,
      suspect: this.suspect,
      peerWentAway: this.peerWentAway,
    };
  }

  private refusalToOpen(): YamuxErrorCode | undefined {
    if (this.state !== 'open') return 'yamux-session-closed';
    if (this.peerWentAway) return 'yamux-peer-went-away';
    return this.table.refusalToOpen();
  }

  private onBytes(bytes: Uint8Array): void {
    try {
      this.keepAlive?.heard();
      this.parser.push(bytes);
    } catch (error) {
      this.failInternally(error);
    }
  }

  private failInternally(error: unknown): void {
    this.fail(internalError(error), GO_AWAY_INTERNAL_ERROR);
  }

  private onChannelClosed(reason: Error | undefined): void {
    const orderly = reason === undefined && (this.peerWentAway || this.wentAway);
    this.finish(orderly ? undefined : lostBecause(reason));
    this.clearTimers();
  }

  /** Ends the session because of what the peer did, and tells it so. */
  private fail(error: YamuxError, goAwayCode: number): void {
    if (this.state === 'over') return;
    this.outbox.lastWord(goAwayCode);
    this.finish(error);
    this.channel.close();
    this.later(this.limits.lingerMs, () => this.channel.destroy(error));
  }

  private linger(): void {
    if (this.state !== 'closing') return;
    this.state = 'lingering';
    this.table.resetAll(new YamuxError('yamux-session-closed'));
    this.later(this.limits.lingerMs, () => this.destroy());
    this.outbox.flush();
    this.endChannelWhenIdle();
  }

  private endChannelWhenIdle(): void {
    if (this.state === 'lingering' && this.outbox.idle) this.channel.close();
  }

  private finish(error: YamuxError | undefined): void {
    if (this.state === 'over') return;
    this.state = 'over';
    this.failure = error;
    this.parser.stop();
    this.outbox.stop();
    this.flight.stop();
    this.keepAlive?.stop();
    this.clearTimers();
    const reason = this.endError();
    this.pings.failAll(reason);
    try {
      this.table.loseAll(reason);
    } catch (thrown) {
      this.failure = internalError(thrown);
    }
    try {
      this.options.onClosed?.(this.failure);
    } catch (thrown) {
      this.failure = internalError(thrown);
    }
    this.settleClosed(this.failure);
  }

  private endError(): YamuxError {
    return this.failure ?? new YamuxError('yamux-session-closed');
  }

  private later(ms: number, run: () => void): void {
    this.cancelTimers.push(this.clock.after(ms, run));
  }

  private clearTimers(): void {
    for (const cancel of this.cancelTimers) cancel();
    this.cancelTimers = [];
  }

  private watch(settings: SessionOptions['keepAlive']): KeepAlive | undefined {
    if (settings === false) return undefined;
    const all = { ...defaultKeepAlive, ...settings };
    let taken: number | undefined;
    let stuckMs = 0;
    return new KeepAlive(all, this.clock, {
      sendPing: () => {
        const now = this.outbox.takenOfWaiting;
        stuckMs = now !== undefined && now === taken ? stuckMs + all.intervalMs : 0;
        taken = now;
        if (stuckMs >= this.limits.writeTimeoutMs) {
          this.destroy(new YamuxError('yamux-write-timeout'));
          return;
        }
        // Its end is told by `onSuspect` and `onDead`; a rejection only says that the session is over.
        this.pings.ping().catch(() => undefined);
      },
      onSuspect: (suspect) => this.options.onSuspect?.(suspect),
      onSilent: (silentMs) => this.options.onSilent?.(silentMs) ?? true,
      onDead: () => this.destroy(new YamuxError('yamux-keepalive-timeout')),
    });
  }

  private inboundHost(): InboundHost {
    const { table, floods, flight, outbox, options } = this;
    const isAlive = (): boolean => this.state !== 'over';
    return {
      isAlive,
      stream: (id) => table.get(id),
      claim: (id) => table.claim(id),
      wasOpened: (id) => table.wasOpened(id),
      admit: (id) => table.admit(id, options.onStream !== undefined && !this.wentAway),
      offer: (stream) => options.onStream?.(stream),
      makeRoom: (bytes) => table.makeRoom(bytes),
      flood: (kind) => {
        if (floods.allow(kind)) return true;
        this.fail(new YamuxError('yamux-flood', kind), GO_AWAY_PROTOCOL_ERROR);
        return false;
      },
      moved: (bytes) => {
        this.dataBytesReceived += bytes;
        // Small messages are little beside their headers, and marks are sent for both.
        floods.moved(bytes + HEADER_BYTES);
        flight.received(bytes);
      },
      pong: (value) => {
        flight.receivedPing();
        outbox.pong(value);
      },
      answered: (value) => {
        const isMark = flight.answered(value);
        return this.pings.answered(value) || isMark;
      },
      peerWentAway: () => {
        if (this.peerWentAway) return;
        this.peerWentAway = true;
        options.onGoAway?.();
      },
      fail: (code, detail) => this.fail(new YamuxError(code, detail), GO_AWAY_PROTOCOL_ERROR),
    };
  }
}

/** A fault of ours says more than how the session ended. */
function internalError(thrown: unknown): YamuxError {
  return new YamuxError('yamux-internal', String(thrown), { cause: thrown });
}

/** What throws in a timer is told, and is no end of the process. */
function guarded(clock: Clock, onThrown: (error: unknown) => void): Clock {
  return {
    now: () => clock.now(),
    after: (ms, run) =>
      clock.after(ms, () => {
        try {
          run();
        } catch (error) {
          onThrown(error);
        }
      }),
  };
}

function lostBecause(reason: Error | undefined): YamuxError {
  if (reason === undefined) return new YamuxError('yamux-connection-lost');
  return new YamuxError('yamux-connection-lost', reason.message, { cause: reason });
}
