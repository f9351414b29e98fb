import type { Logger } from 'pino';
import type { LimitsConfig } from '../../../shared/workspace/adit-yaml.ts';
import type { PlanStore } from './plan-store.ts';
import { RedisStore } from './redis-store.ts';

export interface SharedPlansOptions {
  /** With the credentials for the one server that it names. */
  readonly redisUrl: string | undefined;
  readonly ca: string | undefined;
  readonly log: Logger;
}

interface Held {
  readonly identity: string;
  /** Undefined: plans are counted in memory. */
  readonly store: RedisStore | undefined;
}

/** The store of plans that a workspace asks for; the same one as long as it asks for the same. */
export class SharedPlans {
  #options: SharedPlansOptions;
  #current: Held | undefined;
  /** Asked for last. */
  #next: Held | undefined;

  constructor(options: SharedPlansOptions) {
    this.#options = options;
  }

  /**
   * Undefined: plans are counted in memory. `workspace`: its name, by which agents count together. To be followed by `taken` or
   * `refused`: until then the store before serves on.
   */
  storeFor(limits: LimitsConfig | undefined, workspace: string): PlanStore | undefined {
    const identity = JSON.stringify([limits, workspace]);
    this.#next =
      this.#current?.identity === identity ? this.#current : { identity, store: this.#make(limits, workspace) };
    return this.#next.store;
  }

  /** What was asked for last is in force. */
  taken(): void {
    if (this.#next === this.#current) return;
    this.#current?.store?.close();
    this.#current = this.#next;
  }

  /** What was asked for last is not used. */
  refused(): void {
    if (this.#next === this.#current) return;
    this.#next?.store?.close();
    this.#next = this.#current;
  }

  close(): void {
    this.refused();
    this.#next = undefined;
    this.taken();
  }

  #make(limits: LimitsConfig | undefined, workspace: string): RedisStore | undefined {
    if (limits === undefined) return undefined;
    const { redisUrl, ca, log } = this.#options;
    const { url, prefix = `adit:${workspace}:`, timeoutMs } = limits.redis;
    const refuseWhenAway = limits.whenAway === 'refuse';
    return new RedisStore({ url, prefix, timeoutMs, refuseWhenAway, ca, log, ...credentialsFor(url, redisUrl) });
  }
}

/** A workspace comes from elsewhere: it does not choose who gets the password. */
function credentialsFor(url: string, given: string | undefined): { username?: string; password?: string } {
  const known = given === undefined ? null : URL.parse(given);
  const { protocol, host } = new URL(url);
  if (known?.host !== host || known.protocol !== protocol) return {};
  return {
    ...(known.username === '' ? {} : { username: decodeURIComponent(known.username) }),
    ...(known.password === '' ? {} : { password: decodeURIComponent(known.password) }),
  };
}
