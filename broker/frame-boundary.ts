/** RFC 6455 §5.5.1, §7.4.1: Close with 1012, "service restart", as a server sends it (not masked). */
export const SERVICE_RESTART: Uint8Array = Uint8Array.of(0x88, 0x02, 0x03, 0xf4);

const CLOSE = 0x8;

/**
 * Follows the frames of a WebSocket server in bytes at any cut (RFC 6455 §5.2), so that it is known when a frame of our
 * own may stand between two of them.
 */
export class FrameBoundary {
  #head: number[] = [];
  #bodyLeft = 0;
  #closed = false;

  /** No frame is open, and the server has not said Close: a control frame may be put here (§5.4). */
  get open(): boolean {
    return this.#bodyLeft === 0 && this.#head.length === 0 && !this.#closed;
  }

  push(bytes: Uint8Array): void {
    let at = 0;
    while (at < bytes.length) {
      if (this.#bodyLeft > 0) {
        const taken = Math.min(this.#bodyLeft, bytes.length - at);
        this.#bodyLeft -= taken;
        at += taken;
        continue;
      }
      this.#head.push(bytes[at] ?? 0);
      at += 1;
      this.#takeHead();
    }
  }

  #takeHead(): void {
    const [first = 0, second] = this.#head;
    if (second === undefined) return;
    const short = second & 0x7f;
    const lengthBytes = short === 126 ? 2 : short === 127 ? 8 : 0;
    const maskBytes = (second & 0x80) === 0 ? 0 : 4;
    if (this.#head.length < 2 + lengthBytes + maskBytes) return;
    this.#bodyLeft =
      lengthBytes === 0 ? short : this.#head.slice(2, 2 + lengthBytes).reduce((value, byte) => value * 256 + byte, 0);
    this.#head = [];
    if ((first & 0x0f) === CLOSE) this.#closed = true;
  }
}
