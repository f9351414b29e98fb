import { createServer } from 'node:net';
import type { AddressInfo, Server, Socket } from 'node:net';
import { Bag, type Bagged } from '../shared/bag.ts';
import { addressGroup, plainAddress } from '../shared/limits/address-group.ts';
import type { AddressLimits } from './address-limits.ts';
import type { ConnectionFacts } from './connection-facts.ts';
import type { Edge } from './edge.ts';
import type { Entrance } from './entrance.ts';
import type { BrokerErrorCode } from './errors.ts';
import { Http2Connection } from './http2-connection.ts';
import { KernelQueues } from './kernel-queues.ts';
import type { ListenOptions } from './options.ts';
import { ProxyHeaderWait } from './proxy-header-wait.ts';
import { RefusedConnection } from './refused-connection.ts';
import type { TlsFront } from './tls-front.ts';
import { TrustedAddresses } from './trusted-addresses.ts';
import { VisitorConnection } from './visitor-connection.ts';

/** How exact the time limits are. */
const TICK_MS = 250;
/** Refused connections that are told why, at a time; others are just closed. */
const MAX_GOODBYES = 256;

/** A connection with requests on it. */
interface Visitor {
  /** Checks the time limits. */
  tick(now: number): void;
  /** Ends at once when idle, else after the answers that run. */
  drain(): void;
  /** WebSockets are told that the broker restarts. */
  sayRestart(): void;
  /** What the kernel holds of the bytes for this one, when that is much and its memory scarce; else 0. */
  unread?(bytes: number, now: number): void;
}

/** An accepted socket; without a visitor until it is known what it speaks. */
interface OpenConnection extends Bagged {
  readonly socket: Socket;
  visitor: Visitor | undefined;
}

export interface VisitorListenerOptions {
  readonly address: ListenOptions;
  readonly tls?: TlsFront | undefined;
  /** Our proxies; nobody without it. */
  readonly trusted?: TrustedAddresses;
  /** Connections of trusted addresses begin with a PROXY header. */
  readonly proxyProtocol?: boolean;
  /** What one address may use; without it only the total is bounded. */
  readonly addresses?: AddressLimits;
  /** Of the machine, when absent. */
  readonly queues?: KernelQueues;
}

/** A TCP listener for HTTP/1.1, and HTTP/2 over TLS, with limits on connections; one timer keeps its time limits. */
export class VisitorListener {
  readonly #edge: Edge;
  readonly #entrance: Entrance;
  readonly #tls: TlsFront | undefined;
  readonly #server: Server;
  readonly #connections = new Bag<OpenConnection>();
  readonly #trusted: TrustedAddresses;
  readonly #proxyProtocol: boolean;
  readonly #addresses: AddressLimits | undefined;
  readonly #queues: KernelQueues;
  /** Visitors were told of unread bytes. */
  #isScarce = false;
  #goodbyes = 0;
  #isDraining = false;
  #port = 0;
  #timer: NodeJS.Timeout | undefined;

  private constructor(edge: Edge, entrance: Entrance, options: VisitorListenerOptions) {
    this.#edge = edge;
    this.#entrance = entrance;
    this.#tls = options.tls;
    this.#trusted = options.trusted ?? new TrustedAddresses([]);
    this.#proxyProtocol = options.proxyProtocol ?? false;
    this.#addresses = options.addresses;
    this.#queues = options.queues ?? new KernelQueues();
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
    listener.#port = listener.address.port;
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
    this.#isDraining = true;
    this.#server.close();
    for (const { socket, visitor } of this.#connections) {
      if (visitor === undefined) socket.destroy();
      else visitor.drain();
    }
  }

  sayRestart(): void {
    for (const { visitor } of this.#connections) visitor?.sayRestart();
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
    for (const { socket } of this.#connections) socket.destroy();
    await closed;
  }

  #accept(socket: Socket): void {
    const { limits, log, metrics } = this.#edge;
    if (this.#connections.size >= limits.maxConnections) {
      metrics.refusedConnections += 1;
      socket.on('error', () => socket.destroy());
      socket.destroy();
      return;
    }
    metrics.connections += 1;
    const connection: OpenConnection = { socket, visitor: undefined, place: -1 };
    this.#connections.add(connection);
    socket.once('close', () => {
      this.#connections.delete(connection);
      metrics.connections -= 1;
    });
    const address = plainAddress(socket.remoteAddress);
    const port = socket.localPort ?? 0;
    if (!this.#proxyProtocol || !this.#trusted.has(address)) {
      this.#admit(connection, address, port);
      return;
    }
    const wait = new ProxyHeaderWait(socket, {
      timeoutMs: limits.headTimeoutMs,
      onHeader: ({ source, destinationPort }) => {
        connection.visitor = undefined;
        this.#admit(connection, source?.address ?? address, destinationPort ?? port);
        if (this.#tls === undefined) socket.resume();
      },
      onRefused: (reason) => {
        metrics.refusedConnections += 1;
        log.debug({ proxy: address, reason }, 'connection refused');
      },
    });
    connection.visitor = wait;
  }

  #admit(connection: OpenConnection, remoteAddress: string, localPort: number): void {
    const { socket } = connection;
    const group = addressGroup(remoteAddress);
    const trusted = this.#trusted.has(remoteAddress);
    const addresses = trusted ? undefined : this.#addresses;
    if (addresses !== undefined && !addresses.connect(group)) {
      this.#refuse(connection);
      return;
    }
    if (addresses !== undefined) socket.once('close', () => addresses.disconnect(group));
    if (this.#tls !== undefined && addresses?.mayHandshake(group) === false) {
      this.#refuse(connection);
      return;
    }
    this.#begin(connection, { remoteAddress, group, trusted, localPort, secure: false, serverName: undefined });
  }

  /** Before a handshake there is no way to say why. */
  #refuse(connection: OpenConnection): void {
    this.#edge.metrics.refusedConnections += 1;
    if (this.#tls === undefined) this.#sayGoodbye(connection, 'broker.too-many-connections');
    else discard(connection.socket);
  }

  #sayGoodbye(connection: OpenConnection, code: BrokerErrorCode): void {
    const { socket } = connection;
    if (this.#goodbyes >= MAX_GOODBYES) {
      discard(socket);
      return;
    }
    this.#goodbyes += 1;
    socket.once('close', () => {
      this.#goodbyes -= 1;
    });
    connection.visitor = new RefusedConnection(socket, code);
  }

  #begin(connection: OpenConnection, facts: ConnectionFacts): void {
    const { log } = this.#edge;
    const { socket } = connection;
    if (this.#tls === undefined) {
      this.#serve(connection, new VisitorConnection(this.#edge, this.#entrance, socket, facts));
      return;
    }
    socket.on('error', (error) => log.trace({ err: error }, 'connection failed'));
    this.#tls.handshake(socket, {
      onSecure: (secured) => {
        const { serverName, tls } = secured;
        const known: ConnectionFacts = { ...facts, secure: true, serverName, tls };
        const visitor =
          secured.protocol === 'h2'
            ? new Http2Connection(this.#edge, this.#entrance, secured.socket, { ...known, httpVersion: '2.0' })
            : new VisitorConnection(this.#edge, this.#entrance, secured.socket, known, socket);
        this.#serve(connection, visitor);
      },
      onPlainHttp: () => this.#sayGoodbye(connection, 'broker.plain-http'),
    });
  }

  #serve(connection: OpenConnection, visitor: Visitor): void {
    if (!this.#connections.has(connection)) return;
    connection.visitor = visitor;
    if (this.#isDraining) visitor.drain();
  }

  #tick(): void {
    const now = performance.now();
    for (const { visitor } of this.#connections) visitor?.tick(now);
    if (this.#connections.size > 0) void this.#lookAtReaders(now);
  }

  async #lookAtReaders(now: number): Promise<void> {
    const queues = await this.#queues.look(this.#port, now);
    if (queues === undefined || (queues.size === 0 && !this.#isScarce)) return;
    this.#isScarce = queues.size > 0;
    const at = performance.now();
    for (const { socket, visitor } of this.#connections) {
      visitor?.unread?.(queues.get(`${plainAddress(socket.remoteAddress)}:${socket.remotePort}`) ?? 0, at);
    }
  }
}

function discard(socket: Socket): void {
  socket.on('error', () => socket.destroy());
  socket.destroy();
}
