import {
  longestDelayMs,
  type Demand,
  type KeyedLimit,
  type Limit,
  type PlanStore,
  type Verdict,
} from './plans/plan-store.ts';

/** A quota remembers at most this many points in time; more calls in between are counted at the later one. */
const SLOTS = 64;
const MAX_KEYS = 65_536;
/** Keeps a token that flowed back exactly on time from being lost to rounding. */
const TOLERANCE = 1e-9;

interface Level {
  /** Tokens taken and not yet flowed back. */
  used: number;
  at: number;
  /** More was used than a new, lower limit holds: it flows back within a period, as it would have. */
  over: number;
}

interface Slot {
  readonly first: number;
  last: number;
  count: number;
}

interface Window {
  slots: Slot[];
  /** The longest period that was asked for: what is older is forgotten. */
  keepMs: number;
  total: number;
}

/** Consumption as of a moment; ages are milliseconds before it. */
export interface Consumption {
  readonly levels: readonly (readonly [key: string, used: number, over: number, ageMs: number])[];
  readonly windows: readonly (readonly [
    key: string,
    keepMs: number,
    slots: readonly (readonly [firstAgeMs: number, lastAgeMs: number, count: number])[],
  ])[];
}

/**
 * Consumption by key, in memory. `clock` answers milliseconds and never goes back.
 *
 * Rate: token bucket of `limit` tokens, refilled evenly at `limit` per `periodMs`; a call that finds none takes one from
 * the near future and waits for it. Quota: at most `limit` in any window of `periodMs`; slots that merge calls count until
 * the youngest call in them is old, so the limit is never passed. A call takes of both or of neither.
 */
export class Limiter implements PlanStore {
  readonly clock: () => number;
  /** Called when something was consumed. */
  onChange: (() => void) | undefined;
  #maxKeys: number;
  #levels = new Map<string, Level>();
  #windows = new Map<string, Window>();

  constructor(clock: () => number, maxKeys: number = MAX_KEYS) {
    this.clock = clock;
    this.#maxKeys = maxKeys;
  }

  get keys(): number {
    return this.#levels.size + this.#windows.size;
  }

  take({ rate, quota }: Demand): Extract<Verdict, { kind: 'allowed' | 'spent' }> {
    const now = this.clock();
    let delayMs = 0;
    let level: Level | undefined;
    if (rate !== undefined) {
      level = this.#level(rate, now);
      const short = level.used + 1 - rate.limit;
      if (short > TOLERANCE) {
        delayMs = rate.limit === 0 ? rate.periodMs : (short * rate.periodMs) / rate.limit;
        if (rate.limit === 0 || delayMs > longestDelayMs(rate))
          return { kind: 'spent', by: 'rate', retryAfterMs: Math.ceil(flowMs(level, rate)) };
      }
    }
    let window: Window | undefined;
    let used = 0;
    if (quota !== undefined) {
      window = this.#window(quota, now);
      used = usedWithin(window, quota.periodMs, now);
      if (used + 1 > quota.limit) {
        const retryAfterMs = freedAfterMs(window.slots, used, quota, now);
        return { kind: 'spent', by: 'quota', retryAfterMs };
      }
    }
    if (level !== undefined) level.used += 1;
    if (window !== undefined && quota !== undefined) count(window, quota.periodMs, now);
    this.onChange?.();
    return {
      kind: 'allowed',
      delayMs,
      rateLeft: rate === undefined ? undefined : Math.max(0, Math.floor(rate.limit - (level?.used ?? 0) + TOLERANCE)),
      quotaLeft: quota === undefined ? undefined : quota.limit - used - 1,
    };
  }

  refund({ rate, quota }: Demand): void {
    const level = rate === undefined ? undefined : this.#levels.get(rate.key);
    if (level !== undefined) level.used = Math.max(0, level.used - 1);
    const window = quota === undefined ? undefined : this.#windows.get(quota.key);
    const newest = window?.slots.findLast((slot) => slot.count > 0);
    if (window !== undefined && newest !== undefined) {
      newest.count -= 1;
      window.total -= 1;
    }
    this.onChange?.();
  }

  /** Of the keys that were used last, at most `maxKeys` of each kind, with at most `maxSlots` points in time. */
  consumption(maxKeys: number, maxSlots: number): Consumption {
    const now = this.clock();
    const windows = newestOf(this.#windows, maxKeys).map(([key, { slots, keepMs }]) => {
      const kept = slots.filter((slot) => slot.last + keepMs > now).map((slot) => ({ ...slot }));
      while (kept.length > maxSlots) mergeOldest(kept);
      const ages = kept.map(({ first, last, count: calls }) => [age(now, first), age(now, last), calls] as const);
      return [key, keepMs, ages] as const;
    });
    const levels = newestOf(this.#levels, maxKeys).map(
      ([key, { used, over, at }]) => [key, used, over, age(now, at)] as const,
    );
    return { levels, windows: windows.filter(([, , slots]) => slots.length > 0) };
  }

  /** Goes on from what was consumed `elapsedMs` ago. */
  restore({ levels, windows }: Consumption, elapsedMs: number): void {
    const then = this.clock() - elapsedMs;
    for (const [key, used, over, ageMs] of levels.toReversed()) this.#levels.set(key, { used, over, at: then - ageMs });
    for (const [key, keepMs, ages] of windows.toReversed()) {
      const slots = ages.map(([first, last, calls]) => ({ first: then - first, last: then - last, count: calls }));
      this.#windows.set(key, { slots, keepMs, total: slots.reduce((sum, slot) => sum + slot.count, 0) });
    }
    this.#forgetOldest(this.#levels);
    this.#forgetOldest(this.#windows);
  }

  /** As it stands now, the youngest of the map. */
  #level(limit: KeyedLimit, now: number): Level {
    let level = this.#levels.get(limit.key);
    if (level === undefined) level = { used: 0, at: now, over: 0 };
    else {
      level.used = Math.max(0, level.used - ((now - level.at) * Math.max(limit.limit, level.over)) / limit.periodMs);
      level.at = now;
      this.#levels.delete(limit.key);
      const most = limit.limit + (longestDelayMs(limit) * limit.limit) / limit.periodMs + TOLERANCE;
      level.over = level.used > most ? Math.max(level.over, level.used) : 0;
    }
    this.#levels.set(limit.key, level);
    this.#forgetOldest(this.#levels);
    return level;
  }

  #window({ key, periodMs }: KeyedLimit, now: number): Window {
    let window = this.#windows.get(key);
    if (window === undefined) window = { slots: [], keepMs: periodMs, total: 0 };
    else {
      if (periodMs > window.keepMs) window.keepMs = periodMs;
      let old = 0;
      for (const slot of window.slots) {
        if (slot.last + window.keepMs > now) break;
        window.total -= slot.count;
        old += 1;
      }
      if (old > 0) window.slots.splice(0, old);
      this.#windows.delete(key);
    }
    this.#windows.set(key, window);
    this.#forgetOldest(this.#windows);
    return window;
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

/** Until a token is there. */
function flowMs({ used, over }: Level, { limit, periodMs }: Limit): number {
  if (limit === 0) return periodMs;
  const quick = over === 0 ? 0 : Math.max(0, used - limit) / over;
  const rest = (over === 0 ? used + 1 - limit : 1) / limit;
  return Math.max(1, (quick + rest) * periodMs);
}

function usedWithin({ slots, total }: Window, periodMs: number, now: number): number {
  let used = total;
  for (const slot of slots) {
    if (slot.last + periodMs > now) break;
    used -= slot.count;
  }
  return used;
}

function count(window: Window, periodMs: number, now: number): void {
  const { slots } = window;
  const newest = slots.at(-1);
  if (newest !== undefined && now - newest.first < periodMs / SLOTS) {
    newest.last = now;
    newest.count += 1;
  } else {
    slots.push({ first: now, last: now, count: 1 });
    if (slots.length > 2 * SLOTS) mergeOldest(slots);
  }
  window.total += 1;
}

function freedAfterMs(slots: readonly Slot[], used: number, { limit, periodMs }: Limit, now: number): number {
  let left = used;
  for (const slot of slots) {
    if (slot.last + periodMs <= now) continue;
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

function newestOf<T>(map: ReadonlyMap<string, T>, max: number): [string, T][] {
  return [...map].slice(-max).toReversed();
}

function age(now: number, at: number): number {
  return Math.max(0, Math.floor(now - at));
}
