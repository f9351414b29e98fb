import type { AuthClientConfig } from '../../../shared/gateway/auth.ts';
import { AgentError, toAgentError } from '../../errors.ts';
import { askServer } from './ask-server.ts';
import { readKeySet, type VerificationKey } from './verification-key.ts';

/** A set is looked for anew after this long. */
const FRESH_MS = 5 * 60_000;
/** When its server is away, the last one counts this long. */
const STALE_MS = 60 * 60_000;
/** A key that is not there is looked for no more often: whoever sends tokens cannot make us ask. */
const MISS_MS = 10_000;
const FIRST_PAUSE_MS = 1_000;
const MAX_PAUSE_MS = 60_000;

/** The JWK set of an address, kept. */
export class RemoteKeys {
  readonly #url: URL;
  readonly #client: AuthClientConfig;
  readonly #clock: () => number;
  #keys: ReadonlyMap<string, VerificationKey> = new Map();
  #gotAt = -Infinity;
  #failures = 0;
  #notBefore = -Infinity;
  #problem: AgentError | undefined;
  #asking: Promise<void> | undefined;

  /** `clock`: milliseconds; never goes back. */
  constructor(url: string, client: AuthClientConfig, clock: () => number) {
    this.#url = new URL(url);
    this.#client = client;
    this.#clock = clock;
  }

  /** Undefined: the set has no such key. Throws AgentError when there is no set to look into. */
  async find(kid: string): Promise<VerificationKey | undefined> {
    const age = this.#clock() - this.#gotAt;
    if (age > FRESH_MS || (!this.#keys.has(kid) && age > MISS_MS)) await this.#refresh();
    if (this.#clock() - this.#gotAt > STALE_MS)
      throw this.#problem ?? new AgentError('auth-unavailable', `${this.#url.origin} gave no keys.`);
    return this.#keys.get(kid);
  }

  /** One question at a time, and after failures none for a while. */
  async #refresh(): Promise<void> {
    if (this.#asking === undefined && this.#clock() < this.#notBefore) return;
    this.#asking ??= this.#ask().finally(() => (this.#asking = undefined));
    await this.#asking;
  }

  async #ask(): Promise<void> {
    try {
      const { status, body } = await askServer(this.#url, {
        method: 'GET',
        headers: { accept: 'application/json' },
        client: this.#client,
      });
      if (status !== 200) throw new AgentError('auth-unavailable', `${this.#url.href} answered ${status}, no key set.`);
      this.#keys = readKeys(body, this.#url);
      this.#gotAt = this.#clock();
      this.#failures = 0;
      this.#problem = undefined;
    } catch (error) {
      this.#problem = toAgentError(error, 'auth-unavailable');
      this.#notBefore = this.#clock() + Math.min(FIRST_PAUSE_MS * 2 ** this.#failures, MAX_PAUSE_MS);
      this.#failures += 1;
    }
  }
}

function readKeys(text: string, url: URL): ReadonlyMap<string, VerificationKey> {
  try {
    return readKeySet(text);
  } catch (error) {
    throw new AgentError('auth-unavailable', `${url.href} answered with no JWK set.`, { cause: error });
  }
}
