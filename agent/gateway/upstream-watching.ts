import type { ServerWatch } from './upstream-target.ts';

/** Tells a balancer of one request to its server, from the choice to the end. */
export class Watching {
  readonly #watch: ServerWatch;
  readonly #since = performance.now();
  #answered = false;
  #ended = false;

  constructor(watch: ServerWatch) {
    this.#watch = watch;
    watch.began();
  }

  answered(status: number): void {
    if (this.#answered || this.#ended) return;
    this.#answered = true;
    this.#watch.answered(status, performance.now() - this.#since);
  }

  /** No answer will come. */
  failed(): void {
    if (!this.#answered && !this.#ended) this.#watch.failed();
    this.ended();
  }

  ended(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#watch.ended();
  }
}
