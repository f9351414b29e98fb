import { systemClock } from '../shared/yamux/clock.ts';
import type { Clock } from '../shared/yamux/clock.ts';

/** Ticks of silence until the peer is doubted. */
const TICKS = 6;

export interface SilenceWatchOptions {
  readonly doubtMs: number;
  /** Longer than `doubtMs`. */
  readonly endMs: number;
  readonly clock?: Clock | undefined;
  /** It was silent for `doubtMs`, or is heard again. */
  onDoubt(doubted: boolean): void;
  onEnd(): void;
}

/**
 * Watches for silence, counted in ticks of its own: while this process gets no processor nothing ticks, so that it never
 * takes its own absence for another's. What came meanwhile is read before the next tick.
 */
export class SilenceWatch {
  readonly #o: SilenceWatchOptions;
  readonly #tickMs: number;
  readonly #clock: Clock;
  #ticks = 0;
  #doubted = false;
  #cancel: (() => void) | undefined;

  constructor(options: SilenceWatchOptions) {
    this.#o = options;
    this.#tickMs = options.doubtMs / TICKS;
    this.#clock = options.clock ?? systemClock;
    this.#arm();
  }

  heard(): void {
    this.#ticks = 0;
    if (!this.#doubted) return;
    this.#doubted = false;
    this.#o.onDoubt(false);
  }

  stop(): void {
    this.#cancel?.();
    this.#cancel = undefined;
  }

  #arm(): void {
    this.#cancel = this.#clock.after(this.#tickMs, () => {
      this.#arm();
      this.#tick();
    });
  }

  #tick(): void {
    this.#ticks += 1;
    if (this.#ticks * this.#tickMs >= this.#o.endMs) {
      this.stop();
      this.#o.onEnd();
    } else if (this.#ticks >= TICKS && !this.#doubted) {
      this.#doubted = true;
      this.#o.onDoubt(true);
    }
  }
}
