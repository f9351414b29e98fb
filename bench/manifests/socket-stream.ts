import type { Socket } from 'node:net';
import type { StreamReceiver, YamuxStream } from '../../shared/yamux/types.ts';

/** A TCP connection in the place of a stream of the tunnel, so that the gateway is measured alone. */
export class SocketStream implements YamuxStream {
  readonly id = 1;
  readonly accepted = true;
  #socket: Socket;
  #receiver: StreamReceiver | undefined;

  constructor(socket: Socket) {
    this.#socket = socket.setNoDelay();
    socket.on('data', (bytes: Buffer) => this.#receiver?.onData(bytes));
    socket.on('end', () => this.#receiver?.onEnd());
    socket.on('drain', () => this.#receiver?.onDrain());
    socket.on('finish', () => this.#receiver?.onFinished?.());
    socket.on('error', () => socket.destroy());
    socket.on('close', () => this.#receiver?.onClosed());
  }

  get queuedBytes(): number {
    return this.#socket.writableLength;
  }
  get closed(): boolean {
    return this.#socket.destroyed;
  }
  write(bytes: Uint8Array): boolean {
    return this.#socket.write(bytes);
  }
  end(): void {
    this.#socket.end();
  }
  reset(): void {
    this.#socket.destroy();
  }
  attach(receiver: StreamReceiver): void {
    this.#receiver = receiver;
  }
  consumed(): void {}
}
