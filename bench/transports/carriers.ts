import { once } from 'node:events';
import { createServer as createHttpsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import * as tls from 'node:tls';
import { WebSocket, WebSocketServer } from 'ws';
import { Session } from '../../shared/yamux/session.ts';
import { SocketChannel } from '../../shared/yamux/socket-channel.ts';
import type { ByteChannel } from '../../shared/yamux/types.ts';
import { WsChannel } from '../../shared/yamux/testing/ws-channel.ts';
import type { Certificates, Multiplexer } from './multiplexer.ts';
import { splice } from './splice.ts';

/** What a Yamux session of ours runs over. */
export interface Carrier {
  listen(certificates: Certificates, onChannel: (channel: ByteChannel) => void): Promise<number>;
  dial(port: number, certificates: Certificates): Promise<ByteChannel>;
}

export function yamuxOver(carrier: Carrier): Multiplexer {
  return {
    serve: (certificates, onLink) =>
      carrier.listen(certificates, (channel) => {
        const session = new Session(channel, { role: 'server' });
        onLink((visitor) => (session.canOpen ? splice(session.open(), visitor) : visitor.destroy()));
        void session.closed.then(() => onLink(undefined));
      }),
    async link(port, certificates, connectUpstream) {
      const channel = await carrier.dial(port, certificates);
      const session = new Session(channel, {
        role: 'client',
        onStream: (stream) => splice(stream, connectUpstream()),
      });
      await session.closed;
    },
  };
}

/** What Adit uses: WebSocket in TLS. */
export const webSocket: Carrier = {
  async listen({ cert, key }, onChannel) {
    const server = createHttpsServer({ cert, key });
    const sockets = new WebSocketServer({ server, perMessageDeflate: false });
    sockets.on('connection', (socket) => onChannel(new WsChannel(socket)));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return (server.address() as AddressInfo).port;
  },
  async dial(port, { ca }) {
    const socket = new WebSocket(`wss://127.0.0.1:${port}/`, { perMessageDeflate: false, ca, handshakeTimeout: 5_000 });
    return new Promise((resolve, reject) => {
      socket.once('error', reject);
      socket.once('open', () => resolve(new WsChannel(socket)));
    });
  },
};

/** TLS and nothing else. */
export const tcp: Carrier = {
  async listen({ cert, key }, onChannel) {
    const server = tls.createServer({ cert, key }, (socket) => onChannel(new SocketChannel(socket)));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return (server.address() as AddressInfo).port;
  },
  async dial(port, { ca }) {
    const socket = tls.connect({ port, host: '127.0.0.1', ca });
    await once(socket, 'secureConnect');
    return new SocketChannel(socket);
  },
};
