import { decodeJwt, decodeProtectedHeader, errors, jwtVerify } from 'jose';
import type { AuthClientConfig, TokenKeys } from '../../../shared/gateway/auth.ts';
import type { Claims } from '../../../shared/gateway/claim-path.ts';
import { RemoteKeys } from './remote-keys.ts';
import { publicKey, readKeySet, secretKey, type VerificationKey } from './verification-key.ts';

const MAX_TOKEN = 16_384;
/** Clocks of issuers may be off by this much. */
const SKEW_SECONDS = 10;

type FindKey = (header: { readonly kid?: string | undefined }, token: string) => Promise<VerificationKey | string>;

/** Checks tokens with the keys of a configuration; keys from addresses are kept as long as this lives. */
export class TokenCheck {
  readonly #find: FindKey;

  constructor({ keys, client }: { keys: TokenKeys; client: AuthClientConfig }, clock: () => number) {
    this.#find = finder(keys, client, clock);
  }

  /** The claims, or why the token is refused. Throws AgentError `auth-unavailable` when there are no keys to check with. */
  async check(token: string): Promise<Claims | string> {
    if (token.length > MAX_TOKEN) return `it is longer than ${MAX_TOKEN} characters`;
    try {
      const key = await this.#find(decodeProtectedHeader(token), token);
      if (typeof key === 'string') return key;
      const { payload } = await jwtVerify(token, key.key, {
        algorithms: [...key.algorithms],
        clockTolerance: SKEW_SECONDS,
      });
      return payload;
    } catch (error) {
      // jose's messages name claims and algorithms, and never the token.
      if (error instanceof errors.JOSEError || error instanceof TypeError) return error.message;
      throw error;
    }
  }
}

function finder(keys: TokenKeys, client: AuthClientConfig, clock: () => number): FindKey {
  const only =
    (key: VerificationKey): FindKey =>
    () =>
      Promise.resolve(key);
  switch (keys.kind) {
    case 'secret':
      return only(secretKey(keys.base64));
    case 'public-key':
      return only(publicKey(keys.pem));
    case 'jwks': {
      const set = readKeySet(keys.text);
      return ({ kid }) => Promise.resolve(known(kid, kid === undefined ? undefined : set.get(kid)));
    }
    case 'issuers':
      return ofIssuers(keys.issuers, client, clock);
  }
}

function ofIssuers(
  issuers: Extract<TokenKeys, { kind: 'issuers' }>['issuers'],
  client: AuthClientConfig,
  clock: () => number,
): FindKey {
  const sets = new Map(issuers.map(({ issuer, url }) => [issuer, new RemoteKeys(url, client, clock)]));
  return async ({ kid }, token) => {
    // Not verified yet: it only chooses whose keys must have signed it.
    const { iss } = decodeJwt(token);
    const set = sets.get(iss) ?? sets.get(undefined);
    if (set === undefined) return 'its issuer is not among the trusted ones';
    return known(kid, kid === undefined ? undefined : await set.find(kid));
  };
}

function known(kid: string | undefined, key: VerificationKey | undefined): VerificationKey | string {
  return key ?? (kid === undefined ? 'it does not name its key (kid)' : 'it names a key that is not in the set (kid)');
}
