import type { PassiveHealthCheckConfig } from '../../../shared/gateway/service.ts';
import type { ServerWatch } from '../upstream-target.ts';

/** Times to the first byte that an average is made of. */
const SAMPLES = 100;

/** One server of a balancer: whether it may be chosen, and what is known of its work. */
export class Server implements ServerWatch {
  /** What cookies and hashes are made of. */
  readonly name: string;
  readonly url: string;
  /** Leaves: serves only those whom a cookie leads to it. */
  readonly fenced: boolean;
  up = true;
  inFlight = 0;
  readonly #passive: PassiveHealthCheckConfig | undefined;
  /** The active check alone says when it is up again. */
  readonly #checked: boolean;
  #failures: number[] = [];
  #revival: NodeJS.Timeout | undefined;
  #times: number[] = [];
  #oldest = 0;
  #timesSum = 0;

  constructor(parts: {
    name: string;
    url: string;
    fenced: boolean;
    passive: PassiveHealthCheckConfig | undefined;
    checked: boolean;
  }) {
    this.name = parts.name;
    this.url = parts.url;
    this.fenced = parts.fenced;
    this.#passive = parts.passive;
    this.#checked = parts.checked;
  }

  /** Gets requests that no cookie leads elsewhere. */
  get open(): boolean {
    return this.up && !this.fenced;
  }

  /** Milliseconds to the head of an answer, over the last ones; 0 as long as there was none. */
  get averageMs(): number {
    return this.#times.length === 0 ? 0 : this.#timesSum / this.#times.length;
  }

  began(): void {
    this.inFlight += 1;
  }

  answered(status: number, tookMs: number): void {
    const whole = Math.floor(tookMs);
    this.#timesSum += whole - (this.#times[this.#oldest] ?? 0);
    this.#times[this.#oldest] = whole;
    this.#oldest = (this.#oldest + 1) % SAMPLES;
    if (status >= 500) this.#fail();
    else this.#failures = [];
  }

  failed(): void {
    this.#fail();
  }

  ended(): void {
    this.inFlight -= 1;
  }

  close(): void {
    clearTimeout(this.#revival);
    this.#revival = undefined;
  }

  #fail(): void {
    if (this.#passive === undefined) return;
    const { failureWindowMs, maxFailedAttempts } = this.#passive;
    const now = performance.now();
    this.#failures = this.#failures.filter((at) => at > now - failureWindowMs);
    this.#failures.push(now);
    if (this.#failures.length < maxFailedAttempts || this.#revival !== undefined) return;
    this.up = false;
    if (this.#checked) return;
    this.#revival = setTimeout(() => {
      this.#revival = undefined;
      this.up = true;
    }, failureWindowMs).unref();
  }
}
