import type * as AcmeClient from 'acme-client';
import type { Authorization, Client, Order } from 'acme-client';
import { Agent } from 'node:https';
import { setTimeout as sleep } from 'node:timers/promises';
import { rootCertificates } from 'node:tls';
import { messageOf, whyUnreachable } from './acme-reach.ts';
import type { AcmeResponder } from './acme-responders.ts';
import { AcmeError } from './errors.ts';

export interface AcmeAuthority {
  readonly directory: string;
  readonly email?: string | undefined;
  /** PEM of an authority beside the public ones for the TLS of the directory. */
  readonly ca?: string | undefined;
  /** External Account Binding (RFC 8555 §7.3.4): what the authority gave to its customer, the key in base64url. */
  readonly binding?: { readonly kid: string; readonly hmacKey: string } | undefined;
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

/** The library, loaded with the first need. It has one HTTP client for the whole process, for one authority. */
export async function acmeLibrary({ ca }: AcmeAuthority): Promise<typeof AcmeClient> {
  const acme = await import('acme-client');
  const { defaults } = acme.axios;
  // It repeats failed requests unless told not to.
  Object.assign(defaults, { acmeSettings: { retryMaxAttempts: 0 } });
  defaults.timeout = REQUEST_TIMEOUT_MS;
  defaults.maxContentLength = MAX_ANSWER_BYTES;
  if (ca !== undefined) defaults.httpsAgent = new Agent({ ca: [...rootCertificates, ca] });
  return acme;
}

/** A client whose account exists at the authority. Rejects with `AcmeError`. */
export async function openAccount(authority: AcmeAuthority, accountKey: string, signal: AbortSignal): Promise<Client> {
  const acme = await acmeLibrary(authority);
  const client = new acme.Client({
    directoryUrl: authority.directory,
    accountKey,
    ...(authority.binding === undefined ? {} : { externalAccountBinding: authority.binding }),
  });
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

/**
 * A certificate for `host`, PEM texts. Of the responders the first of a kind that the authority offers is used. Rejects
 * with `AcmeError`, or with the reason of the signal.
 */
export async function orderCertificate(
  client: Client,
  { host, replaces }: { readonly host: string; readonly replaces: string | undefined },
  responders: readonly AcmeResponder[],
  signal: AbortSignal,
): Promise<{ cert: string; key: string }> {
  const { crypto } = await import('acme-client');
  const wanted = { identifiers: [{ type: 'dns', value: host }], ...(replaces === undefined ? {} : { replaces }) };
  const order = await step(`the order for ${host} was refused`, signal, () => client.createOrder(wanted));
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
  responders: readonly AcmeResponder[],
  signal: AbortSignal,
): Promise<void> {
  const host = authorization.identifier.value;
  const offered = new Map<string, (typeof authorization.challenges)[number]>(
    authorization.challenges.map((challenge) => [challenge.type, challenge]),
  );
  const responder = responders.find(({ kind }) => offered.has(kind));
  const asked = responder === undefined ? undefined : offered.get(responder.kind);
  if (responder === undefined || asked === undefined) {
    const answered = responders.map(({ kind }) => kind).join(', ');
    const kinds = [...offered.keys()].join(', ');
    throw new AcmeError(`the authority offers ${kinds} for ${host}, and this broker answers ${answered}`);
  }
  const answer = await client.getChallengeKeyAuthorization(asked);
  const challenge = { authorization, token: asked.token, answer };
  try {
    await responder.give(challenge, signal);
    await step(`the challenge for ${host} was refused`, signal, () => client.completeChallenge(asked));
    const seen = await poll(`the proof of ${host}`, signal, async () => {
      const found = (await client.getAuthorizations(order)).find(({ identifier }) => identifier.value === host);
      return found ?? authorization;
    });
    if (seen.status !== 'valid') throw new AcmeError(`${host} was not proved by ${asked.type}: ${reasonOf(seen)}`);
  } finally {
    await responder.takeBack(challenge, signal);
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
