import { generateKeyPairSync, sign, type KeyObject } from 'node:crypto';
import { token } from './access-cases.ts';
import type { HubAsk, HubCase } from './rig.ts';
import { bearer, hub, route, SHOP, subscription } from './manifests.ts';

const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const stranger = generateKeyPairSync('rsa', { modulusLength: 2048 });
const SECRET = 'another-secret-of-more-than-32-bytes-for-sure';

interface Header {
  readonly alg: 'RS256' | 'ES256';
  readonly kid?: string;
}

function signed(header: Header, key: KeyObject, claims: object = { client_id: 'app' }): string {
  const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
  const text = `${part(header)}.${part(claims)}`;
  return `${text}.${sign('sha256', Buffer.from(text), { key, dsaEncoding: 'ieee-p1363' }).toString('base64url')}`;
}

const KEYS = JSON.stringify({
  keys: [
    { ...rsa.publicKey.export({ format: 'jwk' }), kid: 'of-rsa', use: 'sig' },
    { ...ec.publicKey.export({ format: 'jwk' }), kid: 'of-ec' },
    { ...stranger.publicKey.export({ format: 'jwk' }), kid: 'for-encryption', use: 'enc' },
    { kty: 'oct', k: Buffer.from(SECRET).toString('base64url'), kid: 'shared' },
  ],
});
const SET =
  SHOP +
  subscription('s') +
  hub('APIAuth', 'tokens', `{ isDefault: true, jwt: { appIdClaim: client_id, jwksFile: ${JSON.stringify(KEYS)} } }`);
const ask = (jwt: string, status: number, target = '/shop'): HubAsk => ({ target, headers: [bearer(jwt)], status });

export const keySetCases: readonly HubCase[] = [
  {
    part: '2.4',
    says: 'with a key set a token of RS or ES is checked by the key that its kid names',
    manifests: SET,
    asks: [
      ask(signed({ alg: 'RS256', kid: 'of-rsa' }, rsa.privateKey), 200),
      ask(signed({ alg: 'ES256', kid: 'of-ec' }, ec.privateKey), 200),
      ask(signed({ alg: 'RS256', kid: 'of-rsa' }, stranger.privateKey), 401),
      ask(signed({ alg: 'RS256', kid: 'of-ec' }, rsa.privateKey), 401),
    ],
  },
  {
    part: '2.4',
    says: 'with a key set a token without kid, or with one that is not in it, is refused',
    manifests: SET,
    asks: [
      ask(signed({ alg: 'RS256' }, rsa.privateKey), 401),
      ask(signed({ alg: 'RS256', kid: 'gone' }, rsa.privateKey), 401),
      ask(signed({ alg: 'RS256', kid: 'for-encryption' }, stranger.privateKey), 401),
    ],
  },
  {
    part: '2.4',
    says: 'a single public key needs no kid',
    manifests:
      SHOP +
      subscription('s') +
      hub('APIAuth', 'tokens', `{ isDefault: true, jwt: { appIdClaim: client_id, publicKey: ${JSON.stringify(rsa.publicKey.export({ format: 'pem', type: 'spki' }))} } }`),
    asks: [
      ask(signed({ alg: 'RS256' }, rsa.privateKey), 200),
      ask(signed({ alg: 'RS256', kid: 'whatever' }, rsa.privateKey), 200),
      ask(signed({ alg: 'RS256' }, stranger.privateKey), 401),
    ],
  },
  {
    part: '2.4',
    says: 'the key set of a policy goes by kid too',
    manifests:
      hub('AccessControlPolicy', 'set', `{ jwt: { jwksFile: ${JSON.stringify(KEYS)} } }`) +
      route('gate', 'Host(`app.test`) && PathPrefix(`/gate`)', { 'access-control-policy': 'set' }),
    asks: [
      ask(signed({ alg: 'ES256', kid: 'of-ec' }, ec.privateKey), 200, '/gate'),
      ask(signed({ alg: 'ES256' }, ec.privateKey), 401, '/gate'),
    ],
  },
  {
    part: '2.4',
    says: 'the OneOf of old agents, written Ohubf, is no function: nobody has such claims',
    manifests:
      hub('AccessControlPolicy', 'old', `{ jwt: { signingSecret: "${SECRET}", claims: "Ohubf(\`a\`, \`b\`)" } }`) +
      route('gate', 'Host(`app.test`) && PathPrefix(`/gate`)', { 'access-control-policy': 'old' }),
    told: ['deprecated kind', 'not-enforced spec.jwt.claims'],
    asks: [ask(token({ a: 'b' }, SECRET), 403, '/gate')],
  },
  {
    part: '2.4',
    says: 'a key cannot be shared: it counts for the first application that has it, and the second is told of',
    manifests:
      SHOP +
      hub('ManagedApplication', 'twin', '{ appId: twin, owner: o, apiKeys: [{ value: key-app }] }') +
      subscription('s').replace('{ name: app }', '{ name: twin }'),
    told: ['application-conflict spec.apiKeys'],
    asks: [{ target: '/shop', headers: [bearer('key-app')], status: 403 }],
  },
]; // prettier-ignore
