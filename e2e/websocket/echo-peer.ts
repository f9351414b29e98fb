import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { requestUpgrade } from '../../agent/tunnels/request-upgrade.ts';
import type { WebSocketRole } from '../../shared/websocket/frame.ts';
import { checkUpgradeRequest, upgradeAnswer } from '../../shared/websocket/handshake.ts';
import { RawWebSocketChannel } from '../../shared/websocket/web-socket-channel.ts';

const MAX_MESSAGE_BYTES = 32 * 1024 * 1024;
const HANDSHAKE_TIMEOUT_MS = 10_000;

/** Sends every message back, as the conformance suite wants it; settles when the channel has ended. */
function echo(socket: Duplex, head: Uint8Array, role: WebSocketRole): Promise<void> {
  return collect(socket, head, role, (message, opcode, channel) => channel.send([message], () => undefined, opcode));
}

type OnMessage = (message: Buffer, opcode: number, channel: RawWebSocketChannel) => void;

function collect(socket: Duplex, head: Uint8Array, role: WebSocketRole, onMessage: OnMessage): Promise<void> {
  let opcode = 0;
  let parts: Uint8Array[] = [];
  const channel = new RawWebSocketChannel(socket, {
    role,
    head,
    maxMessageBytes: MAX_MESSAGE_BYTES,
    messages: {
      onStart: (kind) => (opcode = kind),
      onEnd: () => {
        const message = Buffer.concat(parts);
        parts = [];
        onMessage(message, opcode, channel);
      },
    },
  });
  return new Promise((resolve) => {
    channel.attach({ onBytes: (bytes) => parts.push(bytes), onClosed: () => resolve() });
  });
}

export interface EchoServer extends AsyncDisposable {
  readonly port: number;
}

export async function startEchoServer(): Promise<EchoServer> {
  const server = createServer();
  const sockets = new Set<Duplex>();
  server.on('upgrade', (request, socket, head) => {
    const handshake = checkUpgradeRequest(request);
    if (!handshake.ok) {
      socket.end('HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n');
      return;
    }
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
    socket.write(upgradeAnswer(handshake.value, undefined));
    void echo(socket, head, 'server');
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    [Symbol.asyncDispose]: async () => {
      server.close();
      for (const socket of sockets) socket.destroy();
      await once(server, 'close');
    },
  };
}

/** Dials and echoes until the server ends it. */
export async function echoTo(url: string, signal: AbortSignal): Promise<void> {
  const { socket, head } = await dial(url, signal);
  await echo(socket, head, 'client');
}

/** The first message that a server sends. */
export async function firstMessage(url: string, signal: AbortSignal): Promise<string> {
  const { socket, head } = await dial(url, signal);
  let first = '';
  await collect(socket, head, 'client', (message, _opcode, channel) => {
    first ||= message.toString();
    channel.close();
  });
  return first;
}

async function dial(url: string, signal: AbortSignal): Promise<{ socket: Duplex; head: Buffer }> {
  const outcome = await requestUpgrade({ url, headers: {}, timeoutMs: HANDSHAKE_TIMEOUT_MS, signal });
  if (outcome.kind === 'upgraded') return outcome;
  outcome.response.destroy();
  throw new Error(`${url} answered ${outcome.response.statusCode}`);
}
