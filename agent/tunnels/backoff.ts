export interface Backoff {
  /** The longest wait before the first retry. */
  readonly firstMs: number;
  /** The longest wait ever. */
  readonly capMs: number;
}

/**
 * How long to wait before retry number `failures` (1 for the first): uniform between 0 and a bound that doubles up to
 * the cap ("full jitter"), so that agents that lost the same broker do not come back in step. Never says to give up.
 */
export function backoffMs(failures: number, { firstMs, capMs }: Backoff, random: () => number): number {
  const bound = Math.min(capMs, firstMs * 2 ** Math.min(30, Math.max(0, failures - 1)));
  return random() * bound;
}
