import { createPublicKey, createSecretKey, type JsonWebKey, type KeyObject } from 'node:crypto';
import { z } from 'zod';

/** A key with the algorithms that it is for: what a token says of its own algorithm chooses among these only. */
export interface VerificationKey {
  readonly key: KeyObject;
  readonly algorithms: readonly string[];
}

const CURVES: Readonly<Record<string, string>> = { prime256v1: 'ES256', secp384r1: 'ES384', secp521r1: 'ES512' };
const RSA = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512'];
const MAX_KEYS = 64;

export function secretKey(base64: string): VerificationKey {
  return { key: createSecretKey(Buffer.from(base64, 'base64')), algorithms: ['HS256', 'HS384', 'HS512'] };
}

/** Throws when the text is no key in PEM. */
export function publicKey(pem: string): VerificationKey {
  const key = createPublicKey(pem);
  return { key, algorithms: algorithmsOf(key) };
}

const jwkSet = z.object({ keys: z.array(z.record(z.string(), z.unknown())).max(MAX_KEYS) });

/** The public keys for signatures of a JWK set (RFC 7517), by `kid`; others are left out. Throws when the text is no set. */
export function readKeySet(text: string): ReadonlyMap<string, VerificationKey> {
  const keys = new Map<string, VerificationKey>();
  for (const jwk of jwkSet.parse(JSON.parse(text)).keys) {
    const { kid, use, alg, kty } = jwk;
    if (typeof kid !== 'string' || keys.has(kid) || (use !== undefined && use !== 'sig') || kty === 'oct') continue;
    try {
      const key = createPublicKey({ key: jwk as JsonWebKey, format: 'jwk' });
      const algorithms = algorithmsOf(key).filter((name) => alg === undefined || alg === name);
      if (algorithms.length > 0) keys.set(kid, { key, algorithms });
    } catch (error) {
      // A key of a kind that Node does not know signs nothing here; the others of the set still count.
      if (!(error instanceof Error)) throw error;
    }
  }
  return keys;
}

function algorithmsOf(key: KeyObject): readonly string[] {
  if (key.asymmetricKeyType === 'rsa') return RSA;
  if (key.asymmetricKeyType === 'ed25519') return ['EdDSA', 'Ed25519'];
  const curve = CURVES[key.asymmetricKeyDetails?.namedCurve ?? ''];
  return curve === undefined ? [] : [curve];
}
