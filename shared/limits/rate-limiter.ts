export interface RateLimit {
  /** Tokens a second that come back. */
  readonly perSecond: number;
  readonly burst: number;
}

/** A token bucket for each key, over a bounded number of keys. */
export class RateLimiter {
  readonly #buckets = new Map<string, { tokens: number; at: number }>();
  readonly #limit: RateLimit;
  readonly #maxKeys: number;

  constructor(limit: RateLimit, maxKeys = 10_000) {
    this.#limit = limit;
    this.#maxKeys = maxKeys;
  }

  /** Takes one token: 0 when there was one, else the whole seconds until there is. */
  take(key: string, now: number): number {
    const { perSecond, burst } = this.#limit;
    const old = this.#buckets.get(key);
    const tokens =
      old === undefined ? burst : Math.min(burst, old.tokens + (Math.max(0, now - old.at) / 1000) * perSecond);
    // Set anew, so that the order of the map is the order of use and the first is the one to forget.
    this.#buckets.delete(key);
    this.#buckets.set(key, { tokens: tokens >= 1 ? tokens - 1 : tokens, at: now });
    if (this.#buckets.size > this.#maxKeys) {
      const [oldest] = this.#buckets.keys();
      if (oldest !== undefined) this.#buckets.delete(oldest);
    }
    return tokens >= 1 ? 0 : Math.max(1, Math.ceil((1 - tokens) / perSecond));
  }
}
