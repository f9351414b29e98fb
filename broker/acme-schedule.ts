/** How failed orders are repeated: after `firstMs`, then twice as long each time, up to `mostMs`. */
export interface AcmeRetry {
  readonly firstMs: number;
  readonly mostMs: number;
}

/** Let's Encrypt allows five failed validations of a name in an hour. */
export const DEFAULT_RETRY: AcmeRetry = { firstMs: 2 * 60_000, mostMs: 6 * 3_600_000 };

/** Milliseconds since 1970. */
export interface Span {
  readonly from: number;
  readonly to: number;
}

/**
 * When a certificate is replaced, milliseconds since 1970: somewhere in the span that the authority wishes, but never
 * later than we would. Where it wishes nothing: at two thirds of its life, a twentieth of it earlier or later, so that
 * certificates that were issued together are not renewed together. `random` is in [0, 1).
 */
export function renewalTime(life: Span, wish: Span | undefined, random: number): number {
  const own = (share: number): number => life.from + (life.to - life.from) * (2 / 3 + (share - 0.5) / 10);
  return wish === undefined ? own(random) : Math.min(own(1), wish.from + (wish.to - wish.from) * random);
}

/** The wait after so many failures in a row: between half and the whole of the step, for the same reason. */
export function retryDelayMs(failures: number, { firstMs, mostMs }: AcmeRetry, random: number): number {
  const step = Math.min(mostMs, firstMs * 2 ** Math.min(failures - 1, 30));
  return step / 2 + (random * step) / 2;
}
