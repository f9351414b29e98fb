import { once } from 'node:events';
import { createServer as createHttpsServer } from 'node:https';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { WebSocket, WebSocketServer } from 'ws';
import { readFileSync } from 'node:fs';

/** Started as a process of its own. */
export const bridgeProgram = import.meta.filename;

/** Bytes that may wait in a WebSocket before its source is paused. */
const HIGH_WATER = 1024 * 1024;

/**
 * TCP in WebSockets in TLS, as websocat does it: `ws-bridge.ts server FOLDER PORT` unwraps and connects to the port,
 * `ws-bridge.ts client FOLDER PORT` listens and wraps to the server on that port.
 */
async function serve(folder: string, target: number): Promise<number> {
  const server = createHttpsServer({
    cert: readFileSync(`${folder}/cert.pem`),
    key: readFileSync(`${folder}/key.pem`),
  });
  new WebSocketServer({ server, perMessageDeflate: false }).on('connection', (socket) =>
    join(socket, connect(target, '127.0.0.1')),
  );
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

async function listen(folder: string, target: number): Promise<number> {
  const ca = readFileSync(`${folder}/ca.pem`);
  const server = createServer({ pauseOnConnect: true }, (client) => {
    const socket = new WebSocket(`wss://127.0.0.1:${target}/`, { perMessageDeflate: false, ca });
    socket.on('error', () => client.destroy());
    socket.once('open', () => join(socket, client));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

function join(socket: WebSocket, tcp: Socket): void {
  tcp.setNoDelay(true);
  tcp.on('data', (bytes) => {
    socket.send(bytes, () => {
      if (socket.bufferedAmount < HIGH_WATER) tcp.resume();
    });
    if (socket.bufferedAmount >= HIGH_WATER) tcp.pause();
  });
  socket.on('message', (bytes: Buffer) => {
    if (!tcp.write(bytes)) socket.pause();
  });
  tcp.on('drain', () => socket.resume());
  tcp.on('error', () => socket.terminate());
  socket.on('error', () => tcp.destroy());
  tcp.once('close', () => socket.terminate());
  socket.once('close', () => tcp.destroy());
  tcp.resume();
}

if (import.meta.main) {
  const [side, folder = '', port] = process.argv.slice(2);
  const own = await (side === 'server' ? serve : listen)(folder, Number(port));
  console.log(`listening ${own}`);
}
