import type { Clock } from './clock.ts';

/** The same time limit for many items, with one timer: items expire in the order in which they were added. */
export class Deadlines<Item> {
  private readonly clock: Clock;
  private readonly limitMs: number;
  private readonly expired: (item: Item) => void;
  private readonly dueAt = new Map<Item, number>();
  private cancelTimer: (() => void) | undefined;

  /** `limitMs` 0 means no limit. */
  constructor(clock: Clock, limitMs: number, expired: (item: Item) => void) {
    this.clock = clock;
    this.limitMs = limitMs;
    this.expired = expired;
  }

  add(item: Item): void {
    if (this.limitMs === 0) return;
    this.dueAt.set(item, this.clock.now() + this.limitMs);
    if (this.cancelTimer === undefined) this.arm(this.limitMs);
  }

  delete(item: Item): void {
    this.dueAt.delete(item);
  }

  clear(): void {
    this.dueAt.clear();
    this.cancelTimer?.();
    this.cancelTimer = undefined;
  }

  private arm(ms: number): void {
    this.cancelTimer = this.clock.after(ms, () => {
      try {
        this.sweep();
      } finally {
        this.rearm();
      }
    });
  }

  private sweep(): void {
    const now = this.clock.now();
    for (const [item, dueAt] of this.dueAt) {
      if (dueAt > now) break;
      this.dueAt.delete(item);
      this.expired(item);
    }
  }

  /** Only now: what was added during the sweep is due later than what was there. */
  private rearm(): void {
    this.cancelTimer = undefined;
    const next = this.dueAt.values().next();
    if (!next.done) this.arm(Math.max(1, next.value - this.clock.now()));
  }
}
