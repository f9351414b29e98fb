import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { BrokerHeartbeat, EdgeHeartbeat } from '../shared/control/api.ts';
import { addressGroup, plainAddress } from '../shared/limits/address-group.ts';
import { RateLimiter } from '../shared/limits/rate-limiter.ts';
import { ok } from '../shared/result/result.ts';
import type { Result } from '../shared/result/result.ts';
import { TUNNEL_PATH } from '../shared/tunnel/protocol.ts';
import type { TunnelClaims } from '../shared/tunnel/protocol.ts';
import { ReceiveBudget } from '../shared/yamux/receive-budget.ts';
import { AddressLimits } from './address-limits.ts';
import type { Edge } from './edge.ts';
import { BrokerOptionsError } from './errors.ts';
import type { LocalResponse } from './entrance.ts';
import { Heartbeat } from './heartbeat.ts';
import { BrokerMetrics } from './metrics.ts';
import { limitsFor } from './options.ts';
import type { Broker, BrokerLimits, BrokerOptions } from './options.ts';
import { PeerEntrance } from './peer-entrance.ts';
import { ROUTES_PATH } from './peer-follower.ts';
import { PublicEntrance } from './public-entrance.ts';
import { Relay } from './relay.ts';
import { Revocations } from './revocations.ts';
import { StaticRouteDirectory } from './route-directory.ts';
import type { PeerState } from './route-directory.ts';
import { RouteFeed } from './route-feed.ts';
import { RoutingTable } from './routing-table.ts';
import { SessionRegistry } from './session-registry.ts';
import { SigningKeys } from './signing-keys.ts';
import type { Target } from './target.ts';
import { TrustedAddresses } from './trusted-addresses.ts';
import { TunnelListener } from './tunnel-listener.ts';
import { TunnelSession } from './tunnel-session.ts';
import { VisitorListener } from './visitor-listener.ts';
import { VisitorTls } from './visitor-tls.ts';

const NO_TARGETS: readonly Target[] = [];
const IDLE_POLL_MS = 20;
/** How long visitors have to answer the Close of a WebSocket. */
const GOODBYE_MS = 500;

/** Starts one broker process's worth of listeners. Rejects with `BrokerOptionsError` or the error of a listener. */
export async function startBroker(options: BrokerOptions): Promise<Broker> {
  checkOptions(options);
  const running = new RunningBroker(options);
  try {
    await running.start();
  } catch (error) {
    await running.close();
    throw error;
  }
  return running;
}

function checkOptions(options: BrokerOptions): void {
  const tunnel = options.roles.includes('tunnel');
  const secret = options.peerSecret !== undefined && options.peerSecret !== '';
  if (options.roles.length === 0) throw new BrokerOptionsError('roles: name "tunnel", "edge" or both');
  if (tunnel && options.tunnel === undefined)
    throw new BrokerOptionsError('tunnel: a broker with the role "tunnel" needs its listen address');
  if (tunnel && options.control === undefined && options.jwksFile === undefined)
    throw new BrokerOptionsError('control or jwksFile: a broker with the role "tunnel" needs signing keys');
  if ((options.peers?.length ?? 0) > 0 && !secret)
    throw new BrokerOptionsError('peerSecret: peers need a secret in common');
  if (options.public.proxyProtocol === true && (options.trust ?? []).length === 0)
    throw new BrokerOptionsError('proxyProtocol: say with trust which addresses may send PROXY headers');
}

class RunningBroker implements Broker, Edge {
  readonly id: string;
  readonly limits: BrokerLimits;
  readonly log: BrokerOptions['log'];
  readonly metrics: BrokerMetrics;
  readonly peerSecret: string | undefined;
  draining = false;
  addresses: Broker['addresses'] = { public: '' };
  readonly #options: BrokerOptions;
  readonly #trusted: TrustedAddresses;
  readonly #table = new RoutingTable();
  readonly #registry: SessionRegistry;
  readonly #keys: SigningKeys | undefined;
  readonly #revocations: Revocations | undefined;
  readonly #directory: StaticRouteDirectory | undefined;
  readonly #relay: Relay | undefined;
  readonly #feed: RouteFeed;
  #tls: VisitorTls | undefined;
  #public: VisitorListener | undefined;
  #peer: VisitorListener | undefined;
  #tunnel: TunnelListener | undefined;
  #heartbeats: Heartbeat[] = [];
  #closed: Promise<void> | undefined;
  readonly #startedAt = performance.now();

  constructor(options: BrokerOptions) {
    this.#options = options;
    this.#trusted = new TrustedAddresses(options.trust ?? []);
    this.id = options.id;
    this.limits = limitsFor(options);
    this.log = options.log.child({ broker: options.id });
    this.peerSecret = options.peerSecret;
    this.#registry = new SessionRegistry(this.#table, this.limits.maxSessions, this.log, (event) =>
      options.onEvent?.(event),
    );
    this.#feed = new RouteFeed(this.#table);
    const keyUrl = options.jwksFile === undefined ? options.control?.url : undefined;
    if (options.roles.includes('tunnel')) {
      this.#keys = new SigningKeys({
        issuer: options.issuer,
        log: this.log,
        ...(options.jwksFile === undefined ? {} : { file: options.jwksFile }),
        ...(keyUrl === undefined ? {} : { url: keyUrl }),
      });
    }
    if (options.roles.includes('tunnel') && options.control !== undefined) {
      const { url, brokerKey } = options.control;
      this.#revocations = new Revocations({
        url,
        key: brokerKey,
        log: this.log,
        onChange: () => this.#registry.recheck(),
      });
    }
    const peers = options.peers ?? [];
    if (options.roles.includes('edge') && peers.length > 0) {
      this.#directory = new StaticRouteDirectory(peers, options.peerSecret ?? '', this.log);
      this.#directory.onChange((peer, state) => this.#onPeer(peer, state));
      this.#relay = new Relay(this.#directory, this.limits);
    }
    this.metrics = new BrokerMetrics({
      sessions: () => this.#registry.live,
      hosts: () => this.#table.size,
      peers: () => this.#directory?.followed ?? 0,
      streams: () => this.#registry.streams,
    });
  }

  async start(): Promise<void> {
    const { options } = { options: this.#options };
    await Promise.all([this.#keys?.start(), this.#revocations?.start()]);
    const tls = await this.#startTls();
    const proto = tls !== undefined || options.publicUrl?.startsWith('https:') === true ? 'https' : 'http';
    const trusted = this.#trusted;
    const addresses = new AddressLimits(this.limits);
    this.#public = await VisitorListener.listen(this, new PublicEntrance({ proto, trusted, addresses }), {
      address: options.public,
      tls,
      trusted,
      proxyProtocol: options.public.proxyProtocol ?? false,
      addresses,
    });
    if (options.peer !== undefined)
      this.#peer = await VisitorListener.listen(this, this.#peerEntrance(), { address: options.peer });
    if (options.tunnel !== undefined && options.roles.includes('tunnel'))
      this.#tunnel = await this.#listenForTunnels(options.tunnel);
    this.addresses = this.#describe();
    await this.#register();
  }

  sessionsFor(host: string): readonly Target[] {
    return this.#table.sessionsFor(host);
  }

  peersFor(host: string): readonly Target[] {
    return this.#relay?.peersFor(host) ?? NO_TARGETS;
  }

  get relays(): boolean {
    return this.#options.roles.includes('edge');
  }

  wasServed(host: string): boolean {
    return this.#table.wasServed(host) || (this.#directory?.wasServed(host) ?? false) || this.#warmingUp();
  }

  #warmingUp(): boolean {
    return this.#tunnel !== undefined && performance.now() - this.#startedAt < this.limits.warmUpMs;
  }

  ready(): boolean {
    if (this.draining) return false;
    return this.#table.size > 0 || (this.#directory?.size ?? 0) > 0;
  }

  async drain(how: { readonly graceMs: number }): Promise<void> {
    if (this.draining) return;
    this.draining = true;
    const until = performance.now() + how.graceMs;
    await Promise.race([
      Promise.all(this.#heartbeats.map((heartbeat) => heartbeat.now())),
      sleep(Math.min(how.graceMs, 500), undefined, { ref: false }),
    ]);
    // Routes go first, so that edges send nothing new here while what runs may finish.
    this.#registry.leave(how.graceMs, 'the broker drains');
    this.#public?.drain();
    await this.#untilIdle(until);
    if (this.metrics.inFlight > 0) {
      this.#public?.sayRestart();
      this.#peer?.sayRestart();
      await this.#untilIdle(performance.now() + GOODBYE_MS);
    }
    await this.#registry.close(Math.max(0, until - performance.now()));
  }

  async #untilIdle(until: number): Promise<void> {
    while (this.metrics.inFlight > 0 && performance.now() < until) await sleep(IDLE_POLL_MS, undefined, { ref: false });
  }

  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    this.draining = true;
    for (const heartbeat of this.#heartbeats) heartbeat.stop();
    this.#keys?.stop();
    this.#revocations?.stop();
    this.#feed.close();
    this.#relay?.close();
    this.#directory?.close();
    this.#registry.stop();
    await Promise.all([this.#public?.close(), this.#peer?.close(), this.#tunnel?.close(), this.#tls?.stop()]);
  }

  async #startTls(): Promise<VisitorTls['front'] | undefined> {
    const { tls: files = [], acme, developmentCa } = this.#options.public;
    if (files.length === 0 && acme === undefined && developmentCa === undefined) return undefined;
    const handshakeTimeoutMs = this.limits.headTimeoutMs;
    this.#tls = await VisitorTls.start({ files, acme, developmentCa, handshakeTimeoutMs, log: this.log });
    return this.#tls.front;
  }

  #peerEntrance(): PeerEntrance {
    const text = (good: boolean, out: LocalResponse): void =>
      out.send(good ? 200 : 503, 'text/plain', good ? 'ok\n' : 'not ready\n');
    return new PeerEntrance({
      secret: this.peerSecret,
      open: new Map([
        ['/healthz', (out: LocalResponse) => text(true, out)],
        ['/readyz', (out: LocalResponse) => text(this.ready(), out)],
        ['/metrics', (out: LocalResponse) => this.#sendMetrics(out)],
      ]),
      guarded: new Map([[ROUTES_PATH, (out: LocalResponse) => this.#feed.follow(out)]]),
    });
  }

  #sendMetrics(out: LocalResponse): void {
    this.metrics.registry.metrics().then(
      (text) => out.send(200, this.metrics.registry.contentType, text),
      (error: unknown) => {
        this.log.error({ err: error }, 'metrics failed');
        out.send(500, 'text/plain', 'metrics failed\n');
      },
    );
  }

  #listenForTunnels(options: NonNullable<BrokerOptions['tunnel']>): Promise<TunnelListener> {
    const remaining = (claims: TunnelClaims): Result<TunnelClaims> => this.#revocations?.check(claims) ?? ok(claims);
    const checkToken = async (token: string): Promise<Result<TunnelClaims>> => {
      const keys = this.#keys ?? new SigningKeys({ issuer: this.#options.issuer, log: this.log });
      const checked = await keys.check(token);
      return checked.ok ? remaining(checked.value) : checked;
    };
    const dials = new RateLimiter({
      perSecond: this.limits.handshakesPerSecond,
      burst: this.limits.handshakeBurst,
    });
    const owner = {
      broker: this.id,
      region: this.#options.region,
      limits: this.limits,
      receiveBudget: new ReceiveBudget(this.limits.receiveBudgetBytes),
      log: this.log,
      checkToken,
      remaining,
      onHello: (session: TunnelSession) => this.#registry.greet(session),
      hasOtherWay: (session: TunnelSession) => this.#table.hasOtherWay(session),
      onHosts: (session: TunnelSession) => this.#registry.hostsChanged(session),
      onClosed: (session: TunnelSession, reason: string) => this.#registry.remove(session, reason),
    };
    return TunnelListener.listen(
      {
        log: this.log,
        maxMessageBytes: this.limits.tunnelMaxMessageBytes,
        checkToken,
        refusal: ({ sub }) =>
          this.draining
            ? 'broker.draining'
            : this.#registry.size >= this.limits.maxSessions || this.#registry.hasAll(sub)
              ? 'broker.too-many-sessions'
              : undefined,
        connections: new AddressLimits(this.limits),
        mayDial: (address) => dials.take(addressGroup(plainAddress(address)), performance.now()) === 0,
        onTunnel: (channel, claims, address) => this.#registry.add(new TunnelSession(owner, channel, claims, address)),
        healthy: () => true,
        ready: () => this.ready(),
      },
      options,
    );
  }

  #describe(): Broker['addresses'] {
    const tunnel = this.#tunnel?.address;
    const scheme = this.#tunnel?.secure === true ? 'wss' : 'ws';
    return {
      public: this.#public === undefined ? '' : joinAddress(this.#public.address),
      ...(this.#peer === undefined ? {} : { peer: joinAddress(this.#peer.address) }),
      ...(tunnel === undefined
        ? {}
        : {
            tunnel: joinAddress(tunnel),
            tunnelUrl: this.#options.tunnelUrl ?? `${scheme}://${joinAddress(tunnel)}${TUNNEL_PATH}`,
          }),
    };
  }

  async #register(): Promise<void> {
    const { control, roles, publicUrl } = this.#options;
    if (control === undefined) return;
    const { addresses, id } = this;
    const add = (path: string, body: () => BrokerHeartbeat | EdgeHeartbeat): void => {
      this.#heartbeats.push(new Heartbeat({ url: control.url, key: control.brokerKey, path, log: this.log, body }));
    };
    if (roles.includes('tunnel') && addresses.tunnelUrl !== undefined) {
      const tunnel = addresses.tunnelUrl;
      add(`/v1/brokers/${encodeURIComponent(id)}`, () => ({
        region: this.#options.region,
        tunnel,
        address: addresses.public,
        sessions: this.#registry.live,
        draining: this.draining,
        ...(addresses.peer === undefined ? {} : { peer: addresses.peer }),
      }));
    }
    // Where hosts are reached is said by a pure edge, or by whoever was told a URL.
    const port = this.#public?.address.port ?? 0;
    if (roles.includes('edge') && (!roles.includes('tunnel') || publicUrl !== undefined)) {
      const scheme = this.#public?.secure === true ? 'https' : 'http';
      add(`/v1/edges/${encodeURIComponent(id)}`, () => ({ publicUrl: publicUrl ?? `${scheme}://{host}:${port}/` }));
    }
    await Promise.all(this.#heartbeats.map((heartbeat) => heartbeat.start()));
  }

  #onPeer(peer: string, state: PeerState): void {
    if (state === 'up') this.#options.onEvent?.({ type: 'peer-up', peer, hosts: this.#directory?.size ?? 0 });
    else if (state === 'down') this.#options.onEvent?.({ type: 'peer-down', peer, reason: 'its connection ended' });
  }
}

function joinAddress(address: AddressInfo): string {
  return address.family === 'IPv6' ? `[${address.address}]:${address.port}` : `${address.address}:${address.port}`;
}
