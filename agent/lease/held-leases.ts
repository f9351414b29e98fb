import type { Logger } from 'pino';

import type { BrokerRecord, EnrolReply, Lease } from '../../shared/control/api.ts';
import { AgentError } from '../errors.ts';

import { ControlRefusal } from './control-client.ts';
import type { ControlClient } from './control-client.ts';
import { hostsOfNames, inOrderOf, nothingHeld, withLease, withoutLease } from './held-hosts.ts';
import type { Held, HeldLease } from './held-hosts.ts';
import { LeaseCache } from './lease-cache.ts';

const DEFAULT_TTL_SECONDS = 3600;
/** A lease request may carry this many names. */
const NAMES_PER_LEASE = 16;

export interface HeldLeasesOptions {
  /** The control plane, `http(s)://HOST:PORT`. */
  readonly controlUrl: string;
  /** Needed once, until the agent is enrolled. */
  readonly enrolmentKey?: string | undefined;
  /** How the control plane lists this agent. */
  readonly agentName: string;
  /** Of this agent process alone. */
  readonly stateDir: string;
  readonly ttlSeconds?: number | undefined;
  readonly log: Logger;
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

/**
 * Who this agent is at the control plane, and what it holds there: its leases, their token, the brokers. Asks for what is
 * missing, renews what is due, gives back what nobody wants, and keeps all of it on disk.
 */
export class HeldLeases {
  readonly #options: HeldLeasesOptions;
  readonly #ttlSeconds: number;
  readonly #now: () => number;
  readonly #random: () => number;
  readonly #cache: LeaseCache;
  #identity: EnrolReply | undefined;
  /** Not on disk yet. */
  #enrolled: EnrolReply | undefined;
  #held: Held = nothingHeld;
  /** What is on disk is older. */
  #unsaved = false;
  /** Milliseconds since the epoch. */
  #renewAt = 0;

  /** `now`: milliseconds since the epoch. */
  constructor(options: HeldLeasesOptions, now: () => number, random: () => number) {
    this.#options = options;
    this.#ttlSeconds = options.ttlSeconds ?? DEFAULT_TTL_SECONDS;
    this.#now = now;
    this.#random = random;
    this.#cache = new LeaseCache(options.stateDir, options.controlUrl);
  }

  /** What serves those of these names that have a host; undefined when none has. The token may have expired. */
  current(names: readonly string[]): CurrentLease | undefined {
    const { names: found, hosts, urls, unwanted } = hostsOfNames(names, this.#held.leases);
    if (this.#identity === undefined || hosts.length === 0) return undefined;
    const ends = this.#held.leases.filter(({ id }) => !unwanted.includes(id)).map(({ expiresAt }) => expiresAt);
    return {
      agentId: this.#identity.agentId,
      names: found,
      hosts,
      urls,
      token: this.#held.token,
      tokenExpiresAt: this.#held.tokenExpiresAt,
      expiresAt: new Date(Math.min(...ends)).toISOString(),
      brokers: this.#held.brokers,
    };
  }

  get isTokenAlive(): boolean {
    return this.#held.tokenExpiresAt > this.#now();
  }

  /** Milliseconds until the leases are due; endless without any. */
  get renewInMs(): number {
    return this.#held.leases.length === 0 ? Infinity : this.#renewAt - this.#now();
  }

  /** They are due at this time, whatever was planned. */
  renewAt(at: number): void {
    this.#renewAt = at;
  }

  /** They are due at this time, unless they are before. */
  renewBy(at: number): void {
    this.#renewAt = Math.min(this.#renewAt, at);
  }

  /** What the last process left; its leases are due. Throws `AgentError` when the state folder cannot be used. */
  async load(): Promise<void> {
    this.#renewAt = 0;
    this.#identity = await this.#cache.identity();
    if (this.#identity !== undefined) this.#held = (await this.#cache.held(this.#identity.agentId)) ?? nothingHeld;
  }

  /**
   * Brings what is held in line with what is wanted. Throws when the control plane does not help. What it may have granted
   * is waited for until `giveUp`, so that it can be given back.
   */
  async settle(
    client: ControlClient,
    names: readonly string[],
    signal: AbortSignal,
    giveUp: AbortSignal,
  ): Promise<void> {
    const { secret } = (this.#identity ??= await this.#enrol(client, giveUp));
    const before = this.#held;
    try {
      for (const id of hostsOfNames(names, this.#held.leases).unwanted) {
        await this.#release(client, secret, id, signal);
      }
      if (this.#now() >= this.#renewAt) {
        for (const one of this.#held.leases) await this.#renew(client, secret, one, signal);
        if (this.#held.token !== before.token) this.#planRenewal();
      }
      const { missing } = hostsOfNames(names, this.#held.leases);
      for (let from = 0; from < missing.length; from += NAMES_PER_LEASE) {
        signal.throwIfAborted();
        const wanted = missing.slice(from, from + NAMES_PER_LEASE);
        const granted = await this.#answer(client.grant(secret, wanted, this.#ttlSeconds, giveUp));
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
      if (this.#held !== before || this.#unsaved) await this.#save();
    }
  }

  /** The brokers that the directory names now. False when that says nothing. */
  takeDirectory(brokers: readonly BrokerRecord[]): boolean {
    // None: a control plane that has just started has not heard of its brokers yet; those known are still the best guess.
    if (brokers.length === 0) return false;
    const isSame = placesOf(brokers) === placesOf(this.#held.brokers);
    this.#held = { ...this.#held, brokers: [...brokers] };
    if (!isSame && this.#held.leases.length > 0) {
      this.#save().catch((error: unknown) => this.#options.log.warn({ err: error }, 'the directory was not cached'));
    }
    return true;
  }

  /** Gives the hosts back and forgets them on disk; what cannot be given back until `signal` ends by itself. */
  async giveBack(client: ControlClient, signal: AbortSignal): Promise<void> {
    const secret = this.#identity?.secret;
    if (secret === undefined) return;
    const given = await Promise.allSettled(this.#held.leases.map(({ id }) => client.release(secret, id, signal)));
    for (const one of given) {
      if (one.status === 'rejected')
        this.#options.log.warn({ err: one.reason }, 'a lease was not given back; it ends by itself');
    }
    // What is still on disk is gone at the control plane, which the next start is told.
    await this.#cache
      .forgetHeld()
      .catch((error: unknown) => this.#options.log.warn({ err: error }, 'a lease was not forgotten'));
  }

  /** Holds nothing from now on; what is on disk stays for `load`. */
  forget(): void {
    this.#held = nothingHeld;
  }

  /** Between a half and two thirds of the token's life, so that agents started together do not renew together. */
  #planRenewal(): void {
    const life = this.#held.tokenExpiresAt - this.#now();
    this.#renewAt = this.#now() + life * (0.5 + this.#random() / 6);
  }

  async #enrol(client: ControlClient, signal: AbortSignal): Promise<EnrolReply> {
    const { enrolmentKey, agentName } = this.#options;
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

  async #renew(client: ControlClient, secret: string, { id, names }: HeldLease, signal: AbortSignal): Promise<void> {
    try {
      const renewed = await this.#answer(client.renew(secret, id, this.#ttlSeconds, signal));
      this.#held = withLease(this.#held, names, renewed, this.#now());
    } catch (error) {
      if (!isUnknownLease(error)) throw error;
      this.#options.log.warn({ lease: id, names }, 'the lease is gone; its names get other hosts');
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

  async #save(): Promise<void> {
    if (this.#identity === undefined) return;
    this.#unsaved = true;
    await this.#cache.saveHeld(this.#identity.agentId, this.#held);
    this.#unsaved = false;
  }
}

/** Which brokers there are and where, in no order: what else a directory says of them changes all the time. */
function placesOf(brokers: readonly BrokerRecord[]): string {
  return brokers
    .map(({ id, tunnel }) => `${id} ${tunnel}`)
    .toSorted()
    .join();
}

function isUnknownLease(error: unknown): boolean {
  return error instanceof ControlRefusal && error.answerCode === 'unknown-lease';
}
