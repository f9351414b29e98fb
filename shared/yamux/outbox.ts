import { Batch } from './batch.ts';
import {
  FLAG_ACK,
  FLAG_FIN,
  FLAG_RST,
  FLAG_SYN,
  HEADER_BYTES,
  TYPE_DATA,
  TYPE_GO_AWAY,
  TYPE_PING,
  TYPE_WINDOW_UPDATE,
} from './frame.ts';
import type { FlightControl } from './flight-control.ts';
import { SendOrder } from './send-order.ts';
import type { Stream } from './stream.ts';
import type { ByteChannel } from './types.ts';

/** No frame carries more, so that small messages need not wait behind a large one. */
const FRAME_BYTES = 64 * 1024;
/** One write holds about this much at most. */
const BATCH_BYTES = 256 * 1024;
/** No write while the carrier itself holds this much: bytes there can no longer be overtaken. */
const CHANNEL_HIGH_WATER_BYTES = 256 * 1024;
/** With less room than this, larger pieces wait for more: crumbs cost a header each. */
const SMALLEST_PIECE_BYTES = 4 * 1024;
/** What a stream that became active just now may send beyond the bound of what is in flight. */
const URGENT_BYTES = 32 * 1024;
/** Answers that the peer caused and does not read. Resets may be those of all open streams besides. */
const MAX_ANSWERS = 8192;
/** Streams that are gone and still have a place among those that wait: so many are not worth a look. */
const FEW_GONE = 64;

export interface OutboxHost {
  /** A ping leaves now. */
  onPingSent(value: number): void;
  /** More answers wait than a peer in its right mind would leave unread. */
  onAnswerOverflow(): void;
  onSent(frames: number, dataBytes: number): void;
  /** Nothing is left to hand to the channel. */
  onIdle(): void;
  /** Something that was told of the write threw. */
  onThrown(error: unknown): void;
}

/**
 * Decides what leaves next: control frames first, then the streams in `SendOrder`, as far as `FlightControl` has room.
 * One write a tick.
 */
export class Outbox {
  private readonly channel: ByteChannel;
  private readonly flight: FlightControl;
  private readonly host: OutboxHost;
  private readonly later: (flush: () => void) => void;
  private readonly maxResets: number;
  private readonly batch = new Batch();
  private readonly order = new SendOrder<Stream>();
  private announcing: Stream[] = [];
  private resets: number[] = [];
  /** How many of them are for streams that were never open here. */
  private refusals = 0;
  private pongs: number[] = [];
  private pings: number[] = [];
  private goAwayCode: number | undefined;
  /** Streams that ended while they waited here, since those were last let go of. */
  private goneWaiting = 0;
  private scheduled = false;
  private writing = 0;
  private written = 0;
  private stopped = false;

  /** `later` says when a tick is over: what was queued until then leaves in one write. */
  constructor(
    channel: ByteChannel,
    flight: FlightControl,
    host: OutboxHost,
    later: (flush: () => void) => void,
    maxStreams: number,
  ) {
    this.channel = channel;
    this.flight = flight;
    this.host = host;
    this.later = later;
    this.maxResets = MAX_ANSWERS + maxStreams;
  }

  /** True while bytes that are written now have to wait. */
  get congested(): boolean {
    return this.carrierIsFull || this.flight.roomBytes <= 0;
  }

  /** Writes that the channel has taken; undefined when none waits there. */
  get takenOfWaiting(): number | undefined {
    return this.writing > 0 ? this.written : undefined;
  }

  /** True when everything was handed to the channel. */
  get idle(): boolean {
    return (
      this.order.isEmpty &&
      this.announcing.length + this.resets.length + this.pongs.length + this.pings.length === 0 &&
      this.goAwayCode === undefined
    );
  }

  announce(stream: Stream): void {
    if (stream.isAnnounced) return;
    stream.isAnnounced = true;
    this.announcing.push(stream);
    this.schedule();
  }

  ready(stream: Stream): void {
    if (stream.isReady) return;
    this.order.activate(stream);
    this.schedule();
  }

  /**
   * A stream is gone; so many are left. What would have left for it has no meaning any more, and while a peer reads
   * nothing, or does not say what has arrived, it would wait without end, and with it all that peers open and reset
   * meanwhile. No more of it is kept than there are streams, or a few.
   */
  gone(stream: Stream, streamsLeft: number): void {
    if (!stream.isAnnounced && !stream.isReady) return;
    this.goneWaiting++;
    if (this.goneWaiting <= Math.max(FEW_GONE, streamsLeft)) return;
    this.goneWaiting = 0;
    this.announcing = this.announcing.filter(({ closed }) => !closed);
    this.order.forget(({ closed }) => closed);
  }

  /** There may be room again, or a mark shall leave. */
  wake(): void {
    this.schedule();
  }

  reset(id: number): void {
    this.resets.push(id);
    this.answered();
  }

  /** The peer may not open this stream. */
  refuse(id: number): void {
    this.refusals++;
    this.reset(id);
  }

  pong(value: number): void {
    this.pongs.push(value);
    this.answered();
  }

  ping(value: number): void {
    this.pings.push(value);
    this.schedule();
  }

  goAway(code: number): void {
    this.goAwayCode = code;
    this.schedule();
  }

  /** Sends a last GoAway, past everything that waits. Nothing is sent after it. */
  lastWord(code: number): void {
    if (this.stopped) return;
    this.stop();
    this.batch.take();
    this.batch.header(TYPE_GO_AWAY, 0, 0, code);
    this.channel.send(this.batch.take(), () => {});
  }

  stop(): void {
    this.stopped = true;
    this.order.clear();
    this.announcing = [];
    this.resets = [];
    this.pongs = [];
    this.pings = [];
  }

  /** Writes what may leave now; normally called by the microtask that the first frame of a tick asked for. */
  flush(): void {
    this.scheduled = false;
    if (this.stopped || this.carrierIsFull) return;
    this.controlFrames();
    const drained: Stream[] = [];
    const ended: Stream[] = [];
    const dataBytes = this.dataFrames(drained, ended);
    if (this.batch.frames > 0) {
      this.host.onSent(this.batch.frames, dataBytes);
      this.writing++;
      this.channel.send(this.batch.take(), this.sent);
    }
    for (const stream of drained) stream.drainLeft();
    for (const stream of ended) stream.finLeft();
    if (this.idle) this.host.onIdle();
  }

  private readonly flushNow = (): void => {
    try {
      this.flush();
    } catch (error) {
      this.host.onThrown(error);
    }
  };

  private readonly sent = (): void => {
    this.writing--;
    this.written++;
    if (!this.idle) this.schedule();
  };

  private controlFrames(): void {
    const batch = this.batch;
    if (this.pongs.length > 0) {
      for (const value of this.pongs) batch.header(TYPE_PING, FLAG_ACK, 0, value);
      this.pongs = [];
    }
    if (this.pings.length > 0) {
      for (const value of this.pings) {
        batch.header(TYPE_PING, FLAG_SYN, 0, value);
        this.host.onPingSent(value);
      }
      this.pings = [];
    }
    if (this.announcing.length > 0) {
      for (const stream of this.announcing) {
        stream.isAnnounced = false;
        const announcement = stream.takeAnnouncement();
        if (announcement) batch.header(TYPE_WINDOW_UPDATE, announcement.flags, stream.id, announcement.credit);
      }
      this.announcing = [];
    }
    if (this.resets.length > 0) {
      for (const id of this.resets) batch.header(TYPE_WINDOW_UPDATE, FLAG_RST, id, 0);
      this.resets = [];
      this.refusals = 0;
    }
    if (this.goAwayCode !== undefined) {
      batch.header(TYPE_GO_AWAY, 0, 0, this.goAwayCode);
      this.goAwayCode = undefined;
    }
  }

  /** Returns how many bytes of data leave. */
  private dataFrames(drained: Stream[], ended: Stream[]): number {
    const { batch, flight, order } = this;
    let dataBytes = 0;
    let isBlocked = false;
    // Before the data of this write, whose own time on the way is none of the path's.
    if (flight.markIsAsked) this.mark();
    while (batch.bytes < BATCH_BYTES) {
      const stream = order.next();
      if (stream === undefined) break;
      const piece = Math.max(flight.untilMarkBytes, SMALLEST_PIECE_BYTES);
      const wanted = stream.sendableBytes(Math.min(FRAME_BYTES, order.allowance(stream), piece));
      const room = flight.roomBytes + (order.isUrgent ? URGENT_BYTES : 0);
      if (wanted > 0 && room < Math.min(wanted, SMALLEST_PIECE_BYTES)) {
        isBlocked = true;
        break;
      }
      const bytes = Math.max(0, Math.min(wanted, Math.floor(room)));
      if (bytes > 0) {
        this.dataFrame(stream, bytes);
        dataBytes += bytes;
        drained.push(stream);
        flight.sent(bytes + HEADER_BYTES);
        if (flight.untilMarkBytes <= 0) this.mark();
      }
      const isEnd = stream.takeFin();
      if (isEnd) {
        batch.header(TYPE_WINDOW_UPDATE, FLAG_FIN, stream.id, 0);
        ended.push(stream);
      }
      order.done(stream, bytes, !isEnd && stream.maySend());
    }
    flight.rest(isBlocked ? 'blocked' : order.isEmpty ? 'dry' : 'busy');
    if (flight.markIsAsked) this.mark();
    return dataBytes;
  }

  private mark(): void {
    this.batch.header(TYPE_PING, FLAG_SYN, 0, this.flight.mark());
  }

  private dataFrame(stream: Stream, bytes: number): void {
    this.batch.header(TYPE_DATA, 0, stream.id, bytes);
    for (let left = bytes; left > 0;) {
      const piece = stream.shift(left);
      if (piece === undefined) throw new Error(`stream ${stream.id} lost ${left} queued bytes`);
      this.batch.payload(piece);
      left -= piece.length;
    }
  }

  private answered(): void {
    this.schedule();
    if (this.resets.length <= this.maxResets && this.refusals + this.pongs.length <= MAX_ANSWERS) return;
    this.host.onAnswerOverflow();
  }

  private schedule(): void {
    if (this.scheduled || this.stopped) return;
    this.scheduled = true;
    this.later(this.flushNow);
  }

  private get carrierIsFull(): boolean {
    return this.writing > 0 && this.channel.queuedBytes >= CHANNEL_HIGH_WATER_BYTES;
  }
}
