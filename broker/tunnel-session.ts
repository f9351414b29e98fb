import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from 'pino';
import type { Result } from '../shared/result/result.ts';
import type { AgentMessage, TunnelClaims } from '../shared/tunnel/protocol.ts';
import { YamuxError } from '../shared/yamux/errors.ts';
import type { ReceiveBudget } from '../shared/yamux/receive-budget.ts';
import { OWN_PEER_SHARE_BYTES } from '../shared/yamux/limits.ts';
import { Session } from '../shared/yamux/session.ts';
import type { ByteChannel } from '../shared/yamux/types.ts';
import { version } from '../shared/version.ts';
import { ControlStream } from './control-stream.ts';
import { Target } from './target.ts';
import type { TargetLimits } from './target.ts';
import type { Wire } from './wire.ts';

const HELLO_TIMEOUT_MS = 5_000;
/** Pings that a session may miss which is the only way to its hosts: its agent may lack a processor, not a connection. */
const LAST_WAY_MISSES = 6;
/** The agent tells its load every 5 s, when it has changed. */
const LOAD_HOLDS_MS = 10_000;
/** `setTimeout` takes no more than this. */
const MAX_TIMER_MS = 2 ** 31 - 1;

export interface TunnelSessionOwner {
  readonly broker: string;
  readonly region: string;
  readonly limits: TargetLimits & { readonly pingIntervalMs: number; readonly pingTimeoutMs: number };
  /** Shared by all sessions of the broker. */
  readonly receiveBudget: ReceiveBudget;
  readonly log: Logger;
  checkToken(token: string): Promise<Result<TunnelClaims>>;
  /** What is left of the claims after revocation. */
  remaining(claims: TunnelClaims): Result<TunnelClaims>;
  /** The hello has come: the session may be used; false when a newer one of this agent is there. */
  onHello(session: TunnelSession): boolean;
  /** Whether each host of the session has another one that answers. */
  hasOtherWay(session: TunnelSession): boolean;
  /** The hosts that it serves have changed. */
  onHosts(session: TunnelSession): void;
  onClosed(session: TunnelSession, reason: string): void;
}

/** One agent's tunnel to this broker: the yamux session, its control stream, and what its token allows. */
export class TunnelSession extends Target {
  readonly kind = 'session';
  readonly id = randomUUID();
  generation = 0;
  readonly remoteAddress: string;
  readonly #owner: TunnelSessionOwner;
  readonly #session: Session;
  readonly #control: ControlStream;
  readonly #log: Logger;
  #claims: TunnelClaims;
  #helloHosts: readonly string[] = [];
  #hosts: ReadonlySet<string> = new Set();
  #load = { inFlight: 0, at: -Infinity };
  #state: 'greeting' | 'live' | 'leaving' | 'closed' = 'greeting';
  #reason: string | undefined;
  #expiry: NodeJS.Timeout | undefined;
  #helloTimer: NodeJS.Timeout | undefined;

  constructor(owner: TunnelSessionOwner, channel: ByteChannel, claims: TunnelClaims, remoteAddress = '') {
    super(owner.limits);
    this.remoteAddress = remoteAddress;
    this.#owner = owner;
    this.#claims = claims;
    this.#log = owner.log.child({ agent: claims.sub, session: this.id });
    this.#session = new Session(channel, {
      role: 'server',
      flushAfter: 'poll',
      budget: owner.receiveBudget,
      limits: { untakenShareBytes: OWN_PEER_SHARE_BYTES },
      keepAlive: { intervalMs: owner.limits.pingIntervalMs, missMs: owner.limits.pingTimeoutMs },
      onSuspect: (suspect) => this.#onSuspect(suspect),
      onSilent: (silentMs) =>
        silentMs >= LAST_WAY_MISSES * owner.limits.pingTimeoutMs || this.#state !== 'live' || owner.hasOtherWay(this),
      onGoAway: () => this.#onGoAway(),
      onClosed: (error) => this.#onSessionClosed(error),
    });
    this.#control = new ControlStream(this.#session.open(), {
      onMessage: (message) => this.#onMessage(message),
      onEnded: (reason) => this.end(reason),
    });
    this.#control.send({ type: 'hello', broker: owner.broker, region: owner.region, session: this.id, version });
    this.#helloTimer = setTimeout(() => this.end('the agent sent no hello'), HELLO_TIMEOUT_MS);
    this.#armExpiry();
  }

  get name(): string {
    return `${this.agent}/${this.id}`;
  }

  get agent(): string {
    return this.#claims.sub;
  }

  /** `jti`. */
  get tokenId(): string {
    return this.#claims.jti;
  }

  get hosts(): ReadonlySet<string> {
    return this.#hosts;
  }

  get live(): boolean {
    return this.#state === 'live';
  }

  get streams(): number {
    return this.#session.streams;
  }

  get usable(): boolean {
    return this.#state === 'live' && !this.#session.suspect && this.#session.canOpen;
  }

  get lastResort(): boolean {
    return this.#state === 'live' && this.#session.canOpen;
  }

  /** More streams than the agent has accepted yet, as when the requests of a session that died come all at once. */
  get crowded(): boolean {
    return this.#state === 'live' && !this.#session.suspect && !this.#session.canOpen;
  }

  open(): Wire {
    return this.#session.open();
  }

  neverDelivered(wire: Wire, error: Error | undefined): boolean {
    return !wire.accepted && error instanceof YamuxError && error.code === 'yamux-stream-refused';
  }

  /** Takes no new requests; those that run may finish until the grace is over. The agent is told to dial elsewhere. */
  leave(graceMs: number, reason: string): void {
    if (this.#state === 'closed' || this.#state === 'leaving') return;
    this.#control.send({ type: 'drain', graceMs, reason });
    this.#setHosts(new Set());
    this.#state = 'leaving';
    this.#reason = reason;
    this.sweepIdle(0, true);
    this.#session.goAway();
  }

  /** Waits for running requests for at most the grace, then ends the session in order. */
  async close(graceMs: number): Promise<void> {
    if (this.#state !== 'closed') this.#state = 'leaving';
    const timeout = new AbortController();
    await Promise.race([
      this.idle(),
      this.#session.closed,
      sleep(graceMs, undefined, { signal: timeout.signal, ref: false }).catch(() => undefined),
    ]);
    timeout.abort();
    await this.#session.close(0);
  }

  /** Tells the agent why, and ends it at once. */
  dismiss(reason: string): void {
    this.leave(0, reason);
    void this.close(0);
  }

  /** Asks the agent to move this session to another broker. */
  askToMove(reason: string): void {
    this.#control.send({ type: 'rebalance', reason });
  }

  /** Something was revoked: what this session has no right to any more ends. */
  recheck(): void {
    const left = this.#owner.remaining(this.#claims);
    if (!left.ok) {
      this.dismiss(left.error.message);
      return;
    }
    if (left.value.hosts.length === this.#claims.hosts.length) return;
    this.#claims = left.value;
    const allowed = new Set(left.value.hosts);
    if (this.#state === 'live')
      this.#applyHosts(new Set([...this.#hosts].filter((host) => allowed.has(host))), 'it was given back or revoked');
    this.endRunning((host) => !allowed.has(host));
  }

  /** A clock that was set forward makes no timer fire. */
  checkExpiry(now: number): void {
    if (now >= this.#claims.exp * 1000) this.dismiss('the token has expired');
  }

  /** Requests that reach the agent over other brokers count as well. */
  override cost(now: number): number {
    const fresh = now - this.#load.at < LOAD_HOLDS_MS;
    const elsewhere = fresh ? Math.max(0, this.#load.inFlight - this.inFlight) : 0;
    return (super.cost(now) * (this.inFlight + elsewhere + 1)) / (this.inFlight + 1);
  }

  /** Ends it now. */
  end(reason: string): void {
    if (this.#state === 'closed') return;
    this.#reason ??= reason;
    this.#session.destroy();
  }

  #onMessage(message: AgentMessage): void {
    switch (message.type) {
      case 'hello':
        clearTimeout(this.#helloTimer);
        this.generation = message.generation;
        this.#helloHosts = message.hosts;
        if (this.#state === 'greeting') {
          if (!this.#owner.onHello(this)) return;
          this.#state = 'live';
        }
        if (this.#state !== 'live') return;
        this.#applyHosts(new Set(message.hosts.filter((host) => this.#claims.hosts.includes(host))));
        for (const host of message.hosts)
          if (!this.#claims.hosts.includes(host))
            this.#control.send({ type: 'host-removed', host, reason: 'the token does not allow it' });
        return;
      case 'renew':
        void this.#renew(message.token);
        return;
      case 'load':
        this.#load = { inFlight: message.inFlight, at: performance.now() };
        return;
      default:
    }
  }

  async #renew(token: string): Promise<void> {
    const checked = await this.#owner.checkToken(token);
    if (this.#state === 'closed') return;
    if (!checked.ok || checked.value.sub !== this.#claims.sub) {
      this.#log.warn({ code: checked.ok ? 'broker.forbidden' : checked.error.code }, 'token for renewal refused');
      return;
    }
    const before = new Set(this.#claims.hosts);
    this.#claims = checked.value;
    this.#armExpiry();
    // The lease of a host may have ended while others of the agent go on: nothing that runs for it outlives the old token.
    const allowed = new Set(checked.value.hosts);
    this.endRunning((host) => !allowed.has(host));
    if (this.#state !== 'live') return;
    // A lease that grew brings hosts that the hello could not name.
    const wanted = checked.value.hosts.filter(
      (host) => this.#helloHosts.includes(host) || !before.has(host) || this.#hosts.has(host),
    );
    this.#applyHosts(new Set(wanted));
  }

  #applyHosts(hosts: ReadonlySet<string>, reason = 'no longer in the token or the hello'): void {
    const before = this.#hosts;
    this.#setHosts(hosts);
    for (const host of hosts) if (!before.has(host)) this.#control.send({ type: 'host-added', host });
    for (const host of before) if (!hosts.has(host)) this.#control.send({ type: 'host-removed', host, reason });
  }

  #setHosts(hosts: ReadonlySet<string>): void {
    this.#hosts = hosts;
    this.#owner.onHosts(this);
  }

  /** Set again when the time is longer than a timer can be. */
  #armExpiry(): void {
    clearTimeout(this.#expiry);
    const leftMs = this.#claims.exp * 1000 - Date.now();
    if (leftMs <= 0) {
      this.dismiss('the token has expired');
      return;
    }
    this.#expiry = setTimeout(() => this.#armExpiry(), Math.min(leftMs, MAX_TIMER_MS));
    this.#expiry.unref();
  }

  #onSuspect(suspect: boolean): void {
    this.#log.debug({ suspect }, 'session missed a ping, or answered again');
    if (suspect) this.tellSuspect();
  }

  /** The agent goes away: requests that run may finish. */
  #onGoAway(): void {
    if (this.#state !== 'live') return;
    this.#setHosts(new Set());
    this.#state = 'leaving';
    this.sweepIdle(0, true);
  }

  #onSessionClosed(error: YamuxError | undefined): void {
    if (this.#state === 'closed') return;
    this.#state = 'closed';
    clearTimeout(this.#expiry);
    clearTimeout(this.#helloTimer);
    this.#setHosts(new Set());
    this.#owner.onClosed(this, this.#reason ?? error?.message ?? 'ended in order');
  }
}
