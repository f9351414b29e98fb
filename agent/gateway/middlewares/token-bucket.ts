/**
 * Token buckets by caller, as Traefik's rate limit has them: a call that finds none takes one from the future when it is
 * near enough, and waits for it. A caller who rests for longer than `ttlMs` is forgotten, and so starts anew.
 */
export class TokenBuckets {
  readonly #perMs: number;
  readonly #burst: number;
  readonly #maxDelayMs: number;
  readonly #ttlMs: number;
  readonly #clock: () => number;
  readonly #buckets = new Map<string, { tokens: number; at: number }>();

  constructor(limits: { average: number; periodMs: number; burst: number }, clock: () => number) {
    const perSecond = (limits.average * 1000) / limits.periodMs;
    this.#perMs = perSecond / 1000;
    this.#burst = limits.burst;
    this.#maxDelayMs = perSecond < 1 ? 500 : 1000 / (Math.floor(perSecond) * 2);
    this.#ttlMs = (perSecond >= 1 ? 2 : 1 + Math.floor(1 / perSecond)) * 1000;
    this.#clock = clock;
  }

  /** For how long the call waits, or that it would have to wait for too long. */
  take(caller: string): { readonly delayMs: number; readonly allowed: boolean } {
    const now = this.#clock();
    const known = this.#buckets.get(caller);
    const bucket = known !== undefined && now - known.at < this.#ttlMs ? known : { tokens: this.#burst, at: now };
    const tokens = Math.min(this.#burst, bucket.tokens + (now - bucket.at) * this.#perMs);
    const left = tokens - 1;
    // The tolerance keeps a token that came exactly on time from being lost to rounding.
    const delayMs = left < -1e-9 ? -left / this.#perMs : 0;
    const allowed = delayMs <= this.#maxDelayMs;
    bucket.tokens = allowed ? left : tokens;
    bucket.at = now;
    this.#buckets.delete(caller);
    this.#buckets.set(caller, bucket);
    this.#forgetOldest();
    return { delayMs, allowed };
  }

  #forgetOldest(): void {
    if (this.#buckets.size <= MAX_CALLERS) return;
    const oldest = this.#buckets.keys().next();
    if (oldest.done !== true) this.#buckets.delete(oldest.value);
  }
}

const MAX_CALLERS = 65_536;
