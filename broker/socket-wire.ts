import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { buffersCame } from '../shared/process/buffer-pressure.ts';
import type { StreamReceiver } from '../shared/yamux/types.ts';
import type { Wire } from './wire.ts';

/** Bytes handed on and not yet consumed, above which the socket is not read. */
const HIGH_WATER_BYTES = 256 * 1024;
const CONNECT_TIMEOUT_MS = 2_000;

/** A TCP connection to a peer, used like a yamux stream. */
export class SocketWire implements Wire {
  accepted = false;
  closed = false;
  readonly #socket: Socket;
  #waiting = 0;

  constructor(host: string, port: number) {
    this.#socket = connect({ host, port, noDelay: true, allowHalfOpen: true });
    // A process that had no processor for so long hears of its connection right after the timer.
    this.#socket.setTimeout(CONNECT_TIMEOUT_MS, () => {
      setImmediate(() => {
        if (!this.accepted) this.#socket.destroy(new Error('connect timed out'));
      });
    });
  }

  get queuedBytes(): number {
    return this.#socket.writableLength;
  }

  write(bytes: Uint8Array): boolean {
    return this.closed || this.#socket.write(bytes);
  }

  end(): void {
    this.#socket.end();
  }

  /** By RST: an end in order would say that half of a WebSocket goes on. */
  reset(): void {
    // Node would wait for the connection first.
    if (this.#socket.connecting) this.#socket.destroy();
    else if (!this.#socket.destroyed) this.#socket.resetAndDestroy();
  }

  attach(receiver: StreamReceiver): void {
    const socket = this.#socket;
    let failure: Error | undefined;
    socket.on('connect', () => {
      this.accepted = true;
      socket.setTimeout(0);
    });
    socket.on('data', (bytes) => {
      buffersCame(bytes.length);
      this.#waiting += bytes.length;
      receiver.onData(bytes);
      if (this.#waiting > HIGH_WATER_BYTES) socket.pause();
    });
    socket.on('drain', () => receiver.onDrain());
    socket.on('end', () => receiver.onEnd());
    socket.on('error', (error) => {
      failure = error;
    });
    socket.on('close', () => {
      this.closed = true;
      receiver.onClosed(failure);
    });
  }

  consumed(bytes: number): void {
    this.#waiting -= bytes;
    if (this.#waiting <= HIGH_WATER_BYTES && this.#socket.isPaused()) this.#socket.resume();
  }
}
