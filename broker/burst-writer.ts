import type { Socket } from 'node:net';

/** Up to this many bytes one copy is cheaper than a write of several buffers. */
const COPY_BYTES = 16 * 1024;
/** More is not held back. */
const HELD_BYTES = 128 * 1024;

/** What small pieces are put together in, for as long as sockets take all of it at once. */
let scratch: Buffer | undefined;
/** Hold something until every socket that is readable now was read. */
let holding: BurstWriter[] = [];

function flushAll(): void {
  const writers = holding;
  holding = [];
  for (const writer of writers) writer.release();
}

/**
 * Writes to a socket. What is written during a burst waits for `flush`, or until every socket that is readable now was
 * read: a head and its body are one write, and so are the TLS records that a larger body came in.
 */
export class BurstWriter {
  readonly #socket: Socket;
  readonly #onReleased: () => void;
  #pieces: Uint8Array[] = [];
  #bytes = 0;
  #open = false;
  #isWaiting = false;

  /** `onReleased`: what a burst left behind was handed to the socket. */
  constructor(socket: Socket, onReleased: () => void) {
    this.#socket = socket;
    this.#onReleased = onReleased;
  }

  /** Something is held back. */
  get holds(): boolean {
    return this.#bytes > 0;
  }

  open(): void {
    this.#open = true;
  }

  close(): void {
    this.#open = false;
    if (this.#bytes === 0 || this.#isWaiting) return;
    this.#isWaiting = true;
    if (holding.length === 0) setImmediate(flushAll);
    holding.push(this);
  }

  write(bytes: Uint8Array): void {
    if (!this.#open && this.#bytes === 0) {
      this.#socket.write(bytes);
      return;
    }
    this.#pieces.push(bytes);
    this.#bytes += bytes.length;
    if (!this.#open || this.#bytes >= HELD_BYTES) this.flush();
  }

  /** Every socket was read. */
  release(): void {
    this.#isWaiting = false;
    if (this.#socket.destroyed) return;
    this.flush();
    this.#onReleased();
  }

  /** Hands everything to the socket now. */
  flush(): void {
    const [first] = this.#pieces;
    if (first === undefined) return;
    const pieces = this.#pieces;
    const bytes = this.#bytes;
    this.#pieces = [];
    this.#bytes = 0;
    if (pieces.length === 1) this.#socket.write(first);
    else if (bytes <= COPY_BYTES) {
      this.#socket.write(joined(pieces));
      // The socket still has to read it.
      if (this.#socket.writableLength > 0) scratch = undefined;
    } else {
      this.#socket.cork();
      for (const piece of pieces) this.#socket.write(piece);
      this.#socket.uncork();
    }
  }
}

function joined(pieces: readonly Uint8Array[]): Buffer {
  scratch ??= Buffer.allocUnsafeSlow(COPY_BYTES);
  let at = 0;
  for (const piece of pieces) {
    scratch.set(piece, at);
    at += piece.length;
  }
  return scratch.subarray(0, at);
}
