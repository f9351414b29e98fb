import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import { WebSocketServer } from 'ws';

const TICK_MS = 100;

export interface MixedUpstream {
  readonly url: string;
  /** Open event streams and WebSockets. */
  readonly open: { events: number; sockets: number };
  stop(): Promise<void>;
}

/**
 * An upstream with what an API can have: `GET /` (1 KB), `GET /bytes?n=N`, `POST /echo`, `GET /events` (server-sent events,
 * ten a second), and a WebSocket that echoes and counts.
 */
export async function startMixedUpstream(): Promise<MixedUpstream> {
  const small = Buffer.alloc(1024, 'a');
  const large = Buffer.alloc(1024 * 1024, 'b');
  const open = { events: 0, sockets: 0 };
  const followers = new Set<ServerResponse>();
  const server = createServer((request, response) => {
    const url = new URL(request.url ?? '/', 'http://upstream');
    if (url.pathname === '/events') {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      followers.add(response);
      open.events += 1;
      response.once('close', () => {
        followers.delete(response);
        open.events -= 1;
      });
    } else if (url.pathname === '/echo') {
      response.writeHead(200, {
        'content-type': 'application/octet-stream',
        ...(request.headers['content-length'] === undefined
          ? {}
          : { 'content-length': request.headers['content-length'] }),
      });
      request.pipe(response);
    } else {
      const bytes = Number(url.searchParams.get('n') ?? small.length);
      response.writeHead(200, { 'content-type': 'application/octet-stream', 'content-length': bytes });
      if (bytes <= large.length) response.end(bytes === small.length ? small : large.subarray(0, bytes));
      else {
        let left = bytes;
        const more = (): void => {
          while (left > 0) {
            const piece = large.subarray(0, Math.min(left, large.length));
            left -= piece.length;
            if (!response.write(piece)) {
              response.once('drain', more);
              return;
            }
          }
          response.end();
        };
        more();
      }
    }
  });
  server.keepAliveTimeout = 60_000;
  const sockets = new WebSocketServer({ server, perMessageDeflate: false });
  sockets.on('connection', (socket) => {
    open.sockets += 1;
    socket.on('message', (data, binary) => socket.send(data, { binary }));
    socket.on('error', () => socket.terminate());
    socket.once('close', () => (open.sockets -= 1));
  });
  let tick = 0;
  const timer = setInterval(() => {
    tick += 1;
    for (const response of followers) if (!response.writableNeedDrain) response.write(`data: ${tick}\n\n`);
  }, TICK_MS);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (typeof address !== 'object' || address === null) throw new Error('no address');
  return {
    url: `http://127.0.0.1:${address.port}`,
    open,
    async stop() {
      clearInterval(timer);
      for (const socket of sockets.clients) socket.terminate();
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}
