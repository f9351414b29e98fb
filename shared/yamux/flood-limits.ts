import type { Clock } from './clock.ts';

/** Frames that cost us work and carry nothing. */
export type FloodKind = 'ping' | 'syn' | 'reset' | 'windowUpdate' | 'empty';

export interface FloodRate {
  readonly perSecond: number;
  readonly burst: number;
  /** One more frame of the kind is allowed for this many bytes of data, received or sent. */
  readonly bytesPerFrame: number;
}

export type FloodRates = Readonly<Record<FloodKind, FloodRate>>;

/**
 * Far above what an eager peer does, far below what hurts. Streams that both sides ended in order do not count as SYNs;
 * senders that mark their data with pings send one per 4 KiB at most, headers included. Resets of streams that were
 * answered do not count, and all streams of a session may be reset at once.
 */
export const defaultFloodRates: FloodRates = {
  ping: { perSecond: 100, burst: 1_000, bytesPerFrame: 4096 },
  syn: { perSecond: 20_000, burst: 40_000, bytesPerFrame: 64 },
  reset: { perSecond: 2_000, burst: 20_000, bytesPerFrame: 1024 },
  windowUpdate: { perSecond: 20_000, burst: 100_000, bytesPerFrame: 64 },
  empty: { perSecond: 100, burst: 1_000, bytesPerFrame: 1024 * 1024 },
};

/** Counts such frames of one peer, in proportion to time and to the data that moves. */
export class FloodLimits {
  private movedBytes = 0;
  private readonly buckets: Readonly<Record<FloodKind, TokenBucket>>;

  constructor(rates: FloodRates, clock: Clock) {
    this.buckets = {
      ping: new TokenBucket(rates.ping, clock),
      syn: new TokenBucket(rates.syn, clock),
      reset: new TokenBucket(rates.reset, clock),
      windowUpdate: new TokenBucket(rates.windowUpdate, clock),
      empty: new TokenBucket(rates.empty, clock),
    };
  }

  /** False when the peer sent more of the kind than it may. */
  allow(kind: FloodKind): boolean {
    return this.buckets[kind].take(this.movedBytes);
  }

  /** One that was counted has turned out to be of use. */
  forgive(kind: FloodKind): void {
    this.buckets[kind].giveBack();
  }

  /** Data moved in either direction. */
  moved(bytes: number): void {
    this.movedBytes += bytes;
  }
}

/** Looks at the clock and at the moved bytes only when it has run empty. */
class TokenBucket {
  private readonly rate: FloodRate;
  private readonly clock: Clock;
  private tokens: number;
  private filledAt: number;
  private filledBytes = 0;

  constructor(rate: FloodRate, clock: Clock) {
    this.rate = rate;
    this.clock = clock;
    this.tokens = rate.burst;
    this.filledAt = clock.now();
  }

  take(movedBytes: number): boolean {
    if (this.tokens < 1) this.fill(movedBytes);
    if (this.tokens < 1) return false;
    this.tokens--;
    return true;
  }

  giveBack(): void {
    if (this.tokens < this.rate.burst) this.tokens++;
  }

  private fill(movedBytes: number): void {
    const now = this.clock.now();
    const byTime = ((now - this.filledAt) * this.rate.perSecond) / 1000;
    const byBytes = (movedBytes - this.filledBytes) / this.rate.bytesPerFrame;
    this.tokens = Math.min(this.rate.burst, this.tokens + byTime + byBytes);
    this.filledAt = now;
    this.filledBytes = movedBytes;
  }
}
