import { once } from 'node:events';
import { createServer as createHttpsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import * as tls from 'node:tls';
import { requestUpgrade } from '../../agent/tunnels/request-upgrade.ts';
import { checkUpgradeRequest, upgradeAnswer } from '../../shared/websocket/handshake.ts';
import { RawWebSocketChannel } from '../../shared/websocket/web-socket-channel.ts';
import { Session } from '../../shared/yamux/session.ts';
import { SocketChannel } from '../../shared/yamux/socket-channel.ts';
import type { ByteChannel } from '../../shared/yamux/types.ts';
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

/** What Adit uses: WebSocket in TLS, handshake and framing those of the product. */
export const webSocket: Carrier = {
  async listen({ cert, key }, onChannel) {
    const server = createHttpsServer({ cert, key });
    server.on('upgrade', (request, socket: Duplex, head) => {
      const answer = checkUpgradeRequest(request);
      if (!answer.ok) {
        socket.end('HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n');
        return;
      }
      socket.write(upgradeAnswer(answer.value, undefined));
      onChannel(new RawWebSocketChannel(socket, { role: 'server', head }));
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return (server.address() as AddressInfo).port;
  },
  async dial(port, { ca }) {
    const outcome = await requestUpgrade({
      url: `wss://127.0.0.1:${port}/`,
      headers: {},
      ca,
      timeoutMs: 5_000,
      signal: new AbortController().signal,
    });
    if (outcome.kind === 'answered') throw new Error(`the other end answered ${outcome.response.statusCode}`);
    return new RawWebSocketChannel(outcome.socket, { role: 'client', head: outcome.head });
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
