import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { WebSocket, WebSocketServer } from 'ws';
import { RawWebSocketChannel } from '../../websocket/web-socket-channel.ts';
import { memoryChannelPair, type MemoryChannelOptions } from '../memory-channel.ts';
import { Session, type SessionOptions } from '../session.ts';
import { SocketChannel } from '../socket-channel.ts';
import type { ByteChannel } from '../types.ts';
import { tlsSockets } from './tls-sockets.ts';
import { WsChannel } from './ws-channel.ts';

/** Both ends of a carrier, and what ends its listeners. */
export interface Carrier {
  readonly client: ByteChannel;
  readonly server: ByteChannel;
  dispose(): Promise<void>;
}

export function memoryCarrier(options: MemoryChannelOptions = {}): Promise<Carrier> {
  const [client, server] = memoryChannelPair(options);
  return Promise.resolve({ client, server, dispose: () => Promise.resolve() });
}

export function tcpCarrier(): Promise<Carrier> {
  return socketCarrier((socket) => new SocketChannel(socket));
}

/** WebSocket frames of our own, between sockets on which no handshake was. */
export function webSocketCarrier(): Promise<Carrier> {
  return socketCarrier((socket, role) => new RawWebSocketChannel(socket, { role, maxMessageBytes: 1 << 20 }));
}

export async function tlsCarrier(): Promise<Carrier> {
  const { client, server, dispose } = await tlsSockets();
  return { client: new SocketChannel(client), server: new SocketChannel(server), dispose };
}

/** What tunnels use. */
export async function secureWebSocketCarrier(): Promise<Carrier> {
  const { client, server, dispose } = await tlsSockets();
  return {
    client: new RawWebSocketChannel(client, { role: 'client' }),
    server: new RawWebSocketChannel(server, { role: 'server' }),
    dispose,
  };
}

async function socketCarrier(channel: (socket: Socket, role: 'client' | 'server') => ByteChannel): Promise<Carrier> {
  const listener = createServer({ allowHalfOpen: true }).listen(0, '127.0.0.1');
  await once(listener, 'listening');
  const accepted = once(listener, 'connection');
  const client = connect((listener.address() as AddressInfo).port, '127.0.0.1');
  const [[server]] = await Promise.all([accepted, once(client, 'connect')]);
  return {
    client: channel(client, 'client'),
    server: channel(server, 'server'),
    dispose: async () => {
      client.destroy();
      server.destroy();
      listener.close();
      await once(listener, 'close');
    },
  };
}

export async function wsCarrier(): Promise<Carrier> {
  const listener = new WebSocketServer({ port: 0, host: '127.0.0.1', perMessageDeflate: false, maxPayload: 1 << 20 });
  await once(listener, 'listening');
  const accepted = new Promise<WsChannel>((resolve) => listener.once('connection', (ws) => resolve(new WsChannel(ws))));
  const { port } = listener.address() as AddressInfo;
  const socket = new WebSocket(`ws://127.0.0.1:${port}`, { perMessageDeflate: false, maxPayload: 1 << 20 });
  await once(socket, 'open');
  return {
    client: new WsChannel(socket),
    server: await accepted,
    dispose: async () => {
      socket.terminate();
      for (const ws of listener.clients) ws.terminate();
      listener.close();
      await once(listener, 'close');
    },
  };
}

export const carriers = [
  ['memory', memoryCarrier],
  ['memory, cut at odd places', () => memoryCarrier({ cut: cutInto([1, 2, 3, 5, 7, 11, 13, 97, 1009, 4999]) })],
  ['TCP', tcpCarrier],
  ['TLS', tlsCarrier],
  ['WebSocket', webSocketCarrier],
  ['WebSocket in TLS', secureWebSocketCarrier],
  ['WebSocket of ws', wsCarrier],
] as const satisfies readonly (readonly [string, () => Promise<Carrier>])[];

/** Cuts into pieces of the given sizes in turn, so that headers and bodies break everywhere. */
export function cutInto(sizes: readonly number[]): (bytes: Uint8Array) => Iterable<Uint8Array> {
  let turn = 0;
  return function* cut(bytes) {
    for (let at = 0; at < bytes.length;) {
      const size = sizes[turn++ % sizes.length] ?? 1;
      yield bytes.subarray(at, at + size);
      at += size;
    }
  };
}

export interface SessionPair extends AsyncDisposable {
  readonly client: Session;
  readonly server: Session;
  readonly carrier: Carrier;
}

type Options = Omit<SessionOptions, 'role'>;

/** A client and a server session over the two ends of a carrier; disposing it ends both. */
export async function sessionPair(
  makeCarrier: () => Promise<Carrier> = memoryCarrier,
  client: Options = {},
  server: Options = {},
): Promise<SessionPair> {
  const carrier = await makeCarrier();
  const pair = {
    client: new Session(carrier.client, { ...client, role: 'client' }),
    server: new Session(carrier.server, { ...server, role: 'server' }),
    carrier,
  };
  return {
    ...pair,
    [Symbol.asyncDispose]: async () => {
      pair.client.destroy();
      pair.server.destroy();
      await carrier.dispose();
    },
  };
}
