import { generateKeyPairSync } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { analyze } from '../analyze.ts';

const HUB = 'apiVersion: hub.traefik.io/v1alpha1';
const API = `${HUB}\nkind: API\nmetadata: { name: shop, namespace: ns }\nspec: {}\n`;
const SECRET = `apiVersion: v1\nkind: Secret\nmetadata: { name: s, namespace: ns }\nstringData: { value: v, password: p, clientSecret: c }\n`;
const { publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
const pem = JSON.stringify(publicKey.export({ type: 'spki', format: 'pem' }));

function run(...texts: string[]): ReturnType<typeof analyze> {
  return analyze([{ path: 'a.yaml', text: texts.join('---\n') }], { namespace: 'ns' });
}

function said({ diagnostics }: ReturnType<typeof analyze>): string[] {
  return diagnostics.filter(({ code }) => code === 'not-enforced').map(({ severity, path }) => `${severity} ${path}`);
}

const auth = (method: string): string =>
  `${HUB}\nkind: APIAuth\nmetadata: { name: a, namespace: ns }\nspec: { isDefault: true, ${method} }\n`;
const policy = (spec: string): string => `${HUB}\nkind: AccessControlPolicy\nmetadata: { name: p }\nspec: ${spec}\n`;

describe('an APIAuth', () => {
  it.each([
    ['jwt: { appIdClaim: a, signingSecretName: s }', { kind: 'jwt', keys: { kind: 'secret', base64: 'dg==' } }],
    [`jwt: { appIdClaim: a, publicKey: ${pem} }`, { kind: 'jwt', keys: { kind: 'public-key' } }],
    [`jwt: { appIdClaim: a, jwksFile: '{"keys":[{"kty":"RSA"}]}' }`, { kind: 'jwt', keys: { kind: 'jwks' } }],
    [
      'jwt: { appIdClaim: a, jwksUrl: "https://a/k" }',
      { keys: { kind: 'issuers', issuers: [{ url: 'https://a/k' }] } },
    ],
    [
      'jwt: { appIdClaim: a, trustedIssuers: [{ issuer: "https://i/", jwksUrl: "https://a/k" }], clientConfig: { timeoutSeconds: 2, maxRetries: 0, tls: { ca: x } } }',
      {
        keys: { issuers: [{ issuer: 'https://i/', url: 'https://a/k' }] },
        client: { timeoutMs: 2000, maxRetries: 0, ca: 'x' },
      },
    ],
    [
      'ldap: { url: "ldap://h:389", baseDn: "dc=x", bindDn: "cn=a", bindPasswordSecretName: s, searchFilter: "(uid=%s)" }',
      { kind: 'ldap', attribute: 'cn', bindPassword: 'p', searchFilter: '(uid=%s)', startTls: false },
    ],
  ])('is served: %s', (method, wanted) => {
    const analysis = run(API, SECRET, auth(method));
    expect(analysis.config.apis['ns/shop']?.auth).toMatchObject(wanted);
    expect(said(analysis)).toEqual([]);
  });

  it.each([
    ['jwt: { appIdClaim: a, signingSecretName: gone }', 'jwt', 'spec.jwt.signingSecretName'],
    ['jwt: { appIdClaim: "", signingSecretName: s }', 'jwt', 'spec.jwt.appIdClaim'],
    ['jwt: { appIdClaim: a, publicKey: no-key }', 'jwt', 'spec.jwt.publicKey'],
    ['jwt: { appIdClaim: a, jwksFile: /etc/keys.json }', 'jwt', 'spec.jwt.jwksFile'],
    [
      'jwt: { appIdClaim: a, signingSecretName: s, forwardHeaders: { Host: sub } }',
      'jwt',
      'spec.jwt.forwardHeaders.Host',
    ],
    ['ldap: { url: "ldaps://h", baseDn: x, startTls: true }', 'ldap', 'spec.ldap.startTls'],
    ['ldap: { url: "ldap://h", baseDn: x, bindPasswordSecretName: gone }', 'ldap', 'spec.ldap.bindPasswordSecretName'],
    ['ldap: { url: "ldap://h", baseDn: x, searchFilter: "uid=%s" }', 'ldap', 'spec.ldap.searchFilter'],
  ])('closes its APIs, and says by which field: %s', (method, name, path) => {
    const analysis = run(API, SECRET, auth(method));
    expect(analysis.config.apis['ns/shop']?.auth).toMatchObject({ kind: 'unsupported', method: name });
    expect(said(analysis)).toEqual([`warning ${path}`]);
  });
});

describe('an AccessControlPolicy', () => {
  const oidc = 'issuer: "https://i", clientId: c, secret: { name: s, namespace: ns }';
  it.each([
    ['{ jwt: { signingSecret: dg==, signingSecretBase64Encoded: true } }', { keys: { base64: 'dg==' }, queryKey: 'jwt' }],
    ['{ basicAuth: { users: ["a:b:c"] } }', { kind: 'basic-auth', users: { a: 'b:c' } }],
    [`{ apiKey: { keySource: { header: Authorization, headerAuthScheme: Key }, keys: [{ id: a, value: ${'AB'.repeat(64)} }] } }`,
      { kind: 'api-key', from: { header: 'Authorization', scheme: 'Key' }, keys: [{ shake256: 'ab'.repeat(64) }] }],
    ['{ oAuthIntro: { clientConfig: { url: "http://i" }, tokenSource: { query: t } } }', { kind: 'introspection', from: { query: 't' } }],
    [`{ oidc: { ${oidc}, scopes: [email] } }`, { kind: 'oidc', clientSecret: 'c', redirectUrl: '/callback', scopes: ['openid', 'email'] }],
    ['{ oidcGoogle: { clientId: c, secret: { name: s, namespace: ns }, emails: [a@x, b@x] } }',
      { kind: 'oidc', issuer: 'https://accounts.google.com', claims: 'OneOf(`email`, `a@x`, `b@x`)' }],
  ])('is served: %s', (spec, wanted) => {
    const analysis = run(SECRET, policy(spec));
    expect(analysis.config.policies?.['p']).toMatchObject(wanted);
    expect(said(analysis)).toEqual([]);
  });

  it.each([
    ['{}', 'spec'],
    ['{ jwt: {} }', 'spec.jwt'],
    ['{ jwt: { signingSecret: x }, basicAuth: { users: ["a:b"] } }', 'spec.basicAuth'],
    ['{ jwt: { jwksUrl: /keys } }', 'spec.jwt.jwksUrl'],
    ['{ basicAuth: { users: [a] } }', 'spec.basicAuth.users[0]'],
    ['{ apiKey: { keySource: {} } }', 'spec.apiKey.keySource'],
    ['{ apiKey: { keySource: { query: k }, keys: [{ id: a, value: abc }] } }', 'spec.apiKey.keys[0].value'],
    ['{ oAuthIntro: { clientConfig: { url: "ftp://i" }, tokenSource: { query: t } } }', 'spec.oAuthIntro.clientConfig.url'],
    ['{ oidc: { issuer: "https://i", clientId: c, secret: { name: gone, namespace: ns } } }', 'spec.oidc.secret.name'],
    [`{ oidc: { ${oidc}, session: { sameSite: some } } }`, 'spec.oidc.session.sameSite'],
  ])('closes its routes, and says by which field: %s', (spec, path) => {
    const analysis = run(SECRET, policy(spec));
    expect(analysis.config.policies?.['p']?.kind).toBe('unsupported');
    expect(said(analysis)).toEqual([`warning ${path}`]);
  });

  it('lets nobody in by claims that cannot be read', () => {
    const analysis = run(policy('{ jwt: { signingSecret: x, claims: "Ohubf(`a`, `b`)" } }'));
    expect(said(analysis)).toEqual(['warning spec.jwt.claims']);
  });
}); // prettier-ignore
