export interface Limit {
  readonly limit: number;
  readonly periodMs: number;
}

export type Verdict =
  | { readonly allowed: true; readonly remaining: number }
  | { readonly allowed: false; readonly retryAfterMs: number };

/** A quota remembers at most this many points in time; more calls in between are counted at the later one. */
const SLOTS = 64;
const MAX_KEYS = 65_536;

interface Level {
  /** Tokens taken and not yet flowed back. */
  used: number;
  at: number;
}

interface Slot {
  readonly first: number;
  last: number;
  count: number;
}

/**
 * Consumption by key. Keys name what consumes, not the plan, so that consumption survives a new plan and a new
 * configuration. `clock` answers milliseconds and never goes back.
 *
 * Rate: token bucket of `limit` tokens, refilled evenly at `limit` per `periodMs`. Quota: at most `limit` in any window of
 * `periodMs`; slots that merge calls count until the youngest call in them is old, so the limit is never passed.
 */
export class Limiter {
  readonly clock: () => number;
  #maxKeys: number;
  #levels = new Map<string, Level>();
  #windows = new Map<string, Slot[]>();

  constructor(clock: () => number, maxKeys: number = MAX_KEYS) {
    this.clock = clock;
    this.#maxKeys = maxKeys;
  }

  get keys(): number {
    return this.#levels.size + this.#windows.size;
  }

  takeToken(key: string, { limit, periodMs }: Limit): Verdict {
    const now = this.clock();
    const level = this.#levels.get(key) ?? { used: 0, at: now };
    const perMs = limit / periodMs;
    level.used = Math.max(0, level.used - (now - level.at) * perMs);
    level.at = now;
    this.#levels.delete(key);
    this.#levels.set(key, level);
    this.#forgetOldest(this.#levels);
    // The tolerance keeps a token that flowed back exactly on time from being lost to rounding.
    if (level.used + 1 > limit + 1e-9) {
      return { allowed: false, retryAfterMs: limit > 0 ? Math.ceil((level.used + 1 - limit) / perMs) : periodMs };
    }
    level.used += 1;
    return { allowed: true, remaining: Math.max(0, Math.floor(limit - level.used + 1e-9)) };
  }

  /** Gives back the token of a call that was refused for another reason. */
  refundToken(key: string): void {
    const level = this.#levels.get(key);
    if (level !== undefined) level.used = Math.max(0, level.used - 1);
  }

  takeQuota(key: string, { limit, periodMs }: Limit): Verdict {
    const now = this.clock();
    const slots = (this.#windows.get(key) ?? []).filter((slot) => slot.last + periodMs > now);
    this.#windows.delete(key);
    this.#windows.set(key, slots);
    this.#forgetOldest(this.#windows);
    const used = slots.reduce((sum, slot) => sum + slot.count, 0);
    if (used + 1 > limit) return { allowed: false, retryAfterMs: freedAfterMs(slots, used, limit, periodMs, now) };
    const newest = slots.at(-1);
    if (newest !== undefined && now - newest.first < periodMs / SLOTS) {
      newest.last = now;
      newest.count += 1;
    } else {
      slots.push({ first: now, last: now, count: 1 });
      if (slots.length > 2 * SLOTS) mergeOldest(slots);
    }
    return { allowed: true, remaining: limit - used - 1 };
  }

  /** The key that was used longest ago goes first: a full table costs the idle, not the busy. */
  #forgetOldest(map: Map<string, unknown>): void {
    while (map.size > this.#maxKeys) {
      const oldest = map.keys().next();
      if (oldest.done === true) return;
      map.delete(oldest.value);
    }
  }
}

function freedAfterMs(slots: readonly Slot[], used: number, limit: number, periodMs: number, now: number): number {
  let left = used;
  for (const slot of slots) {
    left -= slot.count;
    if (left + 1 <= limit) return Math.max(1, Math.ceil(slot.last + periodMs - now));
  }
  return periodMs;
}

function mergeOldest(slots: Slot[]): void {
  const [first, second] = slots;
  if (first === undefined || second === undefined) return;
  slots.splice(0, 2, { first: first.first, last: second.last, count: first.count + second.count });
}
