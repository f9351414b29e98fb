import { createServer } from 'node:net';
import type { AddressInfo, Server, Socket } from 'node:net';
import type { Edge } from './edge.ts';
import type { Entrance } from './entrance.ts';
import type { ListenOptions } from './options.ts';
import { VisitorConnection } from './visitor-connection.ts';

/** How exact the time limits are. */
const TICK_MS = 250;

/** A TCP listener for HTTP/1.1 with limits on connections, whose time limits are kept by one timer. */
export class VisitorListener {
  readonly #edge: Edge;
  readonly #entrance: Entrance;
  readonly #server: Server;
  readonly #connections = new Set<VisitorConnection>();
  readonly #perAddress = new Map<string, number>();
  #timer: NodeJS.Timeout | undefined;

  private constructor(edge: Edge, entrance: Entrance) {
    this.#edge = edge;
    this.#entrance = entrance;
    this.#server = createServer({ noDelay: true, allowHalfOpen: true }, (socket) => this.#accept(socket));
  }

  /** Rejects when the address cannot be bound. */
  static async listen(edge: Edge, entrance: Entrance, address: ListenOptions): Promise<VisitorListener> {
    const listener = new VisitorListener(edge, entrance);
    await new Promise<void>((resolve, reject) => {
      listener.#server.once('error', reject);
      listener.#server.listen({ host: address.host, port: address.port, backlog: 1024 }, () => {
        listener.#server.off('error', reject);
        resolve();
      });
    });
    listener.#server.on('error', (error) => edge.log.error({ err: error }, 'listener failed'));
    listener.#timer = setInterval(() => listener.#tick(), TICK_MS);
    listener.#timer.unref();
    return listener;
  }

  get address(): AddressInfo {
    const address = this.#server.address();
    if (address === null || typeof address === 'string') throw new Error('the listener is closed');
    return address;
  }

  /** Takes no new connections; idle ones end now, others after their answer. */
  drain(): void {
    this.#server.close();
    for (const connection of this.#connections) connection.drain();
  }

  /** WebSockets are told that the broker restarts. */
  sayRestart(): void {
    for (const connection of this.#connections) connection.sayRestart();
  }

  get size(): number {
    return this.#connections.size;
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    const closed = new Promise<void>((resolve) => {
      if (this.#server.listening) this.#server.close(() => resolve());
      else resolve();
    });
    for (const connection of this.#connections) connection.destroy();
    await closed;
  }

  #accept(socket: Socket): void {
    const { limits, metrics } = this.#edge;
    const address = socket.remoteAddress ?? '';
    const already = this.#perAddress.get(address) ?? 0;
    if (this.#connections.size >= limits.maxConnections || already >= limits.maxConnectionsPerAddress) {
      metrics.refusedConnections += 1;
      socket.on('error', () => socket.destroy());
      socket.destroy();
      return;
    }
    this.#perAddress.set(address, already + 1);
    metrics.connections += 1;
    const connection = new VisitorConnection(this.#edge, this.#entrance, socket);
    this.#connections.add(connection);
    socket.once('close', () => {
      this.#connections.delete(connection);
      metrics.connections -= 1;
      const left = (this.#perAddress.get(address) ?? 1) - 1;
      if (left > 0) this.#perAddress.set(address, left);
      else this.#perAddress.delete(address);
    });
  }

  #tick(): void {
    const now = performance.now();
    for (const connection of this.#connections) connection.tick(now);
  }
}
