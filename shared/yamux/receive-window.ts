/**
 * How fast the consumer of one stream takes its bytes, for the window that it deserves. A value: every change is a new
 * one. A slow consumer so holds little, and a fast one is never the limit.
 */
export interface ConsumerRate {
  /** Bytes per millisecond, the best of the recent rounds; 0 while unknown. */
  readonly rate: number;
  readonly starting: boolean;
  readonly rates: readonly number[];
  readonly best: number;
  readonly flatRounds: number;
  readonly startedAt: number;
  /** Taken in the round that is open. */
  readonly bytes: number;
}

const SHORTEST_ROUND_MS = 10;
const ROUNDS = 8;
const GROWTH = 1.25;
const FLAT_ROUNDS = 3;
const GAIN_WHILE_STARTING = 2.5;
const GAIN = 2;
const TURN_MS = 0.1;
/** The part of a window that may be consumed without the peer being told, and the most of it that may. */
const UNTOLD_PART = 1 / 4;
const LARGEST_UNTOLD_BYTES = 1024 * 1024;

export function idleConsumer(now: number): ConsumerRate {
  return { rate: 0, starting: true, rates: [], best: 0, flatRounds: 0, startedAt: now, bytes: 0 };
}

export function withConsumed(state: ConsumerRate, bytes: number, now: number, minRttMs: number): ConsumerRate {
  const taken = state.bytes + bytes;
  const elapsedMs = now - state.startedAt;
  if (elapsedMs < Math.max(SHORTEST_ROUND_MS, minRttMs)) return { ...state, bytes: taken };
  const rate = taken / elapsedMs;
  const rates = [...state.rates, rate].slice(-ROUNDS);
  const grew = rate >= state.best * GROWTH;
  const flatRounds = grew ? 0 : state.flatRounds + 1;
  return {
    rate: Math.max(...rates),
    starting: state.starting && flatRounds < FLAT_ROUNDS,
    rates,
    best: grew ? rate : state.best,
    flatRounds,
    startedAt: now,
    bytes: 0,
  };
}

/** So much consumed is worth an update: a large window is no smaller for waiting, a small one costs few updates. */
export function isWorthAnUpdate(consumedBytes: number, windowBytes: number): boolean {
  return consumedBytes >= Math.min(LARGEST_UNTOLD_BYTES, windowBytes * UNTOLD_PART);
}

/**
 * The size that the window should have, at most `maxBytes`. `leastBytes` saves updates where nobody needs the memory more.
 */
export function receiveTarget(state: ConsumerRate, minRttMs: number, maxBytes: number, leastBytes: number): number {
  const gain = state.starting ? GAIN_WHILE_STARTING : GAIN;
  const wanted = (state.rate * (gain * minRttMs + TURN_MS)) / (1 - UNTOLD_PART);
  return Math.ceil(Math.min(maxBytes, Math.max(leastBytes, wanted)));
}
