import type { Socket } from 'node:net';
import { ProxyHeaderReader } from './proxy-protocol.ts';
import type { ProxyHeader } from './proxy-protocol.ts';

export interface ProxyHeaderWaitOptions {
  readonly timeoutMs: number;
  /** The socket is paused, and what followed the header is in it again. */
  onHeader(header: ProxyHeader): void;
  /** The connection is closed. */
  onRefused(reason: string): void;
}

/** A connection of a trusted proxy until its PROXY header has come. */
export class ProxyHeaderWait {
  readonly #socket: Socket;
  readonly #options: ProxyHeaderWaitOptions;
  readonly #reader = new ProxyHeaderReader();
  readonly #since = performance.now();
  readonly #onData = (bytes: Buffer): void => this.#push(bytes);
  readonly #onEnd = (): void => this.#refuse('the connection ended before its PROXY header');
  readonly #onError = (error: Error): void => this.#refuse(error.message);

  constructor(socket: Socket, options: ProxyHeaderWaitOptions) {
    this.#socket = socket;
    this.#options = options;
    socket.on('data', this.#onData);
    socket.on('end', this.#onEnd);
    socket.on('error', this.#onError);
  }

  tick(now: number): void {
    if (now - this.#since > this.#options.timeoutMs) this.#refuse('no PROXY header came in time');
  }

  drain(): void {
    this.#socket.destroy();
  }

  sayRestart(): void {}

  #push(bytes: Buffer): void {
    const read = this.#reader.push(bytes);
    if (read.state === 'more') return;
    if (read.state === 'bad') {
      this.#refuse(read.reason);
      return;
    }
    this.#stop();
    this.#socket.pause();
    if (read.rest.length > 0) this.#socket.unshift(read.rest);
    this.#options.onHeader(read.header);
  }

  #refuse(reason: string): void {
    this.#stop();
    this.#socket.on('error', () => this.#socket.destroy());
    this.#socket.destroy();
    this.#options.onRefused(reason);
  }

  #stop(): void {
    this.#socket.off('data', this.#onData);
    this.#socket.off('end', this.#onEnd);
    this.#socket.off('error', this.#onError);
  }
}
