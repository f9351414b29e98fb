import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { createLocalJWKSet, jwtVerify, errors as joseErrors } from 'jose';
import type { JSONWebKeySet } from 'jose';
import type { Logger } from 'pino';
import { z } from 'zod';
import { fail, ok } from '../shared/result/result.ts';
import type { Result } from '../shared/result/result.ts';
import { TUNNEL_AUDIENCE, tunnelClaims } from '../shared/tunnel/protocol.ts';
import type { TunnelClaims } from '../shared/tunnel/protocol.ts';
import { callControl, successOf } from './control-call.ts';

const REFRESH_MS = 60_000;
const RETRY_MS = 1_000;
/** An unknown key id makes us look for new keys, but not more often. */
const UNKNOWN_KEY_PAUSE_MS = 2_000;
const FETCH_TIMEOUT_MS = 5_000;

const jwks = z.object({ keys: z.array(z.looseObject({ kty: z.string() })).max(64) });

export interface SigningKeysOptions {
  readonly url?: string;
  readonly file?: string;
  readonly issuer: string;
  readonly log: Logger;
}

/**
 * The public keys of the control plane. They are refreshed in the background and kept when it is away, so that agents
 * with valid tokens can still connect.
 */
export class SigningKeys {
  readonly #options: SigningKeysOptions;
  readonly #abort = new AbortController();
  #verify: ReturnType<typeof createLocalJWKSet> | undefined;
  #timer: NodeJS.Timeout | undefined;
  #warned = false;
  #lastFetchAt = 0;
  #fetching: Promise<void> | undefined;
  #looking: Promise<void> | undefined;

  constructor(options: SigningKeysOptions) {
    this.#options = options;
  }

  get loaded(): boolean {
    return this.#verify !== undefined;
  }

  /** First load; a file must be readable, a control plane may come later. */
  async start(): Promise<void> {
    if (this.#options.file !== undefined) this.#use(await readFile(this.#options.file, 'utf8'));
    else await this.#refresh();
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#abort.abort();
  }

  /** Signature, algorithm, issuer, audience, expiry, claims. Fails with the code of the refusal. */
  async check(token: string): Promise<Result<TunnelClaims>> {
    if (this.#verify === undefined) await this.#refresh();
    if (this.#verify === undefined) return fail('broker.keys-missing', 'no signing keys are known yet');
    const first = await this.#checkOnce(token, this.#verify);
    if (first.ok || first.error.code !== 'broker.unknown-key' || this.#options.url === undefined)
      return unknownAsUnauthorized(first);
    this.#looking ??= this.#look().finally(() => {
      this.#looking = undefined;
    });
    await this.#looking;
    return unknownAsUnauthorized(await this.#checkOnce(token, this.#verify));
  }

  async #checkOnce(token: string, keys: ReturnType<typeof createLocalJWKSet>): Promise<Result<TunnelClaims>> {
    try {
      const { payload } = await jwtVerify(token, keys, {
        issuer: this.#options.issuer,
        audience: TUNNEL_AUDIENCE,
        algorithms: ['EdDSA', 'Ed25519'],
        requiredClaims: ['exp', 'iat', 'sub', 'jti'],
        clockTolerance: 0,
      });
      const claims = tunnelClaims.safeParse(payload);
      return claims.success
        ? ok(claims.data)
        : fail('broker.forbidden', 'the claims of the token are not those of a tunnel token');
    } catch (error) {
      if (error instanceof joseErrors.JWKSNoMatchingKey)
        return fail('broker.unknown-key', 'the token is signed with an unknown key');
      if (error instanceof joseErrors.JWTExpired) return fail('broker.unauthorized', 'the token has expired');
      if (error instanceof joseErrors.JWTClaimValidationFailed)
        return fail('broker.forbidden', `the claim ${error.claim} of the token does not fit`);
      return fail('broker.unauthorized', 'the token is not valid');
    }
  }

  /** A good token may be of a key that is newer than the last answer; whoever comes meanwhile waits as well. */
  async #look(): Promise<void> {
    const { signal } = this.#abort;
    const waitMs = this.#lastFetchAt + UNKNOWN_KEY_PAUSE_MS - performance.now();
    if (waitMs > 0) await sleep(waitMs, undefined, { ref: false, signal }).catch(() => undefined);
    await this.#refresh();
  }

  #refresh(): Promise<void> {
    this.#fetching ??= this.#fetch().finally(() => {
      this.#fetching = undefined;
    });
    return this.#fetching;
  }

  async #fetch(): Promise<void> {
    const { url, log } = this.#options;
    if (url === undefined || this.#abort.signal.aborted) return;
    this.#lastFetchAt = performance.now();
    let nextMs = REFRESH_MS;
    try {
      const { signal } = this.#abort;
      const answer = await callControl(new URL('/.well-known/jwks.json', url), { timeoutMs: FETCH_TIMEOUT_MS, signal });
      this.#use(successOf(answer));
      if (this.#warned) log.info({ control: url }, 'control plane is back');
      this.#warned = false;
    } catch (error) {
      nextMs = RETRY_MS;
      if (!this.#warned && !this.#abort.signal.aborted)
        log.warn(
          { err: error, control: url },
          this.loaded
            ? 'control plane is away: signing keys are kept'
            : 'no signing keys yet: the control plane is away',
        );
      this.#warned = true;
    }
    if (this.#abort.signal.aborted) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.#refresh(), nextMs);
    this.#timer.unref();
  }

  #use(text: string): void {
    const parsed = jwks.parse(JSON.parse(text));
    // The edge that `jose` reads: a list of keys, each with its type.
    this.#verify = createLocalJWKSet(parsed as JSONWebKeySet);
  }
}

function unknownAsUnauthorized(result: Result<TunnelClaims>): Result<TunnelClaims> {
  return !result.ok && result.error.code === 'broker.unknown-key'
    ? fail('broker.unauthorized', result.error.message)
    : result;
}
