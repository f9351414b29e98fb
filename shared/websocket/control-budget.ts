import type { Clock } from '../yamux/clock.ts';

/** Far above what an eager peer sends, far below what hurts. */
const BURST = 1_000;
const PER_SECOND = 100;
const BYTES_PER_FRAME = 4096;

/** Frames that carry nothing (pings, pongs, empty messages), allowed in proportion to time and to the data beside them. */
export class ControlBudget {
  private readonly clock: Clock;
  private left = BURST;
  private filledAt: number;
  private movedBytes = 0;

  constructor(clock: Clock) {
    this.clock = clock;
    this.filledAt = clock.now();
  }

  moved(bytes: number): void {
    this.movedBytes += bytes;
  }

  /** False when the peer sent more of them than it may. */
  take(): boolean {
    if (this.left < 1) {
      const now = this.clock.now();
      const earned = ((now - this.filledAt) * PER_SECOND) / 1000 + this.movedBytes / BYTES_PER_FRAME;
      this.left = Math.min(BURST, this.left + earned);
      this.filledAt = now;
      this.movedBytes = 0;
    }
    if (this.left < 1) return false;
    this.left--;
    return true;
  }
}
