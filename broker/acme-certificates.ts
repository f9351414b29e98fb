import type { X509Certificate } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from 'pino';
import type { DnsHook } from './acme-dns-hook.ts';
import { makeAccountKey, openAccount, orderCertificate } from './acme-order.ts';
import type { AcmeAuthority } from './acme-order.ts';
import { messageOf } from './acme-reach.ts';
import { renewalWish } from './acme-renewal-wish.ts';
import type { RenewalWish } from './acme-renewal-wish.ts';
import type { AcmeResponder } from './acme-responders.ts';
import { DEFAULT_RETRY, renewalTime, retryDelayMs } from './acme-schedule.ts';
import type { AcmeRetry } from './acme-schedule.ts';
import { AcmeStore } from './acme-store.ts';
import { isExpired, leafOf } from './certificate-pair.ts';
import type { CertificatePair } from './certificate-pair.ts';
import { AcmeError, BrokerOptionsError } from './errors.ts';

export interface AcmeOptions extends AcmeAuthority {
  /** Each has a certificate of its own. Wildcards need `dns`. */
  readonly hosts: readonly string[];
  /** Folder of the account key and the certificates. */
  readonly store: string;
  /** Answers DNS-01, which is preferred then. */
  readonly dns?: DnsHook;
  /** Plain listener for HTTP-01; everything else there is sent on to HTTPS. */
  readonly http?: { readonly host: string; readonly port: number };
  readonly retry?: AcmeRetry;
}

/** A wait is cut in pieces, so that a clock that was set, or a machine that slept, is noticed. */
const MOST_SLEEP_MS = 600_000;
/** How often an authority that does not say when to renew is asked whether it does now. */
const ASK_AGAIN_MS = 6 * 3_600_000;

const HOST = /^(?=.{1,253}$)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/;

/** Certificates from an authority by ACME (RFC 8555): issued, kept, renewed before their end. */
export class AcmeCertificates {
  readonly #options: AcmeOptions;
  readonly #log: Logger;
  readonly #responders: readonly AcmeResponder[];
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
      /** Preferred ones first. */
      readonly responders: readonly AcmeResponder[];
      /** Takes all pairs that there are, each time that one is new. */
      use(pairs: readonly CertificatePair[]): void;
    },
  ) {
    this.#options = options;
    this.#log = how.log;
    this.#responders = how.responders;
    this.#use = how.use;
    checkAcmeHosts(options);
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
    const retry = this.#options.retry ?? DEFAULT_RETRY;
    let failures = 0;
    let notBefore = 0;
    while (!signal.aborted) {
      try {
        await this.#sleepUntil(notBefore);
        // Named once: an authority refuses what it has replaced already, as when the new one was lost on the way.
        const replaces = failures === 0 ? await this.#untilDue(host) : undefined;
        await this.#inTurn(() => this.#renew(store, host, replaces));
        failures = 0;
        // An authority that wishes each new certificate replaced at once must not be asked without end.
        notBefore = Date.now() + retry.firstMs;
      } catch (error) {
        if (signal.aborted) return;
        failures += 1;
        const waitMs = Math.round(retryDelayMs(failures, retry, Math.random()));
        notBefore = Date.now() + waitMs;
        const serves = this.#pairs.has(host) ? 'the one before serves on' : 'there is none yet';
        const facts = { host, reason: messageOf(error), failures, retryInMs: waitMs };
        this.#log.warn(facts, `no new certificate by ACME, ${serves}`);
      }
    }
  }

  /** Resolves when `host` needs another certificate, with what to call the one before to authorities that ask for it. */
  async #untilDue(host: string): Promise<string | undefined> {
    const random = Math.random();
    for (;;) {
      const pair = this.#pairs.get(host);
      if (pair === undefined) return undefined;
      const leaf = leafOf(pair);
      const wish = await this.#wishFor(host, leaf);
      const due = renewalTime({ from: leaf.validFromDate.getTime(), to: leaf.validToDate.getTime() }, wish, random);
      const askAgain = Date.now() + (wish?.askAgainMs ?? ASK_AGAIN_MS);
      await this.#sleepUntil(Math.min(due, askAgain));
      if (due <= askAgain) return wish?.certificate;
    }
  }

  /** What the authority says of the time of renewal; undefined where it says nothing. */
  async #wishFor(host: string, leaf: X509Certificate): Promise<RenewalWish | undefined> {
    const { signal } = this.#stopped;
    try {
      return await renewalWish(this.#options, leaf, signal);
    } catch (error) {
      signal.throwIfAborted();
      this.#log.debug({ host, reason: messageOf(error) }, 'the authority does not say when to renew');
      return undefined;
    }
  }

  async #renew(store: AcmeStore, host: string, replaces: string | undefined): Promise<void> {
    const { signal } = this.#stopped;
    const { directory } = this.#options;
    const accountKey = await store.accountKey(makeAccountKey);
    const client = await openAccount(this.#options, accountKey, signal);
    const made = await orderCertificate(client, { host, replaces }, this.#responders, signal);
    const pair = { ...made, from: { cert: `certificate for ${host} from ${directory}`, key: `key for ${host}` } };
    const leaf = leafOf(pair);
    if (leaf.checkHost(host.replace('*', 'any')) === undefined || isExpired(leaf, Date.now()))
      throw new AcmeError(`the certificate from ${directory} is not for ${host}, or ended on ${leaf.validTo}`);
    this.#pairs.set(host, await store.keep(host, made));
    if (signal.aborted) return;
    this.#use([...this.#pairs.values()]);
    this.#log.info({ host, until: leaf.validTo }, 'certificate issued by ACME');
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

/** Throws `BrokerOptionsError` for names that no challenge of this broker can prove. */
function checkAcmeHosts({ hosts, dns }: AcmeOptions): void {
  if (hosts.length === 0) throw new BrokerOptionsError('acme.hosts: name at least one host');
  for (const host of hosts) {
    const wildcard = host.startsWith('*.');
    if (wildcard && dns === undefined)
      throw new BrokerOptionsError(
        `acme.hosts: ${host}: a wildcard needs DNS-01: give a program that writes TXT records as acme.dns, ` +
          'or have it issued elsewhere (certbot, lego, cert-manager) and give the files as public.tls',
      );
    if (!HOST.test(wildcard ? host.slice(2) : host))
      throw new BrokerOptionsError(`acme.hosts: ${host}: not a full host name in lower case, without a port`);
  }
}
