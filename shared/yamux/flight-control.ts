import type { Clock } from './clock.ts';
import { type FlightPlan, flightPlan } from './in-flight-bound.ts';
import { type MinRtt, unknownRtt, withDrained, withSample } from './min-rtt.ts';
import { type RateEstimate, unknownRate, withAcknowledgement, withUnderuse } from './rate-estimator.ts';

/** Values of marks are apart from those of pings that somebody waits for. */
const FIRST_MARK = 0x8000_0000;
const MARKS = 0x8000_0000;
/** Pings whose answer is remembered; more are on their way only when the peer does not answer. */
const MAX_DEPARTURES = 1024;
const UNDERUSED_PART = 0.75;
const QUIET_SENT_BYTES = 16 * 1024;
const QUIET_RECEIVED_BYTES = 64 * 1024;
/** A sender that bounds itself marks its data at least this often. */
const MARKED_BYTES = 512 * 1024;
const RECEIVED_SAMPLE_BYTES = 64 * 1024;
const RECEIVED_SAMPLE_MS = 100;
/** A blocked sender asks again after so long without an answer. */
const STALL_MS = 1_000;

/** One answer to a ping, as estimators see it; what a trace consists of. */
export interface FlightSample {
  readonly now: number;
  readonly rttMs: number;
  readonly ackedBytes: number;
  readonly underused: boolean;
  readonly probing: boolean;
  readonly quiet: boolean;
  readonly disturbed: boolean;
  /** After the sample; 0: no probe, 1: it drains, 2: it measures. */
  readonly phase: number;
  readonly rate: number;
  readonly minRttMs: number;
  readonly boundBytes: number;
}

interface Departure {
  readonly sentAt: number;
  readonly sentBytes: number;
  readonly inFlightBytes: number;
  readonly receivedBytes: number;
  readonly receivedPings: number;
}

/**
 * Bounds what one session has in flight, so that small messages need not wait behind bulk that already lies in some
 * queue on the way. Answers to pings are its only source: each tells a round trip, and that what was sent before has
 * arrived. The judgement is in `rate-estimator.ts`, `min-rtt.ts` and `in-flight-bound.ts`.
 */
export class FlightControl {
  private readonly clock: Clock;
  private readonly wake: () => void;
  private readonly observe: ((sample: FlightSample) => void) | undefined;
  private readonly departures = new Map<number, Departure>();
  private estimate: RateEstimate = unknownRate;
  private rtt: MinRtt = unknownRtt;
  private plan: FlightPlan = flightPlan({ rate: 0, minRttMs: 0, lateBytes: 0, starting: true, probing: false });
  private sentBytes = 0;
  private markedBytes = 0;
  private nextMark = 0;
  private markAsked = false;
  private receivedBytes = 0;
  private receivedPings = 0;
  private sampledBytes = 0;
  private sampledAt = -Infinity;
  private isBlocked = false;
  private isDry = true;
  private cancelStall: (() => void) | undefined;

  /** `wake`: there may be room again, or a mark shall leave. */
  constructor(clock: Clock, wake: () => void, observe?: (sample: FlightSample) => void) {
    this.clock = clock;
    this.wake = wake;
    this.observe = observe;
  }

  /** Milliseconds without queues; 0 while unknown. */
  get minRttMs(): number {
    return this.rtt.minMs;
  }

  get boundBytes(): number {
    return this.plan.boundBytes;
  }

  get inFlightBytes(): number {
    return this.sentBytes - this.estimate.ackedBytes;
  }

  /** Bytes that may leave; negative when the bound has become smaller than what is on its way. */
  get roomBytes(): number {
    return this.plan.boundBytes - this.inFlightBytes;
  }

  /** Bytes until the next mark is due; 0 or less: now. */
  get untilMarkBytes(): number {
    return this.plan.markBytes - (this.sentBytes - this.markedBytes);
  }

  /** Somebody asked for a mark whatever was sent. */
  get markIsAsked(): boolean {
    return this.markAsked;
  }

  /** Measures the way while nothing else is on it. */
  start(): void {
    this.askMark();
  }

  sent(bytes: number): void {
    this.sentBytes += bytes;
  }

  /** The value of a mark that leaves now, behind everything that was sent. */
  mark(): number {
    const value = FIRST_MARK + this.nextMark;
    this.nextMark = (this.nextMark + 1) % MARKS;
    this.left(value);
    return value;
  }

  /** A ping of any kind leaves now. */
  left(value: number): void {
    this.markAsked = false;
    this.markedBytes = this.sentBytes;
    this.departures.set(value, {
      sentAt: this.clock.now(),
      sentBytes: this.sentBytes,
      inFlightBytes: this.inFlightBytes,
      receivedBytes: this.receivedBytes,
      receivedPings: this.receivedPings,
    });
    if (this.departures.size <= MAX_DEPARTURES) return;
    const oldest = this.departures.keys().next();
    if (!oldest.done) this.departures.delete(oldest.value);
  }

  /** After a write: whether data had to stay for lack of room, or nothing was left to send. */
  rest(state: 'blocked' | 'dry' | 'busy'): void {
    this.isBlocked = state === 'blocked';
    this.isDry = state === 'dry';
    if (state === 'dry' && this.isUnderused) this.estimate = withUnderuse(this.estimate);
    if (state !== 'blocked') return;
    if (this.markedBytes <= this.estimate.ackedBytes) this.markAsked = true;
    this.watchStall();
  }

  /** Data came from the peer: the size of its windows needs a round trip that is not older than this data. */
  received(bytes: number): void {
    this.receivedBytes += bytes;
    if (this.receivedBytes - this.sampledBytes < RECEIVED_SAMPLE_BYTES) return;
    this.sampledBytes = this.receivedBytes;
    const now = this.clock.now();
    if (now - this.sampledAt < RECEIVED_SAMPLE_MS) return;
    this.sampledAt = now;
    this.askMark();
  }

  receivedPing(): void {
    this.receivedPings++;
  }

  /** False when no such ping is on its way. Answers may come out of order (hashicorp/yamux sends them so). */
  answered(value: number): boolean {
    const departure = this.departures.get(value);
    if (departure === undefined) return false;
    this.departures.delete(value);
    const now = this.clock.now();
    const rttMs = now - departure.sentAt;
    const received = this.receivedBytes - departure.receivedBytes;
    const marks = this.receivedPings - departure.receivedPings;
    const isBulk = received > QUIET_RECEIVED_BYTES;
    const quiet = !isBulk && departure.inFlightBytes <= QUIET_SENT_BYTES;
    const disturbed = isBulk && marks < Math.max(1, received / MARKED_BYTES);
    const probing = this.rtt.probe !== undefined;
    const underused = this.isDry && this.isUnderused;
    this.sampledAt = now;
    this.rtt = withSample(this.rtt, { rttMs, sentAt: departure.sentAt, now, quiet, disturbed });
    const ackedBytes = Math.max(this.estimate.ackedBytes, departure.sentBytes);
    if (ackedBytes > this.estimate.ackedBytes) {
      const minRttMs = this.rtt.minMs;
      this.estimate = withAcknowledgement(this.estimate, { now, ackedBytes, minRttMs, underused, probing });
    }
    this.replan();
    this.observe?.({
      now,
      rttMs,
      ackedBytes,
      underused,
      probing,
      quiet,
      disturbed,
      phase: this.rtt.probe === undefined ? 0 : this.rtt.probe.phase === 'draining' ? 1 : 2,
      rate: this.estimate.rate,
      minRttMs: this.rtt.minMs,
      boundBytes: this.plan.boundBytes,
    });
    if (this.isBlocked) this.wake();
    return true;
  }

  stop(): void {
    this.departures.clear();
    this.cancelStall?.();
    this.cancelStall = undefined;
    this.isBlocked = false;
  }

  private get isUnderused(): boolean {
    return this.inFlightBytes < UNDERUSED_PART * this.plan.boundBytes;
  }

  private replan(): void {
    const { rate, late, starting } = this.estimate;
    const probing = this.rtt.probe !== undefined;
    this.plan = flightPlan({ rate, lateBytes: late.bytes, starting, minRttMs: this.rtt.minMs, probing });
    if (this.rtt.probe?.phase !== 'draining' || this.inFlightBytes > this.plan.boundBytes) return;
    this.rtt = withDrained(this.rtt, this.clock.now());
    this.askMark();
  }

  private askMark(): void {
    this.markAsked = true;
    this.wake();
  }

  /** An answer that never comes must not hold the session for ever. */
  private watchStall(): void {
    if (this.cancelStall !== undefined) return;
    const { ackedBytes } = this.estimate;
    this.cancelStall = this.clock.after(Math.max(STALL_MS, 4 * this.rtt.minMs), () => {
      this.cancelStall = undefined;
      if (!this.isBlocked) return;
      if (ackedBytes === this.estimate.ackedBytes) this.askMark();
      this.watchStall();
    });
  }
}
