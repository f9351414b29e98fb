import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Clock } from '../clock.ts';

interface Timer {
  readonly dueAt: number;
  readonly run: () => void;
  isCancelled: boolean;
}

/** Time that moves only when a test says so. */
export class ManualClock implements Clock {
  private time = 0;
  /** The next one last; those of the same time fire in the order in which they were set. */
  private readonly timers: Timer[] = [];

  get pending(): number {
    return this.timers.filter((timer) => !timer.isCancelled).length;
  }

  now(): number {
    return this.time;
  }

  after(ms: number, run: () => void): () => void {
    const timer: Timer = { dueAt: this.time + Math.max(0, ms), run, isCancelled: false };
    let low = 0;
    let high = this.timers.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.timers[middle]?.dueAt ?? 0) > timer.dueAt) low = middle + 1;
      else high = middle;
    }
    this.timers.splice(low, 0, timer);
    return () => {
      timer.isCancelled = true;
    };
  }

  /** Lets `ms` pass, firing what is due in order. */
  advance(ms: number): void {
    const end = this.time + ms;
    while (this.fireNext(end));
    this.time = end;
  }

  /** Like `advance`, and lets promises and microtasks run between one timer and the next. */
  async run(ms: number): Promise<void> {
    const end = this.time + ms;
    await nextTurn();
    while (this.fireNext(end)) await nextTurn();
    this.time = end;
  }

  /** Lets `ms` pass at once, as when the process slept: timers fire late. */
  sleep(ms: number): void {
    this.time += ms;
    this.advance(0);
  }

  private fireNext(end: number): boolean {
    for (;;) {
      const next = this.timers.at(-1);
      if (next === undefined || next.dueAt > end) return false;
      this.timers.pop();
      if (next.isCancelled) continue;
      this.time = Math.max(this.time, next.dueAt);
      next.run();
      return true;
    }
  }
}
