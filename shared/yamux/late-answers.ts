/**
 * What may be in flight beyond the path, for a peer that answers late and then all at once: it waits for a processor, or we do.
 * Meanwhile a sender without room stands still, its rate falls, its room with it, and so from round to round. A value: every
 * change is a new one.
 *
 * Bunches alone prove nothing. Beside a narrow link they come as well, and more in flight would only wait in its queue. So more
 * is tried, and kept when the rate has grown with it.
 */
export interface LateAnswers {
  /** Allowed now. */
  readonly bytes: number;
  /** Whether more pays is being found out: what was allowed before, the rate then, and rounds since. */
  readonly trial: { readonly before: number; readonly rate: number; readonly rounds: number } | undefined;
  /** No trial until then. */
  readonly restsUntil: number;
}

export interface LateRound {
  readonly now: number;
  /** Bytes per millisecond. */
  readonly rate: number;
  /** The most that was acknowledged beyond the rate in one go. */
  readonly bunchBytes: number;
  readonly minRttMs: number;
}

/**
 * Bunches of this length, or of half a round trip, are what machines and networks at rest make, also while bulk keeps every core
 * busy. From 2 ms on, small messages beside it waited twice as long (`npm run bench -- tunnel --part echo`).
 */
const SOON_MS = 4;
const SOON_ROUND_TRIPS = 0.5;
/** A process that waits for longer is as good as gone. */
const LATEST_MS = 200;
/** Enough for 100 MB/s when answers come after 20 ms; small messages would have to wait for more on a machine that is only busy. */
const MOST_BYTES = 2 * 1024 * 1024;
/** Between two marks nothing is acknowledged. */
const BETWEEN_MARKS_BYTES = 8 * 1024;
const TRIAL_ROUNDS = 4;
const GROWTH = 1.2;
const REST_MS = 1_000;
/** Less is given up only when it is clearly less: the longest bunch of a second varies. */
const CLEARLY_LESS = 0.7;

export const noLateAnswers: LateAnswers = { bytes: 0, trial: undefined, restsUntil: 0 };

/** After each round of the rate. */
export function withLateRound(state: LateAnswers, round: LateRound): LateAnswers {
  const { now, rate } = round;
  const { bytes, trial } = state;
  const wanted = wantedBytes(round);
  if (trial !== undefined && rate < trial.rate * GROWTH) {
    if (trial.rounds < TRIAL_ROUNDS) return { ...state, trial: { ...trial, rounds: trial.rounds + 1 } };
    return { bytes: Math.min(wanted, trial.before), trial: undefined, restsUntil: now + REST_MS };
  }
  if (wanted < CLEARLY_LESS * bytes) return { ...state, bytes: wanted, trial: undefined };
  if (wanted <= bytes || now < state.restsUntil) return { ...state, trial: undefined };
  return { ...state, bytes: wanted, trial: { before: bytes, rate, rounds: 0 } };
}

function wantedBytes({ rate, bunchBytes, minRttMs }: LateRound): number {
  const late = Math.min(bunchBytes, rate * LATEST_MS);
  const beyond = late - rate * Math.max(SOON_MS, SOON_ROUND_TRIPS * minRttMs) - BETWEEN_MARKS_BYTES;
  return Math.max(0, Math.min(beyond, MOST_BYTES));
}
