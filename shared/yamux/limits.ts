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
   * Received and not yet consumed bytes, all streams together; beyond it the stream that holds the most is reset. Also
   * the sum by which windows may exceed their 256 KiB.
   */
  readonly sessionBudgetBytes: number;
  /** `stream.write` returns false above it. */
  readonly streamHighWaterBytes: number;
  /** An own stream that the peer has not accepted after this time is reset; 0: never. */
  readonly openTimeoutMs: number;
  /** A stream whose peer does not end its direction this long after `end` is reset; 0: never (downloads may be long). */
  readonly halfCloseTimeoutMs: number;
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
  sessionBudgetBytes: 64 * 1024 * 1024,
  streamHighWaterBytes: 256 * 1024,
  openTimeoutMs: 75_000,
  halfCloseTimeoutMs: 0,
  closeGraceMs: 5_000,
  lingerMs: 2_000,
};

/** The defaults with what the caller changes; a window below the specification's 256 KiB is raised to it. */
export function limitsWith(changes: Partial<SessionLimits> = {}): SessionLimits {
  const limits = { ...defaultLimits, ...changes };
  const initialWindowBytes = Math.max(INITIAL_WINDOW_BYTES, limits.initialWindowBytes);
  return { ...limits, initialWindowBytes, maxWindowBytes: Math.max(initialWindowBytes, limits.maxWindowBytes) };
}
