import { Buffer } from 'node:buffer';
import { createPublicKey } from 'node:crypto';
import type { TokenConfig, TokenKeys } from '../../gateway/auth.ts';
import { fields, flag, isFields, items, text } from '../field.ts';
import type { AuthReading } from './auth-reading.ts';

/** What an APIAuth and an AccessControlPolicy have in common about tokens. */
export function tokenConfig(reading: AuthReading, defaultQueryKey?: string): TokenConfig | undefined {
  const keys = tokenKeys(reading);
  if (keys === undefined) return undefined;
  const { spec } = reading;
  return {
    source: reading.document.ref,
    keys,
    client: reading.client(),
    forwardHeaders: reading.forwardHeaders(),
    stripAuthorization: flag(spec['stripAuthorizationHeader']) === true,
    queryKey: text(spec['tokenQueryKey']) || defaultQueryKey,
  };
}

function tokenKeys(reading: AuthReading): TokenKeys | undefined {
  const { spec } = reading;
  const secretName = text(spec['signingSecretName']);
  if (secretName !== undefined) {
    const value = reading.secret(['signingSecretName'], secretName, ['value']);
    return value === undefined ? undefined : { kind: 'secret', base64: Buffer.from(value).toString('base64') };
  }
  const secret = text(spec['signingSecret']);
  if (secret !== undefined && secret !== '') {
    const encoded = flag(spec['signingSecretBase64Encoded']) === true;
    const bytes = Buffer.from(secret, encoded ? 'base64' : 'utf8');
    if (bytes.length === 0) return reading.close(['signingSecret'], 'the secret is not base64');
    return { kind: 'secret', base64: bytes.toString('base64') };
  }
  const pem = text(spec['publicKey']);
  if (pem !== undefined && pem !== '') return publicKey(reading, pem);
  const file = text(spec['jwksFile']);
  if (file !== undefined && file !== '') return keySet(reading, file);
  const url = text(spec['jwksUrl']);
  if (url !== undefined && url !== '') {
    if (url.startsWith('/'))
      return reading.close(
        ['jwksUrl'],
        'a path is looked for at whatever issuer a token names, so that anybody could sign tokens for it',
      );
    return { kind: 'issuers', issuers: [{ url }] };
  }
  const issuers = items(spec['trustedIssuers']).flatMap((entry) => {
    const { issuer, jwksUrl } = fields(entry);
    if (typeof jwksUrl !== 'string') return [];
    return [typeof issuer === 'string' && issuer !== '' ? { issuer, url: jwksUrl } : { url: jwksUrl }];
  });
  if (issuers.length > 0) return { kind: 'issuers', issuers };
  return reading.close([], 'nothing tells what signatures are checked with');
}

function publicKey(reading: AuthReading, pem: string): TokenKeys | undefined {
  try {
    const { asymmetricKeyType } = createPublicKey(pem);
    if (asymmetricKeyType === 'rsa' || asymmetricKeyType === 'ec' || asymmetricKeyType === 'ed25519')
      return { kind: 'public-key', pem };
    return reading.close(['publicKey'], `keys of type ${String(asymmetricKeyType)} sign no tokens`);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    return reading.close(['publicKey'], `not a public key in PEM (${why})`);
  }
}

function keySet(reading: AuthReading, file: string): TokenKeys | undefined {
  try {
    const set: unknown = JSON.parse(file);
    if (isFields(set) && items(set['keys']).length > 0) return { kind: 'jwks', text: file };
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
  }
  return reading.close(
    ['jwksFile'],
    'the text is no JWK set in JSON: { "keys": […] } is expected, not the name of a file',
  );
}
