import type { Logger } from 'pino';

import type { BrokerRecord, EnrolReply, Lease } from '../../shared/control/api.ts';
import type { PreviewEvent } from '../../shared/process/lines.ts';
import type { Failure } from '../../shared/result/result.ts';
import { AgentError, toAgentError } from '../errors.ts';
import { backoffMs } from '../tunnels/backoff.ts';

import { ControlClient, ControlRefusal } from './control-client.ts';
import { hostsOfNames, inOrderOf, nothingHeld, withLease, withoutLease } from './held-hosts.ts';
import type { Held } from './held-hosts.ts';
import { LeaseCache } from './lease-cache.ts';
import { pause as realPause } from './pause.ts';
import type { Pause } from './pause.ts';
import { Wakeable } from './wakeable.ts';

const DEFAULT_TTL_SECONDS = 3600;
/** A lease request may carry this many names. */
const NAMES_PER_LEASE = 16;
/** Timers do not run while the machine sleeps: look at the clock at least this often. */
const LOOK_AT_CLOCK_MS = 15_000;
const MIN_WAIT_MS = 100;
/** After an absence, and when a broker refused the token: renewed within this time, not by all agents at once. */
const RENEW_SOON_MS = 5000;
const RENEW_SOON_EVERY_MS = 30_000;
const RETRY = { firstMs: 500, capMs: 15_000 };
/** A stream of brokers that held this long ended by chance. */
const STREAM_HELD_MS = 10_000;
/** What was refused will most likely be refused again. */
const RETRY_REFUSED_MS = 30_000;
/** How long the end waits for what was asked for before, and for what is given back. */
const LAST_CALLS_MS = 2000;

export interface LeaseKeeperOptions {
  /** The control plane, `http(s)://HOST:PORT`. */
  readonly controlUrl: string;
  /** Needed once, until the agent is enrolled. */
  readonly enrolmentKey?: string | undefined;
  /** How the control plane lists this agent. */
  readonly agentName: string;
  /** Of this agent process alone. */
  readonly stateDir: string;
  readonly ttlSeconds?: number | undefined;
  /** Certificates in PEM, trusted besides the public ones. */
  readonly ca?: string | undefined;
  readonly log: Logger;
  /** Hosts, token or brokers are other ones. */
  readonly onChange: (current: CurrentLease) => void;
  readonly onEvent: (event: PreviewEvent) => void;
  /** Milliseconds since the epoch. */
  readonly now?: (() => number) | undefined;
  readonly random?: (() => number) | undefined;
  readonly pause?: Pause | undefined;
}

interface Ends {
  readonly stop: AbortController;
  /** Later than `stop`: nothing is waited for any more. */
  readonly giveUp: AbortController;
}

export interface CurrentLease {
  readonly agentId: string;
  /** Those of the wanted names that have a host, in order. */
  readonly names: readonly string[];
  /** One a name, in the same order. */
  readonly hosts: readonly string[];
  readonly urls: readonly string[];
  readonly token: string;
  /** By the clock of this machine, in milliseconds since the epoch. */
  readonly tokenExpiresAt: number;
  /** When the first of the leases ends, ISO 8601. */
  readonly expiresAt: string;
  readonly brokers: readonly BrokerRecord[];
}

export interface ControlStatus {
  readonly reachable: boolean;
  /** What went wrong last, until something went right. */
  readonly error?: Failure;
}

/**
 * Keeps a public host for each wanted name: enrols once, leases, renews well before the end, follows the directory of
 * brokers. What it has is on disk, so that neither a restart of the agent nor an absent control plane changes a host.
 */
export class LeaseKeeper {
  readonly #o: LeaseKeeperOptions;
  readonly #now: () => number;
  readonly #random: () => number;
  readonly #pause: Pause;
  readonly #cache: LeaseCache;
  readonly #wake: Wakeable;
  #client: ControlClient | undefined;
  #running: (Ends & { readonly done: Promise<unknown> }) | undefined;
  #names: readonly string[] = [];
  #identity: EnrolReply | undefined;
  /** Not on disk yet. */
  #enrolled: EnrolReply | undefined;
  #held: Held = nothingHeld;
  /** What is on disk is older. */
  #unsaved = false;
  #renewAt = 0;
  #lookedAt = -Infinity;
  #hurriedAt = -Infinity;
  #published = '';
  #reachable = true;
  #error: AgentError | undefined;
  #waiting: { readonly resolve: () => void; readonly reject: (error: AgentError) => void }[] = [];

  constructor(options: LeaseKeeperOptions) {
    this.#o = options;
    this.#now = options.now ?? Date.now;
    this.#random = options.random ?? Math.random;
    this.#pause = options.pause ?? realPause;
    this.#wake = new Wakeable(this.#pause);
    this.#cache = new LeaseCache(options.stateDir, options.controlUrl);
  }

  /** What serves now; undefined until each wanted name has a host. The token may have expired while control was away. */
  current(): CurrentLease | undefined {
    const lease = this.#leased();
    return lease?.names.length === this.#names.length ? lease : undefined;
  }

  /** For those of the wanted names that have a host; undefined when none has. */
  #leased(): CurrentLease | undefined {
    const { names, hosts, urls, unwanted } = hostsOfNames(this.#names, this.#held.leases);
    if (this.#identity === undefined || hosts.length === 0) return undefined;
    const ends = this.#held.leases.filter(({ id }) => !unwanted.includes(id)).map(({ expiresAt }) => expiresAt);
    return {
      agentId: this.#identity.agentId,
      names,
      hosts,
      urls,
      token: this.#held.token,
      tokenExpiresAt: this.#held.tokenExpiresAt,
      expiresAt: new Date(Math.min(...ends)).toISOString(),
      brokers: this.#held.brokers,
    };
  }

  status(): ControlStatus {
    if (this.#error === undefined) return { reachable: this.#reachable };
    const { code, message, hint } = this.#error;
    return { reachable: this.#reachable, error: { code, message, hint } };
  }

  /**
   * Wants a host for each name from now on; called again, hosts of names that stay are kept. Resolves once all have
   * one, from disk or from the control plane, however long that takes; rejects with `AgentError` when the control plane
   * refuses (it is asked again, slowly) or the state folder cannot be used, and with `lease-stopped`.
   */
  async start(names: readonly string[]): Promise<void> {
    this.#names = [...names];
    this.#running ??= this.#run();
    this.#error = undefined;
    this.#wake.wake();
    return new Promise((resolve, reject) => {
      this.#waiting.push({ resolve, reject });
    });
  }

  /** Ends all of it. The hosts are given back unless `keep`, with which the next start of the agent has them again. */
  async stop({ keep = false }: { readonly keep?: boolean } = {}): Promise<void> {
    const running = this.#running;
    if (running === undefined) return;
    running.stop.abort();
    const late = setTimeout(() => running.giveUp.abort(), LAST_CALLS_MS);
    await running.done;
    this.#settleWaiting(new AgentError('lease-stopped', 'the lease was stopped'));
    if (!keep) await this.#giveBack(running.giveUp.signal);
    clearTimeout(late);
    this.#client?.close();
    this.#client = undefined;
    this.#running = undefined;
    this.#names = [];
    this.#held = nothingHeld;
    this.#published = '';
  }

  /** A broker refused the token, or the control plane is back: a fresh token helps, at most every 30 s. */
  renewSoon(): void {
    const now = this.#now();
    if (now - this.#hurriedAt < RENEW_SOON_EVERY_MS) return;
    this.#hurriedAt = now;
    this.#renewAt = Math.min(this.#renewAt, now + this.#random() * RENEW_SOON_MS);
    this.#wake.wake();
  }

  #run(): Ends & { readonly done: Promise<unknown> } {
    const ends = { stop: new AbortController(), giveUp: new AbortController() };
    const { signal } = ends.stop;
    const client = new ControlClient(this.#o.controlUrl, this.#o.ca);
    this.#client = client;
    const done = this.#load().then(() =>
      Promise.all([this.#keep(client, signal, ends.giveUp.signal), this.#follow(client, signal)]),
    );
    return { ...ends, done };
  }

  /** What the last process left; of no use when its token is over, except to renew its leases. */
  async #load(): Promise<void> {
    this.#renewAt = 0;
    try {
      this.#identity = await this.#cache.identity();
      if (this.#identity !== undefined) this.#held = (await this.#cache.held(this.#identity.agentId)) ?? nothingHeld;
      if (this.#held.tokenExpiresAt > this.#now()) this.#publish();
    } catch (error) {
      this.#failed(toAgentError(error, 'state-unwritable'));
    }
  }

  async #keep(client: ControlClient, signal: AbortSignal, giveUp: AbortSignal): Promise<void> {
    let failures = 0;
    while (!signal.aborted) {
      const names = this.#names;
      this.#lookAtClock();
      let waitMs: number;
      try {
        await this.#settle(client, names, signal, giveUp);
        failures = 0;
        this.#error = undefined;
        const renewInMs = this.#held.leases.length === 0 ? LOOK_AT_CLOCK_MS : this.#renewAt - this.#now();
        waitMs = Math.min(LOOK_AT_CLOCK_MS, Math.max(MIN_WAIT_MS, renewInMs));
      } catch (error) {
        if (signal.aborted) return;
        const failure = toAgentError(error, 'control-refused');
        failures++;
        this.#failed(failure);
        waitMs = Math.max(
          backoffMs(failures, RETRY, this.#random),
          failure instanceof ControlRefusal ? failure.retryAfterMs : 0,
          isTransient(failure) ? 0 : RETRY_REFUSED_MS * (0.5 + this.#random() / 2),
        );
      }
      if (names === this.#names) await this.#wake.sleep(waitMs, signal);
    }
  }

  /** One that was set back does not tell when a token of before ends. */
  #lookAtClock(): void {
    const now = this.#now();
    const isBack = now < this.#lookedAt;
    this.#lookedAt = now;
    if (!isBack) return;
    this.#hurriedAt = -Infinity;
    this.#renewAt = now;
  }

  /**
   * Brings what is held in line with what is wanted. Throws when the control plane does not help. What it may have granted
   * is waited for until `giveUp`, so that it can be given back.
   */
  async #settle(
    client: ControlClient,
    names: readonly string[],
    signal: AbortSignal,
    giveUp: AbortSignal,
  ): Promise<void> {
    const { secret } = (this.#identity ??= await this.#enrol(client, giveUp));
    const ttlSeconds = this.#o.ttlSeconds ?? DEFAULT_TTL_SECONDS;
    const before = this.#held;
    try {
      for (const id of hostsOfNames(names, this.#held.leases).unwanted) {
        await this.#release(client, secret, id, signal);
      }
      if (this.#now() >= this.#renewAt) {
        for (const one of this.#held.leases) {
          await this.#renew(client, secret, one.id, one.names, ttlSeconds, signal);
        }
        if (this.#held.token !== before.token) this.#planRenewal();
      }
      const { missing } = hostsOfNames(names, this.#held.leases);
      for (let from = 0; from < missing.length; from += NAMES_PER_LEASE) {
        signal.throwIfAborted();
        const wanted = missing.slice(from, from + NAMES_PER_LEASE);
        const granted = await this.#answer(client.grant(secret, wanted, ttlSeconds, giveUp));
        this.#held = withLease(this.#held, wanted, granted, this.#now());
        this.#planRenewal();
      }
    } catch (error) {
      // The control plane has lost this agent (another database): its secret and leases are worth nothing there.
      if (error instanceof ControlRefusal && error.answerCode === 'unauthorized') {
        this.#identity = undefined;
        this.#held = { ...nothingHeld, brokers: this.#held.brokers };
      }
      throw error;
    } finally {
      try {
        if (this.#held !== before || this.#unsaved) await this.#cacheHeld();
      } finally {
        // What serves needs the newest token, also when another name was refused or the disk is full.
        if (!signal.aborted) this.#publish();
      }
    }
    this.#reached();
  }

  /** Between a half and two thirds of the token's life, so that agents started together do not renew together. */
  #planRenewal(): void {
    const life = this.#held.tokenExpiresAt - this.#now();
    this.#renewAt = this.#now() + life * (0.5 + this.#random() / 6);
  }

  async #enrol(client: ControlClient, signal: AbortSignal): Promise<EnrolReply> {
    const { enrolmentKey, agentName } = this.#o;
    if (enrolmentKey === undefined)
      throw new AgentError('enrolment-refused', 'the agent is not enrolled and has no enrolment key');
    try {
      this.#enrolled ??= await client.enrol(enrolmentKey, agentName, signal);
      await this.#cache.saveIdentity(this.#enrolled);
      const identity = this.#enrolled;
      this.#enrolled = undefined;
      return identity;
    } catch (error) {
      if (error instanceof ControlRefusal && error.answerStatus === 401) {
        throw new AgentError('enrolment-refused', error.message, { cause: error });
      }
      throw error;
    }
  }

  async #renew(
    client: ControlClient,
    secret: string,
    id: string,
    names: readonly string[],
    ttl: number,
    signal: AbortSignal,
  ) {
    try {
      const renewed = await this.#answer(client.renew(secret, id, ttl, signal));
      this.#held = withLease(this.#held, names, renewed, this.#now());
    } catch (error) {
      if (!isUnknownLease(error)) throw error;
      this.#o.log.warn({ lease: id, names }, 'the lease is gone; its names get other hosts');
      this.#held = withoutLease(this.#held, id);
    }
  }

  /**
   * A directory that comes while an answer is on its way may be newer, and is followed by another when it is not: who is
   * there is taken from it, and from the answer who is preferred.
   */
  async #answer(coming: Promise<Lease>): Promise<Lease> {
    const before = this.#held.brokers;
    const lease = await coming;
    const { brokers } = this.#held;
    return brokers === before ? lease : { ...lease, brokers: inOrderOf(lease.brokers, brokers) };
  }

  async #release(client: ControlClient, secret: string, id: string, signal: AbortSignal): Promise<void> {
    try {
      await client.release(secret, id, signal);
    } catch (error) {
      if (!isUnknownLease(error)) throw error;
    }
    this.#held = withoutLease(this.#held, id);
  }

  async #giveBack(signal: AbortSignal): Promise<void> {
    const client = this.#client;
    const secret = this.#identity?.secret;
    if (client === undefined || secret === undefined) return;
    const given = await Promise.allSettled(this.#held.leases.map(({ id }) => client.release(secret, id, signal)));
    for (const one of given) {
      if (one.status === 'rejected')
        this.#o.log.warn({ err: one.reason }, 'a lease was not given back; it ends by itself');
    }
    // What is still on disk is gone at the control plane, which the next start is told.
    await this.#cache
      .forgetHeld()
      .catch((error: unknown) => this.#o.log.warn({ err: error }, 'a lease was not forgotten'));
  }

  async #follow(client: ControlClient, signal: AbortSignal): Promise<void> {
    /** Ends since a stream was last open. */
    let away = 0;
    /** Streams in a row that did not hold. */
    let failures = 0;
    while (!signal.aborted) {
      const startedAt = performance.now();
      try {
        await client.follow(
          () => {
            away = 0;
            const wasAway = !this.#reachable;
            this.#reached();
            // It may be another one, or one that lost its database: only a renewal tells.
            if (wasAway) this.renewSoon();
          },
          (brokers) => this.#directory(brokers),
          signal,
        );
      } catch (error) {
        if (signal.aborted) return;
        // A stream that breaks says little; one that cannot be opened says that the control plane is away.
        if (away > 0) this.#failed(toAgentError(error, 'control-unreachable'));
      }
      away++;
      // Not when it is open: one that ends at once, each time, would be asked for without a pause.
      failures = performance.now() - startedAt >= STREAM_HELD_MS ? 1 : failures + 1;
      await this.#pause(backoffMs(failures, RETRY, this.#random), signal);
    }
  }

  #directory(brokers: readonly BrokerRecord[]): void {
    // None: a control plane that has just started has not heard of its brokers yet; those known are still the best guess.
    if (brokers.length === 0) return;
    const joined = brokers
      .map(({ id, tunnel }) => `${id} ${tunnel}`)
      .toSorted()
      .join();
    const known = this.#held.brokers
      .map(({ id, tunnel }) => `${id} ${tunnel}`)
      .toSorted()
      .join();
    this.#held = { ...this.#held, brokers: [...brokers] };
    if (joined !== known && this.#held.leases.length > 0) {
      this.#cacheHeld().catch((error: unknown) => this.#o.log.warn({ err: error }, 'the directory was not cached'));
    }
    this.#publish();
  }

  async #cacheHeld(): Promise<void> {
    if (this.#identity === undefined) return;
    this.#unsaved = true;
    await this.#cache.saveHeld(this.#identity.agentId, this.#held);
    this.#unsaved = false;
  }

  #publish(): void {
    const current = this.#leased();
    if (current === undefined) return;
    if (current.names.length === this.#names.length) this.#settleWaiting();
    const text = JSON.stringify(current);
    if (text === this.#published) return;
    this.#published = text;
    this.#o.onChange(current);
  }

  #reached(): void {
    if (this.#reachable) return;
    this.#reachable = true;
    this.#error = undefined;
    this.#o.onEvent({ event: 'control-reachable' });
  }

  #failed(failure: AgentError): void {
    this.#error = failure;
    this.#o.log.warn({ code: failure.code, err: failure.message }, 'control plane');
    if (failure.code === 'control-unreachable') {
      if (!this.#reachable) return;
      this.#reachable = false;
      this.#o.onEvent({ event: 'control-unreachable', message: failure.message });
    } else if (!isTransient(failure)) {
      this.#settleWaiting(failure);
    }
  }

  #settleWaiting(failure?: AgentError): void {
    for (const { resolve, reject } of this.#waiting.splice(0)) {
      if (failure === undefined) resolve();
      else reject(failure);
    }
  }
}

function isUnknownLease(error: unknown): boolean {
  return error instanceof ControlRefusal && error.answerCode === 'unknown-lease';
}

/** Whether waiting alone may help: nobody there, too many requests, no edge yet, or a secret that is replaced next. */
function isTransient(error: AgentError): boolean {
  if (error.code === 'control-unreachable') return true;
  return error instanceof ControlRefusal && (error.answerStatus >= 500 || [401, 429].includes(error.answerStatus));
}
