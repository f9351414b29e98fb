/** What a policy may look at when a receive window is about to be given back to the peer. */
export interface WindowFacts {
  /** The size of the window now. */
  readonly windowBytes: number;
  /** Received bytes that the receiver has not consumed yet. */
  readonly waitingBytes: number;
  /** Consumed since the last update, and over how long. */
  readonly consumedBytes: number;
  readonly elapsedMs: number;
  /** Smoothed round trip of the session; 0 while unknown. */
  readonly rttMs: number;
  /** The size that a window may have at most. */
  readonly maxBytes: number;
  /** What the session may still promise to all its streams together. */
  readonly spareBytes: number;
}

/** The size that the window shall have from now on. Pure. A size below the present one is reached by withholding. */
export type WindowPolicy = (facts: WindowFacts) => number;

/** Round trips within which a window must be used up for the window, and not the peer, to be the limit. */
const ROUND_TRIPS = 4;
/** On a loopback the RTT is shorter than one turn of the event loop. */
const FLOOR_MS = 2;

/**
 * Doubles a window that was used up within a few round trips by a receiver that keeps up. Update timing alone never
 * stops growing on a fast link (updates come in bursts), so `maxBytes` is what bounds it.
 */
export const doublingWindow: WindowPolicy = (facts) => {
  const keepsUp = facts.waitingBytes <= facts.windowBytes / 4;
  const isTheLimit = facts.elapsedMs <= Math.max(FLOOR_MS, ROUND_TRIPS * facts.rttMs);
  if (!keepsUp || !isTheLimit) return facts.windowBytes;
  return Math.min(facts.windowBytes * 2, facts.maxBytes, facts.windowBytes + Math.max(0, facts.spareBytes));
};

/** The initial window for ever. */
export const fixedWindow: WindowPolicy = (facts) => facts.windowBytes;
