/** `setTimeout` takes no more than this. */
const MAX_TIMER_MS = 2 ** 31 - 1;

/** Tells when the newest token runs out. */
export class TokenExpiry {
  readonly #onExpired: (at: Date) => void;
  #token = '';
  #timer: NodeJS.Timeout | undefined;

  constructor(onExpired: (at: Date) => void) {
    this.#onExpired = onExpired;
  }

  /** `at`: by the clock of this machine, in milliseconds since the epoch. */
  watch(token: string, at: number): void {
    if (token === this.#token) return;
    this.stop();
    this.#token = token;
    this.#arm(at);
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#token = '';
  }

  /** Set again when the time is longer than a timer can be, or the clock of the machine was set back. */
  #arm(at: number): void {
    const leftMs = at - Date.now();
    if (leftMs <= 0) {
      this.#onExpired(new Date(at));
      return;
    }
    this.#timer = setTimeout(() => this.#arm(at), Math.min(leftMs, MAX_TIMER_MS));
    this.#timer.unref();
  }
}
