import type { Socket } from 'node:net';

const NOTHING = new Uint8Array(0);

/**
 * A connection of which one half is closed. Whether the visitor waits at the other half cannot be told, only tried: one who has
 * closed both answers the next bytes with a reset. While there are no bytes for him, time has to tell.
 */
export class HalfClosed {
  readonly #socket: Socket;
  readonly #carrier: Socket;
  readonly #limitMs: number;
  #moved: number;
  #movedAt = performance.now();

  /** `carrier`: the TCP connection, below TLS. */
  constructor(socket: Socket, carrier: Socket, limitMs: number) {
    this.#socket = socket;
    this.#carrier = carrier;
    this.#limitMs = limitMs;
    this.#moved = movedBytes(socket);
  }

  /**
   * To be called again and again. True: no byte has moved, nor waited for him, for the whole limit. `isHeld`: bytes for him are
   * kept back before they come here.
   */
  isQuiet(now: number, isHeld: boolean): boolean {
    const { writableLength, writableEnded } = this.#socket;
    const moved = movedBytes(this.#socket);
    if (moved !== this.#moved || writableLength > 0 || isHeld) {
      this.#moved = moved;
      this.#movedAt = now;
    }
    // After an end Node hears of a reset no sooner than it writes. Past TLS, which takes an empty write and does nothing.
    if (writableLength === 0 && !writableEnded && !this.#carrier.destroyed) this.#carrier.write(NOTHING);
    return now - this.#movedAt > this.#limitMs;
  }
}

function movedBytes({ bytesRead, bytesWritten }: Socket): number {
  return bytesRead + bytesWritten;
}
