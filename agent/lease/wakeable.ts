import type { Pause } from './pause.ts';

/** A sleep that ends early when there is something to do. A `wake` that comes while nobody sleeps ends the next sleep. */
export class Wakeable {
  readonly #pause: Pause;
  #sleeping: AbortController | undefined;
  #woken = false;

  constructor(pause: Pause) {
    this.#pause = pause;
  }

  wake(): void {
    if (this.#sleeping === undefined) this.#woken = true;
    else this.#sleeping.abort();
  }

  async sleep(ms: number, signal: AbortSignal): Promise<void> {
    if (this.#woken) {
      this.#woken = false;
      return;
    }
    const sleeping = new AbortController();
    const stop = (): void => sleeping.abort();
    if (signal.aborted) return;
    signal.addEventListener('abort', stop, { once: true });
    this.#sleeping = sleeping;
    await this.#pause(ms, sleeping.signal);
    this.#sleeping = undefined;
    signal.removeEventListener('abort', stop);
  }
}
