/** Tells when bytes that are waited for come, or go, too slowly. */
export class BodyPace {
  readonly #bytesPerSecond: number;
  readonly #windowMs: number;
  #since: number | undefined;
  #from = 0;

  /** Over windows of this length; 0 bytes: never too slow. */
  constructor(bytesPerSecond: number, windowMs: number) {
    this.#bytesPerSecond = bytesPerSecond;
    this.#windowMs = windowMs;
  }

  /**
   * To be called again and again. `waiting`: bytes should move now; time in which none need to does not count. `moved`: all
   * bytes so far.
   */
  tooSlow(now: number, waiting: boolean, moved: number): boolean {
    if (!waiting || this.#bytesPerSecond === 0) {
      this.#since = undefined;
      return false;
    }
    if (this.#since === undefined) {
      this.#since = now;
      this.#from = moved;
      return false;
    }
    const tookMs = now - this.#since;
    if (tookMs < this.#windowMs) return false;
    const slow = moved - this.#from < (this.#bytesPerSecond * tookMs) / 1000;
    this.#since = now;
    this.#from = moved;
    return slow;
  }
}

/** gRPC streams both ways for as long as it likes, and may be silent meanwhile. */
export function mayBeSilent(contentType: string | undefined): boolean {
  return contentType?.toLowerCase().startsWith('application/grpc') ?? false;
}
