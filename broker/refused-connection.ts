import type { Socket } from 'node:net';
import type { BrokerErrorCode } from './errors.ts';
import { ownAnswer } from './own-answer.ts';

/** Ticks that a visitor has to read the answer. */
const GOODBYE_TICKS = 8;

/**
 * A connection that is told why it is refused: what it sends is dropped, so that no reset overtakes the answer. Time is
 * counted in ticks: after a while without a processor, what the visitor sent meanwhile must be read before the end.
 */
export class RefusedConnection {
  readonly #socket: Socket;
  #ticks = 0;

  constructor(socket: Socket, code: BrokerErrorCode) {
    this.#socket = socket;
    socket.on('error', () => socket.destroy());
    socket.resume();
    socket.end(ownAnswer({ code, close: true }));
  }

  tick(): void {
    this.#ticks += 1;
    if (this.#ticks > GOODBYE_TICKS) this.#socket.destroy();
  }

  drain(): void {
    this.#socket.destroy();
  }

  sayRestart(): void {}
}
