/** How failed orders are repeated: after `firstMs`, then twice as long each time, up to `mostMs`. */
export interface AcmeRetry {
  readonly firstMs: number;
  readonly mostMs: number;
}

/** Let's Encrypt allows five failed validations of a name in an hour. */
export const DEFAULT_RETRY: AcmeRetry = { firstMs: 2 * 60_000, mostMs: 6 * 3_600_000 };

/**
 * When a certificate is replaced: at two thirds of its life, a twentieth of it earlier or later, so that certificates
 * that were issued together are not renewed together. Milliseconds since 1970; `random` is in [0, 1).
 */
export function renewalTime(validFrom: number, validTo: number, random: number): number {
  return validFrom + (validTo - validFrom) * (2 / 3 + (random - 0.5) / 10);
}

/** The wait after so many failures in a row: between half and the whole of the step, for the same reason. */
export function retryDelayMs(failures: number, { firstMs, mostMs }: AcmeRetry, random: number): number {
  const step = Math.min(mostMs, firstMs * 2 ** Math.min(failures - 1, 30));
  return step / 2 + (random * step) / 2;
}
