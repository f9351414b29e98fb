import type { Socket } from 'node:net';
import type { BrokerErrorCode } from './errors.ts';
import { ownAnswer } from './own-answer.ts';

/** What a visitor has to read the answer. */
const GOODBYE_MS = 2_000;

/** A connection that is told why it is refused: what it sends is dropped, so that no reset overtakes the answer. */
export class RefusedConnection {
  readonly #socket: Socket;
  readonly #since = performance.now();

  constructor(socket: Socket, code: BrokerErrorCode) {
    this.#socket = socket;
    socket.on('error', () => socket.destroy());
    socket.resume();
    socket.end(ownAnswer({ code, close: true }));
  }

  tick(now: number): void {
    if (now - this.#since > GOODBYE_MS) this.#socket.destroy();
  }

  drain(): void {
    this.#socket.destroy();
  }

  sayRestart(): void {}
}
