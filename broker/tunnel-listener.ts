import { createServer as createHttpServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { Logger } from 'pino';
import { addressGroup, plainAddress } from '../shared/limits/address-group.ts';
import { listHas } from '../shared/http1/header-list.ts';
import { TUNNEL_PATH, TUNNEL_SUBPROTOCOL } from '../shared/tunnel/protocol.ts';
import type { TunnelClaims } from '../shared/tunnel/protocol.ts';
import type { Result } from '../shared/result/result.ts';
import { checkUpgradeRequest, upgradeAnswer } from '../shared/websocket/handshake.ts';
import { RawWebSocketChannel } from '../shared/websocket/web-socket-channel.ts';
import type { ByteChannel } from '../shared/yamux/types.ts';
import type { AddressLimits } from './address-limits.ts';
import { brokerError } from './errors.ts';
import type { BrokerErrorCode } from './errors.ts';
import type { BrokerOptions } from './options.ts';
import { ownAnswer } from './own-answer.ts';

const MAX_TOKEN_BYTES = 8 * 1024;
const HEAD_TIMEOUT_MS = 10_000;
/** What somebody who is refused has to read the answer and to end the connection. */
const GOODBYE_MS = 2_000;

export interface TunnelListenerOwner {
  readonly log: Logger;
  readonly maxMessageBytes: number;
  checkToken(token: string): Promise<Result<TunnelClaims>>;
  /** Why no session is taken now, of this agent or of any. */
  refusal(claims: TunnelClaims): BrokerErrorCode | undefined;
  /** What one address may have open, tunnels included. */
  readonly connections: AddressLimits;
  /** False: this address dials too often. */
  mayDial(remoteAddress: string): boolean;
  onTunnel(channel: ByteChannel, claims: TunnelClaims, remoteAddress: string): void;
  healthy(): boolean;
  ready(): boolean;
}

/** Where agents dial: `GET /tunnel` with a token becomes a WebSocket; `/healthz` and `/readyz` for those who watch. */
export class TunnelListener {
  readonly #owner: TunnelListenerOwner;
  readonly #server: Server;
  /** The sockets under the WebSockets, and of those who ask for one. */
  readonly #sockets = new Set<Duplex>();
  readonly secure: boolean;

  private constructor(owner: TunnelListenerOwner, tls: { readonly cert: string; readonly key: string } | undefined) {
    this.#owner = owner;
    this.secure = tls !== undefined;
    const settings = {
      headersTimeout: HEAD_TIMEOUT_MS,
      requestTimeout: HEAD_TIMEOUT_MS,
      connectionsCheckingInterval: HEAD_TIMEOUT_MS / 4,
      keepAliveTimeout: 5_000,
      maxHeaderSize: 16 * 1024,
    };
    this.#server =
      tls === undefined
        ? createHttpServer(settings)
        : createHttpsServer({ ...settings, cert: tls.cert, key: tls.key, minVersion: 'TLSv1.2' });
    this.#server.on('connection', (socket: Socket) => {
      const group = addressGroup(plainAddress(socket.remoteAddress));
      if (owner.connections.connect(group)) socket.once('close', () => owner.connections.disconnect(group));
      else socket.destroy();
    });
    this.#server.on('request', (request, response) => this.#onRequest(request, response));
    this.#server.on('upgrade', (request, socket, head) => {
      // Node has taken its own listeners and time limits off, also of those who are refused.
      socket.on('error', (error) => owner.log.debug({ err: error }, 'tunnel connection failed'));
      this.#sockets.add(socket);
      socket.once('close', () => this.#sockets.delete(socket));
      void this.#onUpgrade(request, socket, head);
    });
    this.#server.on('clientError', (error, socket) => {
      owner.log.debug({ err: error }, 'bad request at the tunnel listener');
      socket.destroy();
    });
  }

  static async listen(
    owner: TunnelListenerOwner,
    options: NonNullable<BrokerOptions['tunnel']>,
  ): Promise<TunnelListener> {
    const listener = new TunnelListener(owner, options.tls);
    await new Promise<void>((resolve, reject) => {
      listener.#server.once('error', reject);
      listener.#server.listen(options.port, options.host, () => {
        listener.#server.off('error', reject);
        resolve();
      });
    });
    listener.#server.on('error', (error) => owner.log.error({ err: error }, 'tunnel listener failed'));
    return listener;
  }

  get address(): AddressInfo {
    const address = this.#server.address();
    if (address === null || typeof address === 'string') throw new Error('the listener is closed');
    return address;
  }

  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => {
      this.#server.close(() => resolve());
    });
    this.#server.closeAllConnections();
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }

  #onRequest(request: IncomingMessage, response: ServerResponse): void {
    const path = request.url?.split('?')[0];
    if (path === TUNNEL_PATH) {
      problem(response, 'broker.upgrade-required', {
        upgrade: 'websocket',
        'sec-websocket-protocol': TUNNEL_SUBPROTOCOL,
      });
      return;
    }
    const good = path === '/healthz' ? this.#owner.healthy() : path === '/readyz' ? this.#owner.ready() : undefined;
    if (good === undefined || (request.method !== 'GET' && request.method !== 'HEAD'))
      problem(response, 'broker.not-found', {});
    else
      response
        .writeHead(good ? 200 : 503, { 'content-type': 'text/plain', 'cache-control': 'no-store' })
        .end(good ? 'ok\n' : 'not ready\n');
  }

  async #onUpgrade(request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
    const refuse = (code: BrokerErrorCode, detail?: string): void => {
      this.#owner.log.info({ code, detail }, 'tunnel refused');
      socket.end(ownAnswer({ code, detail, close: true }));
      // What still comes is dropped, so that no reset overtakes the answer.
      socket.resume();
      const goodbye = setTimeout(() => socket.destroy(), GOODBYE_MS);
      socket.once('close', () => clearTimeout(goodbye));
    };
    if (request.url?.split('?')[0] !== TUNNEL_PATH) {
      refuse('broker.not-found');
      return;
    }
    if (!listHas(request.headers['sec-websocket-protocol'] ?? '', TUNNEL_SUBPROTOCOL)) {
      refuse('broker.upgrade-required');
      return;
    }
    const handshake = checkUpgradeRequest(request);
    if (!handshake.ok) {
      const isVersion = handshake.error.code === 'websocket-bad-version';
      refuse(isVersion ? 'broker.upgrade-required' : 'broker.bad-request', `${handshake.error.message}.`);
      return;
    }
    const remoteAddress = request.socket.remoteAddress ?? '';
    // Before the token: checking a signature costs more than anything else here.
    if (!this.#owner.mayDial(remoteAddress)) {
      refuse('broker.too-many-dials');
      return;
    }
    const authorization = request.headers.authorization ?? '';
    if (!authorization.toLowerCase().startsWith('bearer ') || authorization.length > MAX_TOKEN_BYTES) {
      refuse('broker.unauthorized', 'The bearer token is missing.');
      return;
    }
    const checked = await this.#owner.checkToken(authorization.slice(7));
    if (socket.destroyed) return;
    if (!checked.ok) {
      refuse(asCode(checked.error.code), `${checked.error.message}.`);
      return;
    }
    const refusal = this.#owner.refusal(checked.value);
    if (refusal !== undefined) {
      refuse(refusal);
      return;
    }
    socket.write(upgradeAnswer(handshake.value, TUNNEL_SUBPROTOCOL));
    const channel = new RawWebSocketChannel(socket, {
      role: 'server',
      head,
      maxMessageBytes: this.#owner.maxMessageBytes,
    });
    try {
      this.#owner.onTunnel(channel, checked.value, remoteAddress);
    } catch (error) {
      this.#owner.log.warn({ err: error }, 'tunnel ended while it was taken');
      socket.destroy();
    }
  }
}

function asCode(code: string): BrokerErrorCode {
  if (code === 'broker.keys-missing' || code === 'broker.forbidden') return code;
  return 'broker.unauthorized';
}

function problem(response: ServerResponse, code: BrokerErrorCode, headers: Record<string, string>): void {
  const entry = brokerError(code);
  const body = JSON.stringify({
    type: 'about:blank',
    title: entry.title,
    status: entry.status,
    detail: entry.hint,
    code,
  });
  response
    .writeHead(entry.status, { ...headers, 'content-type': 'application/problem+json', connection: 'close' })
    .end(body);
}
