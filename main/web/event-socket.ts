import { STATUS_CODES, type IncomingMessage, type Server } from 'node:http';
import type { Duplex } from 'node:stream';
import { WebSocketServer, type WebSocket } from 'ws';
import type { Application } from '../application.ts';

/** A page that reads this far behind is cut off; it connects again and reads everything anew. */
const MAX_BEHIND_BYTES = 32 * 1024 * 1024;
const MAX_SOCKETS = 32;
const PING_MS = 25_000;

/**
 * The events of the application as JSON text messages `{event, payload}` to every page. `guard` answers the HTTP
 * status of a refusal.
 */
export function serveEvents(
  server: Server,
  application: Pick<Application, 'onEvent'>,
  guard: (request: IncomingMessage) => number | undefined,
): { close(): void } {
  const sockets = new WebSocketServer({ noServer: true, perMessageDeflate: false, maxPayload: 1024 });
  const answered = new WeakSet<WebSocket>();

  const onUpgrade = (request: IncomingMessage, socket: Duplex, head: Buffer): void => {
    const status = guard(request) ?? (sockets.clients.size >= MAX_SOCKETS ? 503 : undefined);
    if (status !== undefined) {
      socket.on('error', () => socket.destroy());
      // Nobody waits for who keeps his own side open: the server would be kept from its end.
      socket.once('finish', () => socket.destroy());
      socket.end(`HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nconnection: close\r\ncontent-length: 0\r\n\r\n`);
      return;
    }
    sockets.handleUpgrade(request, socket, head, (page) => {
      answered.add(page);
      page.on('pong', () => answered.add(page));
      // The close event follows; a page that went away is no fault.
      page.on('error', () => page.terminate());
    });
  };
  server.on('upgrade', onUpgrade);

  const stop = application.onEvent((event, payload) => {
    if (sockets.clients.size === 0) return;
    const message = JSON.stringify({ event, payload });
    for (const page of sockets.clients) {
      if (page.bufferedAmount > MAX_BEHIND_BYTES) page.terminate();
      else if (page.readyState === page.OPEN) page.send(message);
    }
  });
  const pinger = setInterval(() => {
    for (const page of sockets.clients) {
      if (!answered.delete(page)) page.terminate();
      else page.ping();
    }
  }, PING_MS);
  pinger.unref();

  return {
    close: () => {
      stop();
      clearInterval(pinger);
      server.off('upgrade', onUpgrade);
      for (const page of sockets.clients) page.terminate();
      sockets.close();
    },
  };
}
