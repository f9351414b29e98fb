import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from 'pino';
import { makeAccountKey, openAccount, orderCertificate } from './acme-order.ts';
import type { AcmeResponders } from './acme-order.ts';
import { DEFAULT_RETRY, renewalTime, retryDelayMs } from './acme-schedule.ts';
import type { AcmeRetry } from './acme-schedule.ts';
import { AcmeStore } from './acme-store.ts';
import { isExpired, leafOf } from './certificate-pair.ts';
import type { CertificatePair } from './certificate-pair.ts';
import { AcmeError, BrokerOptionsError } from './errors.ts';

export interface AcmeOptions {
  /** URL of the authority's directory (RFC 8555 §7.1.1). */
  readonly directory: string;
  /** Each has a certificate of its own. No wildcards: those need DNS-01. */
  readonly hosts: readonly string[];
  /** Folder of the account key and the certificates. */
  readonly store: string;
  readonly email?: string;
  /** PEM of an authority beside the public ones for the TLS of the directory. */
  readonly ca?: string;
  /** Plain listener for HTTP-01; everything else there is sent on to HTTPS. */
  readonly http?: { readonly host: string; readonly port: number };
  readonly retry?: AcmeRetry;
}

/** A wait is cut in pieces, so that a clock that was set, or a machine that slept, is noticed. */
const MOST_SLEEP_MS = 600_000;

/** Certificates from an authority by ACME (RFC 8555): issued, kept, renewed before their end. */
export class AcmeCertificates {
  readonly #options: AcmeOptions;
  readonly #log: Logger;
  readonly #responders: AcmeResponders;
  readonly #use: (pairs: readonly CertificatePair[]) => void;
  readonly #pairs = new Map<string, CertificatePair>();
  readonly #stopped = new AbortController();
  #loops: Promise<void>[] = [];
  /** One order at a time. */
  #turn: Promise<unknown> = Promise.resolve();

  constructor(
    options: AcmeOptions,
    how: {
      readonly log: Logger;
      readonly responders: AcmeResponders;
      /** Takes all pairs that there are, each time that one is new. */
      use(pairs: readonly CertificatePair[]): void;
    },
  ) {
    this.#options = options;
    this.#log = how.log;
    this.#responders = how.responders;
    this.#use = how.use;
    checkAcmeHosts(options.hosts);
  }

  /** Resolves with what is kept in use; orders run on in the background. Rejects with `BrokerOptionsError`. */
  async start(): Promise<void> {
    const store = await AcmeStore.open(this.#options.store, this.#options.directory);
    for (const host of this.#options.hosts) {
      const pair = await this.#kept(store, host);
      if (pair !== undefined) this.#pairs.set(host, pair);
    }
    this.#use([...this.#pairs.values()]);
    this.#loops = this.#options.hosts.map((host) => this.#keepFresh(store, host));
  }

  /** Resolves when no order runs any more. */
  async stop(): Promise<void> {
    this.#stopped.abort();
    await Promise.all(this.#loops);
  }

  async #kept(store: AcmeStore, host: string): Promise<CertificatePair | undefined> {
    try {
      const pair = await store.certificate(host);
      if (pair !== undefined) leafOf(pair);
      return pair;
    } catch (error) {
      this.#log.warn({ host, reason: String(error) }, 'a kept certificate cannot be used, another one is ordered');
      return undefined;
    }
  }

  /** One certificate for as long as the broker runs. */
  async #keepFresh(store: AcmeStore, host: string): Promise<void> {
    const { signal } = this.#stopped;
    let failures = 0;
    let next = this.#renewal(host);
    while (!signal.aborted) {
      try {
        await this.#sleepUntil(next);
        await this.#inTurn(() => this.#renew(store, host));
        failures = 0;
        next = this.#renewal(host);
      } catch (error) {
        if (signal.aborted) return;
        failures += 1;
        const waitMs = Math.round(retryDelayMs(failures, this.#options.retry ?? DEFAULT_RETRY, Math.random()));
        next = Date.now() + waitMs;
        const reason = error instanceof Error ? error.message : String(error);
        const serves = this.#pairs.has(host) ? 'the one before serves on' : 'there is none yet';
        this.#log.warn({ host, reason, failures, retryInMs: waitMs }, `no new certificate by ACME, ${serves}`);
      }
    }
  }

  async #renew(store: AcmeStore, host: string): Promise<void> {
    const { signal } = this.#stopped;
    const { directory, email, ca } = this.#options;
    const accountKey = await store.accountKey(makeAccountKey);
    const client = await openAccount({ directory, email, ca }, accountKey, signal);
    const made = await orderCertificate(client, host, this.#responders, signal);
    const pair = { ...made, from: { cert: `certificate for ${host} from ${directory}`, key: `key for ${host}` } };
    const leaf = leafOf(pair);
    if (leaf.checkHost(host) === undefined || isExpired(leaf, Date.now()))
      throw new AcmeError(`the certificate from ${directory} is not for ${host}, or ended on ${leaf.validTo}`);
    this.#pairs.set(host, await store.keep(host, made));
    if (signal.aborted) return;
    this.#use([...this.#pairs.values()]);
    this.#log.info({ host, until: leaf.validTo }, 'certificate issued by ACME');
  }

  /** Milliseconds since 1970; 0 while there is no certificate. */
  #renewal(host: string): number {
    const pair = this.#pairs.get(host);
    if (pair === undefined) return 0;
    const { validFromDate, validToDate } = leafOf(pair);
    return renewalTime(validFromDate.getTime(), validToDate.getTime(), Math.random());
  }

  async #sleepUntil(time: number): Promise<void> {
    const { signal } = this.#stopped;
    for (let left = time - Date.now(); left > 0; left = time - Date.now())
      await sleep(Math.min(left, MOST_SLEEP_MS), undefined, { signal, ref: false });
  }

  #inTurn(work: () => Promise<void>): Promise<void> {
    const mine = this.#turn.then(work);
    // The next one waits for the end, good or bad; who waits here is told of both.
    this.#turn = mine.catch(() => undefined);
    return mine;
  }
}

/** Throws `BrokerOptionsError` for names that no challenge of a broker can prove. */
export function checkAcmeHosts(hosts: readonly string[]): void {
  if (hosts.length === 0) throw new BrokerOptionsError('acme.hosts: name at least one host');
  for (const host of hosts) {
    if (host.startsWith('*.'))
      throw new BrokerOptionsError(
        `acme.hosts: ${host}: a wildcard needs DNS-01, which a broker cannot answer; ` +
          'have it issued elsewhere (certbot, lego, cert-manager) and give the files as public.tls',
      );
    if (!/^(?=.{1,253}$)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/.test(host))
      throw new BrokerOptionsError(`acme.hosts: ${host}: not a full host name in lower case, without a port`);
  }
}
