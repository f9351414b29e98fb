/** Bounds of one message; bytes include line ends. */
export interface Http1Limits {
  readonly maxTargetBytes: number;
  readonly maxHeadBytes: number;
  readonly maxHeaders: number;
  /** Of one chunk-size line, with its extensions. */
  readonly maxChunkLineBytes: number;
  /** Of all chunk extensions of a message: many small chunks with long extensions are an attack on the reader. */
  readonly maxExtensionBytes: number;
  readonly maxTrailerBytes: number;
}

/** For a hop behind one with these limits, which adds fields of its own. */
export function withHeadroom(limits: Http1Limits): Http1Limits {
  return { ...limits, maxHeadBytes: limits.maxHeadBytes + 16 * 1024, maxHeaders: limits.maxHeaders + 32 };
}

export const DEFAULT_HTTP1_LIMITS: Http1Limits = {
  maxTargetBytes: 8 * 1024,
  maxHeadBytes: 32 * 1024,
  maxHeaders: 128,
  maxChunkLineBytes: 1024,
  maxExtensionBytes: 8 * 1024,
  maxTrailerBytes: 8 * 1024,
};
