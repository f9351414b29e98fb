import type { Clock } from '../clock.ts';

/** Time that moves only when a test says so. */
export class ManualClock implements Clock {
  private time = 0;
  private timers: { dueAt: number; run: () => void }[] = [];

  get pending(): number {
    return this.timers.length;
  }

  now(): number {
    return this.time;
  }

  after(ms: number, run: () => void): () => void {
    const timer = { dueAt: this.time + ms, run };
    this.timers.push(timer);
    return () => {
      this.timers = this.timers.filter((other) => other !== timer);
    };
  }

  /** Lets `ms` pass, firing what is due in order. */
  advance(ms: number): void {
    const end = this.time + ms;
    for (;;) {
      const next = this.timers.filter((timer) => timer.dueAt <= end).sort((a, b) => a.dueAt - b.dueAt)[0];
      if (next === undefined) break;
      this.timers = this.timers.filter((timer) => timer !== next);
      this.time = Math.max(this.time, next.dueAt);
      next.run();
    }
    this.time = end;
  }

  /** Lets `ms` pass at once, as when the process slept: timers fire late. */
  sleep(ms: number): void {
    this.time += ms;
    this.advance(0);
  }
}
