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

/** The store of plans that a workspace asks for; the same one as long as it asks for the same. */
export class SharedPlans {
  #options: SharedPlansOptions;
  #current: { readonly identity: string; readonly store: RedisStore } | undefined;

  constructor(options: SharedPlansOptions) {
    this.#options = options;
  }

  /** Undefined: plans are counted in memory. `workspace`: its name, by which agents count together. */
  storeFor(limits: LimitsConfig | undefined, workspace: string): PlanStore | undefined {
    const identity = JSON.stringify([limits, workspace]);
    if (this.#current?.identity === identity) return this.#current.store;
    this.close();
    if (limits === undefined) return undefined;
    const { redisUrl, ca, log } = this.#options;
    const { url, prefix = `adit:${workspace}:`, timeoutMs } = limits.redis;
    const refuseWhenAway = limits.whenAway === 'refuse';
    const store = new RedisStore({ url, prefix, timeoutMs, refuseWhenAway, ca, log, ...credentialsFor(url, redisUrl) });
    this.#current = { identity, store };
    return store;
  }

  close(): void {
    this.#current?.store.close();
    this.#current = undefined;
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
