import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { WebSocketServer, type WebSocket } from 'ws';
import type { AgentEvent } from '../../shared/agent/api.ts';

/** A client that leaves this much unread is dropped: it can ask again from where it stood. */
const MAX_QUEUED_BYTES = 4 * 1024 * 1024;
const MAX_CLIENTS = 32;

/** Nobody waits for who keeps his own side open: the server would be kept from its end. */
export function refuseUpgrade(socket: Duplex, status: string): void {
  socket.once('finish', () => socket.destroy());
  socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
}

/** The WebSocket of `/v1/events`: the same messages for every client. */
export class EventFeed {
  #server = new WebSocketServer({ noServer: true, perMessageDeflate: false, maxPayload: 1024 });
  #first: () => AgentEvent;
  #onPresence: (anyone: boolean) => void;

  /** `first`: what a client gets when it comes. `onPresence`: the first client came, the last one left. */
  constructor(first: () => AgentEvent, onPresence: (anyone: boolean) => void) {
    this.#first = first;
    this.#onPresence = onPresence;
  }

  get clients(): number {
    return this.#server.clients.size;
  }

  accept(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    if (this.#server.clients.size >= MAX_CLIENTS) {
      refuseUpgrade(socket, '503 Service Unavailable');
      return;
    }
    this.#server.handleUpgrade(request, socket, head, (client) => {
      client.on('error', () => client.terminate());
      client.once('close', () => {
        if (this.clients === 0) this.#onPresence(false);
      });
      if (this.clients === 1) this.#onPresence(true);
      this.#send(client, JSON.stringify(this.#first()));
    });
  }

  send(event: AgentEvent): void {
    if (this.#server.clients.size === 0) return;
    const text = JSON.stringify(event);
    for (const client of this.#server.clients) this.#send(client, text);
  }

  close(): void {
    for (const client of this.#server.clients) {
      client.close(1001, 'the agent stops');
      client.terminate();
    }
    this.#server.close();
  }

  #send(client: WebSocket, text: string): void {
    if (client.readyState !== client.OPEN) return;
    if (client.bufferedAmount > MAX_QUEUED_BYTES) client.terminate();
    else client.send(text);
  }
}
