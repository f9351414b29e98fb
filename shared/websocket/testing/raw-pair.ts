import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { RawWebSocketChannel, type WebSocketChannelOptions } from '../web-socket-channel.ts';

/** A channel, its carrier's other end as a plain socket, and what came of both. */
export interface RawPair extends AsyncDisposable {
  readonly channel: RawWebSocketChannel;
  readonly peer: Socket;
  /** Bytes that the receiver of the channel got. */
  readonly received: Buffer[];
  /** Bytes that the peer got. */
  readonly wire: () => Buffer;
  readonly closed: Promise<Error | undefined>;
  readonly peerEnded: Promise<unknown>;
}

/** The socket of the channel is a server's: half open until it ends its side. */
export async function rawPair(options: Partial<WebSocketChannelOptions> = {}): Promise<RawPair> {
  const listener = createServer({ allowHalfOpen: true }).listen(0, '127.0.0.1');
  await once(listener, 'listening');
  const accepted = once(listener, 'connection');
  const peer = connect({ port: (listener.address() as AddressInfo).port, host: '127.0.0.1', allowHalfOpen: true });
  const [[socket]] = await Promise.all([accepted, once(peer, 'connect')]);
  const wire: Buffer[] = [];
  peer.on('error', () => peer.destroy());
  peer.on('data', (bytes: Buffer) => wire.push(bytes));
  const peerEnded = once(peer, 'end');
  const channel = new RawWebSocketChannel(socket, { role: 'server', ...options });
  const received: Buffer[] = [];
  const closed = new Promise<Error | undefined>((resolve) => {
    channel.attach({ onBytes: (bytes) => received.push(Buffer.from(bytes)), onClosed: resolve });
  });
  return {
    channel,
    peer,
    received,
    wire: () => Buffer.concat(wire),
    closed,
    peerEnded,
    [Symbol.asyncDispose]: async () => {
      channel.destroy();
      peer.destroy();
      await closed;
      listener.close();
      await once(listener, 'close');
    },
  };
}
