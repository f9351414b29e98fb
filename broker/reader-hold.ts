/** A reader gets nothing more while the kernel holds what he takes in so long a time, or more. */
const ENOUGH_MS = 1_000;

/**
 * Whether a visitor should get no more bytes for now, while the kernel's memory is scarce: it holds more for him than he
 * takes in a second. One who reads nothing is found with what he had got by then; one who reads is never without bytes.
 */
export class ReaderHold {
  /** What the kernel holds for him, as far as it was told. */
  unreadBytes = 0;
  isHeld = false;
  #taken: number | undefined;
  #at = 0;

  /** `unread`: what the kernel holds, when that is much; `given`: all bytes that it was given for him. */
  see(unread: number, given: number, now: number): void {
    this.unreadBytes = unread;
    const taken = given - unread;
    const pace = this.#taken === undefined ? Infinity : (taken - this.#taken) / Math.max(1, now - this.#at);
    this.isHeld = unread > 0 && unread >= pace * ENOUGH_MS;
    this.#taken = unread > 0 ? taken : undefined;
    this.#at = now;
  }
}
