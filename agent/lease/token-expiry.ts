import { decodeJwt, errors } from 'jose';

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

  watch(token: string): void {
    if (token === this.#token) return;
    this.stop();
    this.#token = token;
    const at = expiryOf(token);
    if (at !== undefined) this.#arm(at);
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

/** Milliseconds since the epoch; undefined when it is not a JWT that says. */
function expiryOf(token: string): number | undefined {
  try {
    const { exp } = decodeJwt(token);
    return exp === undefined ? undefined : exp * 1000;
  } catch (error) {
    if (error instanceof errors.JWTInvalid) return undefined;
    throw error;
  }
}
