import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { ByteChannel, ChannelReceiver } from './types.ts';

/** A TCP or TLS socket, or any other `Duplex`, as carrier. The peer's FIN ends it: half a carrier is of no use. */
export class SocketChannel implements ByteChannel {
  private readonly socket: Duplex;
  private receiver: ChannelReceiver | undefined;
  private error: Error | undefined;
  private closed = false;

  constructor(socket: Duplex) {
    this.socket = socket;
    if (socket instanceof Socket) socket.setNoDelay(true);
    socket.pause();
    socket.on('error', (error: Error) => (this.error ??= error));
    socket.once('close', () => this.onClose());
  }

  get queuedBytes(): number {
    return this.socket.writableLength;
  }

  send(chunks: readonly Uint8Array[], sent: () => void): void {
    const socket = this.socket;
    if (socket.destroyed || socket.writableEnded) return;
    const last = chunks.length - 1;
    if (last > 0) socket.cork();
    for (let index = 0; index < last; index++) socket.write(chunks[index]);
    // A failed write is followed by 'close', which says why.
    socket.write(chunks[last], () => sent());
    if (last > 0) socket.uncork();
  }

  attach(receiver: ChannelReceiver): void {
    this.receiver = receiver;
    if (this.closed) {
      receiver.onClosed(this.error);
      return;
    }
    this.socket.on('data', (bytes: Buffer) => receiver.onBytes(bytes));
    this.socket.once('end', () => this.socket.destroy());
    this.socket.resume();
  }

  close(): void {
    if (!this.socket.writableEnded) this.socket.end();
  }

  destroy(reason?: Error): void {
    this.error ??= reason;
    this.socket.destroy();
  }

  private onClose(): void {
    this.closed = true;
    this.socket.removeAllListeners('data');
    this.receiver?.onClosed(this.error);
  }
}
