import { INITIAL_WINDOW_BYTES } from './frame.ts';

/** The bounds of one session. Sizes in bytes, times in milliseconds. */
export interface SessionLimits {
  /** Open streams, both directions together. Streams of the peer beyond it are reset; own ones are refused by `open`. */
  readonly maxStreams: number;
  /** Streams of the peer that nobody has attached to yet; those beyond it are reset. */
  readonly acceptBacklog: number;
  /** Own streams that the peer has not accepted yet. hashicorp/yamux resets those beyond its backlog of 256. */
  readonly maxUnacknowledged: number;
  /** The receive window that a stream starts with; at least the 256 KiB that the specification presumes. */
  readonly initialWindowBytes: number;
  /** The size to which a receive window may grow for a consumer that takes its bytes fast over a long way. */
  readonly maxWindowBytes: number;
  /**
   * Received and not yet consumed bytes, all streams together; beyond it the stream that holds the most is reset. Half
   * of it is the sum by which windows may exceed their 256 KiB.
   */
  readonly sessionBudgetBytes: number;
  /** `stream.write` returns false above it. */
  readonly streamHighWaterBytes: number;
  /** Written and not sent, all streams together; what is left of it is what each stream may have waiting. */
  readonly sendQueueBytes: number;
  /**
   * Sent within the first 256 KiB of windows and not consumed at the other side, all streams together; what is left of
   * it is what each stream may have so, but never less than its share.
   */
  readonly untakenBudgetBytes: number;
  /**
   * A peer tells of what was consumed once that is half of a window (hashicorp/yamux; ours: a quarter). With a smaller
   * share than that a stream would wait for ever.
   */
  readonly untakenShareBytes: number;
  /** An own stream that the peer has not accepted after this time is reset; 0: never. */
  readonly openTimeoutMs: number;
  /** A stream whose peer does not end its direction this long after `end` is reset; 0: never (downloads may be long). */
  readonly halfCloseTimeoutMs: number;
  /** A session that is heard, and whose carrier takes nothing of what it has for so long, ends. Counted in pings. */
  readonly writeTimeoutMs: number;
  /** How long `close` lets open streams finish. */
  readonly closeGraceMs: number;
  /** How long a carrier may take to end in order before it is destroyed. */
  readonly lingerMs: number;
}

export const defaultLimits: SessionLimits = {
  maxStreams: 16_384,
  acceptBacklog: 256,
  maxUnacknowledged: 256,
  initialWindowBytes: INITIAL_WINDOW_BYTES,
  maxWindowBytes: 16 * 1024 * 1024,
  sessionBudgetBytes: 128 * 1024 * 1024,
  streamHighWaterBytes: 256 * 1024,
  sendQueueBytes: 8 * 1024 * 1024,
  untakenBudgetBytes: 32 * 1024 * 1024,
  untakenShareBytes: INITIAL_WINDOW_BYTES / 2,
  openTimeoutMs: 75_000,
  halfCloseTimeoutMs: 0,
  writeTimeoutMs: 120_000,
  closeGraceMs: 5_000,
  lingerMs: 2_000,
};

/** Where both sides are ours. */
export const OWN_PEER_SHARE_BYTES = INITIAL_WINDOW_BYTES / 4;

/** The defaults with what the caller changes; a window below the specification's 256 KiB is raised to it. */
export function limitsWith(changes: Partial<SessionLimits> = {}): SessionLimits {
  const limits = { ...defaultLimits, ...changes };
  const initialWindowBytes = Math.max(INITIAL_WINDOW_BYTES, limits.initialWindowBytes);
  return { ...limits, initialWindowBytes, maxWindowBytes: Math.max(initialWindowBytes, limits.maxWindowBytes) };
}
