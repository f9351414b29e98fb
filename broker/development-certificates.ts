import { createSecureContext } from 'node:tls';
import type { SecureContext } from 'node:tls';
import type { Logger } from 'pino';
import { DevelopmentCa, makeLeafKey } from '../shared/certificates/development-ca.ts';
import type { LeafKey } from '../shared/certificates/development-ca.ts';
import { DevelopmentCaError, openDevelopmentCa } from '../shared/certificates/development-ca-folder.ts';
import type { CertificatePair } from './certificate-pair.ts';
import { BrokerOptionsError } from './errors.ts';

/** For visitors that name nothing, as browsers do that are sent to an address. */
const UNNAMED = ['localhost', '127.0.0.1', '::1'] as const;
const LIFE_MS = 30 * 86_400_000;
const RENEW_AFTER_MS = (LIFE_MS * 2) / 3;
const LOOK_AGAIN_MS = 3_600_000;
const MAX_NAMES = 1_000;

interface Issued {
  readonly context: Promise<SecureContext>;
  readonly renewAt: number;
}

/**
 * Certificates of visitors from a development CA: made for each name of `localhost` and `test` when a handshake asks for
 * it, and kept in memory.
 */
export class DevelopmentCertificates {
  readonly #ca: DevelopmentCa;
  readonly #key: LeafKey;
  readonly #log: Logger;
  readonly #now: () => number;
  /** The names asked for last come last. */
  readonly #byName = new Map<string, Issued>();
  #timer: NodeJS.Timeout | undefined;

  private constructor(ca: DevelopmentCa, key: LeafKey, log: Logger, now: () => number) {
    this.#log = log;
    this.#ca = ca;
    this.#key = key;
    this.#now = now;
  }

  /** Rejects with `BrokerOptionsError` for a folder that cannot be used. */
  static async open(folder: string, log: Logger, now: () => number = Date.now): Promise<DevelopmentCertificates> {
    try {
      const { ca, file, state } = await openDevelopmentCa(folder);
      const facts = { file, fingerprint: ca.fingerprint, until: ca.until.toISOString() };
      if (state === 'kept') log.info(facts, 'development CA');
      else log.warn(facts, `development CA is ${state}: visitors have to trust it once, "adit ca" says how`);
      return new DevelopmentCertificates(ca, await makeLeafKey(), log, now);
    } catch (error) {
      if (error instanceof DevelopmentCaError) throw new BrokerOptionsError(error.message);
      throw error;
    }
  }

  /** `use` takes the certificate for visitors that name nothing: at once, and whenever it is new. */
  async start(use: (pairs: readonly CertificatePair[]) => void): Promise<void> {
    let renewAt = 0;
    const look = async (): Promise<void> => {
      if (this.#now() < renewAt) return;
      const made = await this.#ca.issue(UNNAMED, this.#key, LIFE_MS);
      renewAt = this.#now() + RENEW_AFTER_MS;
      use([{ ...made, from: { cert: 'development CA', key: 'its key' } }]);
    };
    await look();
    const lookAgain = (): void => {
      look().catch((error: unknown) => this.#log.warn({ err: error }, 'no new certificate, the one before serves on'));
    };
    this.#timer = setInterval(lookAgain, LOOK_AGAIN_MS).unref();
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  /** Undefined for names that nobody believes from this authority. `name`: as the handshake has it. */
  contextFor(name: string): Promise<SecureContext> | undefined {
    const host = name.toLowerCase().replace(/\.$/, '');
    if (!DevelopmentCa.mayIssue(host)) return undefined;
    const known = this.#byName.get(host);
    this.#byName.delete(host);
    const issued = known !== undefined && this.#now() < known.renewAt ? known : this.#issue(host);
    if (this.#byName.size >= MAX_NAMES) this.#byName.delete(this.#byName.keys().next().value ?? '');
    this.#byName.set(host, issued);
    return issued.context;
  }

  #issue(host: string): Issued {
    const context = this.#ca
      .issue([host], this.#key, LIFE_MS)
      .then((pair) => createSecureContext({ ...pair, minVersion: 'TLSv1.2' }));
    const issued = { context, renewAt: this.#now() + RENEW_AFTER_MS };
    context.catch(() => {
      if (this.#byName.get(host) === issued) this.#byName.delete(host);
    });
    return issued;
  }
}
