import type { Socket } from 'node:net';

/** Up to this many bytes one copy is cheaper than a write of several buffers. */
const COPY_BYTES = 16 * 1024;

/** Writes to a socket; what is written during a burst leaves together: a head and its body are one packet. */
export class BurstWriter {
  readonly #socket: Socket;
  #pieces: Uint8Array[] = [];
  #bytes = 0;
  #open = false;

  constructor(socket: Socket) {
    this.#socket = socket;
  }

  open(): void {
    this.#open = true;
  }

  close(): void {
    this.#open = false;
    this.flush();
  }

  write(bytes: Uint8Array): void {
    if (!this.#open) {
      this.#socket.write(bytes);
      return;
    }
    this.#pieces.push(bytes);
    this.#bytes += bytes.length;
    if (this.#bytes > COPY_BYTES) this.flush();
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
    else if (bytes <= COPY_BYTES) this.#socket.write(joined(pieces, bytes));
    else {
      this.#socket.cork();
      for (const piece of pieces) this.#socket.write(piece);
      this.#socket.uncork();
    }
  }
}

function joined(pieces: readonly Uint8Array[], bytes: number): Buffer {
  const all = Buffer.allocUnsafe(bytes);
  let at = 0;
  for (const piece of pieces) {
    all.set(piece, at);
    at += piece.length;
  }
  return all;
}
