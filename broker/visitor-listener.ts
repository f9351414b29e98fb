import { createServer } from 'node:net';
import type { AddressInfo, Server, Socket } from 'node:net';
import { plainAddress } from './connection-facts.ts';
import type { ConnectionFacts } from './connection-facts.ts';
import type { Edge } from './edge.ts';
import type { Entrance } from './entrance.ts';
import { Http2Connection } from './http2-connection.ts';
import type { ListenOptions } from './options.ts';
import type { TlsFront } from './tls-front.ts';
import { VisitorConnection } from './visitor-connection.ts';

/** How exact the time limits are. */
const TICK_MS = 250;

/** A connection with requests on it. */
interface Visitor {
  /** Checks the time limits. */
  tick(now: number): void;
  /** Ends at once when idle, else after the answers that run. */
  drain(): void;
  /** WebSockets are told that the broker restarts. */
  sayRestart(): void;
}

export interface VisitorListenerOptions {
  readonly address: ListenOptions;
  readonly tls?: TlsFront | undefined;
}

/** A TCP listener for HTTP/1.1, and HTTP/2 over TLS, with limits on connections; one timer keeps its time limits. */
export class VisitorListener {
  readonly #edge: Edge;
  readonly #entrance: Entrance;
  readonly #tls: TlsFront | undefined;
  readonly #server: Server;
  /** Accepted sockets; without a visitor until it is known what they speak. */
  readonly #sockets = new Map<Socket, Visitor | undefined>();
  readonly #perAddress = new Map<string, number>();
  #timer: NodeJS.Timeout | undefined;

  private constructor(edge: Edge, entrance: Entrance, options: VisitorListenerOptions) {
    this.#edge = edge;
    this.#entrance = entrance;
    this.#tls = options.tls;
    this.#server = createServer({ noDelay: true, allowHalfOpen: true }, (socket) => this.#accept(socket));
  }

  /** Rejects when the address cannot be bound. */
  static async listen(edge: Edge, entrance: Entrance, options: VisitorListenerOptions): Promise<VisitorListener> {
    const listener = new VisitorListener(edge, entrance, options);
    const { host, port } = options.address;
    await new Promise<void>((resolve, reject) => {
      listener.#server.once('error', reject);
      listener.#server.listen({ host, port, backlog: 1024 }, () => {
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

  get secure(): boolean {
    return this.#tls !== undefined;
  }

  /** Takes no new connections; idle ones end now, others after their answer. */
  drain(): void {
    this.#server.close();
    for (const [socket, visitor] of this.#sockets) {
      if (visitor === undefined) socket.destroy();
      else visitor.drain();
    }
  }

  sayRestart(): void {
    for (const visitor of this.#sockets.values()) visitor?.sayRestart();
  }

  get size(): number {
    return this.#sockets.size;
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    const closed = new Promise<void>((resolve) => {
      if (this.#server.listening) this.#server.close(() => resolve());
      else resolve();
    });
    for (const socket of this.#sockets.keys()) socket.destroy();
    await closed;
  }

  #accept(socket: Socket): void {
    const { limits, metrics } = this.#edge;
    const address = plainAddress(socket.remoteAddress);
    const already = this.#perAddress.get(address) ?? 0;
    if (this.#sockets.size >= limits.maxConnections || already >= limits.maxConnectionsPerAddress) {
      metrics.refusedConnections += 1;
      socket.on('error', () => socket.destroy());
      socket.destroy();
      return;
    }
    this.#perAddress.set(address, already + 1);
    metrics.connections += 1;
    this.#sockets.set(socket, undefined);
    socket.once('close', () => {
      this.#sockets.delete(socket);
      metrics.connections -= 1;
      const left = (this.#perAddress.get(address) ?? 1) - 1;
      if (left > 0) this.#perAddress.set(address, left);
      else this.#perAddress.delete(address);
    });
    this.#open(socket, {
      remoteAddress: address,
      localPort: socket.localPort ?? 0,
      secure: false,
      serverName: undefined,
    });
  }

  #open(socket: Socket, facts: ConnectionFacts): void {
    const { log } = this.#edge;
    if (this.#tls === undefined) {
      this.#serve(socket, new VisitorConnection(this.#edge, this.#entrance, socket, facts, () => reset(socket)));
      return;
    }
    socket.on('error', (error) => log.trace({ err: error }, 'connection failed'));
    this.#tls.handshake(socket, (secured) => {
      const known = { ...facts, secure: true, serverName: secured.serverName };
      const visitor =
        secured.protocol === 'h2'
          ? new Http2Connection(this.#edge, this.#entrance, secured.socket, known)
          : new VisitorConnection(this.#edge, this.#entrance, secured.socket, known, () => reset(socket));
      this.#serve(socket, visitor);
    });
  }

  #serve(socket: Socket, visitor: Visitor): void {
    if (!this.#sockets.has(socket)) return;
    this.#sockets.set(socket, visitor);
    if (this.#edge.draining) visitor.drain();
  }

  #tick(): void {
    const now = performance.now();
    for (const visitor of this.#sockets.values()) visitor?.tick(now);
  }
}

/** Also below TLS: an end without a reset could pass for the end of a response. */
function reset(socket: Socket): void {
  if (!socket.destroyed) socket.resetAndDestroy();
}
