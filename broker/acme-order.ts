import type { Authorization, Client, Order } from 'acme-client';
import { Agent } from 'node:https';
import { setTimeout as sleep } from 'node:timers/promises';
import { rootCertificates } from 'node:tls';
import { messageOf, whyUnreachable } from './acme-reach.ts';
import { AcmeError } from './errors.ts';

/** PEM texts. */
export interface ChallengePair {
  readonly cert: string;
  readonly key: string;
}

/** Where a challenge is answered; undefined takes the answer back. */
export interface AcmeResponders {
  /** RFC 8737: certificates for the handshake with `acme-tls/1`, one of each kind of key. */
  tlsAlpn(host: string, made: readonly ChallengePair[] | undefined): void;
  /** RFC 8555 §8.3; absent where no plain listener is. */
  readonly http: ((token: string, answer: string | undefined) => void) | undefined;
}

export interface AcmeAuthority {
  readonly directory: string;
  readonly email: string | undefined;
  /** PEM of an authority beside the public ones for the TLS of the directory. */
  readonly ca: string | undefined;
}

const REQUEST_TIMEOUT_MS = 15_000;
const MAX_ANSWER_BYTES = 1024 * 1024;
const POLL_MS = { first: 250, most: 5_000, inAll: 120_000 };
const OPEN: ReadonlySet<string> = new Set(['pending', 'processing']);

/** Resolves with the PEM of a new account key. */
export async function makeAccountKey(): Promise<Buffer> {
  const { crypto } = await import('acme-client');
  return crypto.createPrivateEcdsaKey('P-256');
}

/** A client whose account exists at the authority. Rejects with `AcmeError`. */
export async function openAccount(authority: AcmeAuthority, accountKey: string, signal: AbortSignal): Promise<Client> {
  const acme = await import('acme-client');
  // The library has one HTTP client for the whole process, and repeats failed requests unless told not to.
  const { defaults } = acme.axios;
  Object.assign(defaults, { acmeSettings: { retryMaxAttempts: 0 } });
  defaults.timeout = REQUEST_TIMEOUT_MS;
  defaults.maxContentLength = MAX_ANSWER_BYTES;
  if (authority.ca !== undefined) defaults.httpsAgent = new Agent({ ca: [...rootCertificates, authority.ca] });
  const client = new acme.Client({ directoryUrl: authority.directory, accountKey });
  const contact = authority.email === undefined ? {} : { contact: [`mailto:${authority.email}`] };
  await step(`no account at ${authority.directory}`, signal, async () => {
    try {
      await client.createAccount({ termsOfServiceAgreed: true, ...contact });
    } catch (error) {
      // What the library makes of every connection that fails.
      if (!(error instanceof TypeError)) throw error;
      throw new AcmeError(await whyUnreachable(authority.directory, authority.ca, signal));
    }
  });
  return client;
}

/** A certificate for `host`, PEM texts. Rejects with `AcmeError`, or with the reason of the signal. */
export async function orderCertificate(
  client: Client,
  host: string,
  responders: AcmeResponders,
  signal: AbortSignal,
): Promise<{ cert: string; key: string }> {
  const { crypto } = await import('acme-client');
  const order = await step(`the order for ${host} was refused`, signal, () =>
    client.createOrder({ identifiers: [{ type: 'dns', value: host }] }),
  );
  const authorizations = await step(`the order for ${host} cannot be read`, signal, () =>
    client.getAuthorizations(order),
  );
  for (const authorization of authorizations)
    if (authorization.status !== 'valid') await prove(client, order, authorization, responders, signal);
  const [key, csr] = await crypto.createCsr({ altNames: [host] }, await crypto.createPrivateEcdsaKey('P-256'));
  await step(`the certificate for ${host} was refused`, signal, () => client.finalizeOrder(order, csr));
  const done = await poll(`the certificate for ${host}`, signal, () => client.getOrder(order));
  if (done.status !== 'valid') throw new AcmeError(`the order for ${host} ended as ${done.status}`);
  const cert = await step(`the certificate for ${host} cannot be fetched`, signal, () => client.getCertificate(done));
  return { cert, key: key.toString() };
}

/** Proves that the name leads here. */
async function prove(
  client: Client,
  order: Order,
  authorization: Authorization,
  responders: AcmeResponders,
  signal: AbortSignal,
): Promise<void> {
  const { crypto } = await import('acme-client');
  const host = authorization.identifier.value;
  // Whoever gave a plain listener may have something in front that ends TLS.
  const kinds = responders.http === undefined ? ['tls-alpn-01'] : ['http-01', 'tls-alpn-01'];
  const challenge = kinds
    .map((kind) => authorization.challenges.find(({ type }) => type === kind))
    .find((offered) => offered !== undefined);
  if (challenge === undefined) {
    const offered = authorization.challenges.map(({ type }) => type).join(', ');
    throw new AcmeError(`the authority offers ${offered} for ${host}, and this broker answers ${kinds.join(', ')}`);
  }
  const answer = await client.getChallengeKeyAuthorization(challenge);
  try {
    if (challenge.type === 'http-01') responders.http?.(challenge.token, answer);
    else {
      const keys = await Promise.all([crypto.createPrivateEcdsaKey('P-256'), crypto.createPrivateRsaKey(2048)]);
      const made = await Promise.all(keys.map((key) => crypto.createAlpnCertificate(authorization, answer, key)));
      responders.tlsAlpn(
        host,
        made.map(([key, cert]) => ({ key: key.toString(), cert: cert.toString() })),
      );
    }
    await step(`the challenge for ${host} was refused`, signal, () => client.completeChallenge(challenge));
    const seen = await poll(`the proof of ${host}`, signal, async () => {
      const found = (await client.getAuthorizations(order)).find(({ identifier }) => identifier.value === host);
      return found ?? authorization;
    });
    if (seen.status !== 'valid') throw new AcmeError(`${host} was not proved by ${challenge.type}: ${reasonOf(seen)}`);
  } finally {
    if (challenge.type === 'http-01') responders.http?.(challenge.token, undefined);
    else responders.tlsAlpn(host, undefined);
  }
}

/** What the authority says of a challenge that failed (RFC 8555 §8). */
function reasonOf(authorization: Authorization): string {
  for (const challenge of authorization.challenges) {
    if (!('error' in challenge) || typeof challenge.error !== 'object' || challenge.error === null) continue;
    if ('detail' in challenge.error) return String(challenge.error.detail);
  }
  return `the authority says ${authorization.status}`;
}

async function poll<T extends { readonly status: string }>(
  what: string,
  signal: AbortSignal,
  ask: () => Promise<T>,
): Promise<T> {
  const end = performance.now() + POLL_MS.inAll;
  for (let wait = POLL_MS.first; ; wait = Math.min(POLL_MS.most, wait * 2)) {
    const found = await step(`${what} cannot be asked for`, signal, ask);
    if (!OPEN.has(found.status)) return found;
    if (performance.now() + wait > end) throw new AcmeError(`${what} is still ${found.status} after two minutes`);
    await sleep(wait, undefined, { signal, ref: false });
  }
}

/** Ends with the signal even while a request of the library, which knows no signal, goes on to its time-out. */
async function step<T>(failure: string, signal: AbortSignal, ask: () => Promise<T>): Promise<T> {
  signal.throwIfAborted();
  const stopped = Promise.withResolvers<never>();
  const onAbort = (): void => stopped.reject(signal.reason);
  signal.addEventListener('abort', onAbort);
  try {
    return await Promise.race([ask(), stopped.promise]);
  } catch (error) {
    if (signal.aborted) throw signal.reason;
    const reason = error instanceof TypeError ? 'the connection to the authority was lost' : messageOf(error);
    throw new AcmeError(`${failure}: ${reason}`);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}
