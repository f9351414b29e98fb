import { once } from 'node:events';
import * as http2 from 'node:http2';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import * as tls from 'node:tls';
import type { Multiplexer } from './multiplexer.ts';

/** As large as the windows of our own session may grow. */
const WINDOW_BYTES = 4 * 1024 * 1024;
const settings: http2.Settings = { initialWindowSize: WINDOW_BYTES };

/**
 * HTTP/2 turned round: the agent dials, then it is the HTTP/2 server, and the broker opens a CONNECT stream (RFC 9113 §8.5)
 * for each visitor.
 */
export const http2Streams: Multiplexer = {
  async serve({ cert, key }, onLink) {
    const server = tls.createServer({ cert, key, ALPNProtocols: ['h2'] }, (socket) => {
      socket.setNoDelay(true);
      const session = http2.connect('https://agent', { createConnection: () => socket, settings });
      session.once('connect', () => {
        session.setLocalWindowSize(WINDOW_BYTES);
        onLink((visitor) => {
          visitor.setNoDelay(true);
          join(visitor, session.request({ ':method': 'CONNECT', ':authority': 'upstream' }));
        });
      });
      session.on('error', () => session.destroy());
      session.once('close', () => onLink(undefined));
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return (server.address() as AddressInfo).port;
  },
  async link(port, { ca }, connectUpstream) {
    const socket = tls.connect({ port, host: '127.0.0.1', ca, ALPNProtocols: ['h2'] });
    await once(socket, 'secureConnect');
    socket.setNoDelay(true);
    const session = http2.performServerHandshake(socket, { settings });
    session.setLocalWindowSize(WINDOW_BYTES);
    session.on('stream', (stream) => {
      stream.respond({ ':status': 200 });
      join(connectUpstream(), stream);
    });
    session.on('error', () => session.destroy());
    await once(session, 'close');
  },
};

function join(one: Duplex, other: Duplex): void {
  one.on('error', () => other.destroy());
  other.on('error', () => one.destroy());
  one.once('close', () => other.destroy());
  other.once('close', () => one.destroy());
  one.pipe(other).pipe(one);
}
