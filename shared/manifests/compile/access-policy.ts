import type { AccessPolicyConfig, CookieConfig, CredentialSource, OidcConfig } from '../../gateway/auth.ts';
import { fields, flag, items, text, textMap, texts, type Fields } from '../field.ts';
import type { ManifestDocument } from '../types.ts';
import { AuthReading } from './auth-reading.ts';
import { tokenConfig } from './auth-tokens.ts';
import { claimsOf } from './claims.ts';
import { notEnforced, type Scope } from './scope.ts';

type Read = (reading: AuthReading) => AccessPolicyConfig | undefined;

const METHODS: Readonly<Record<string, Read>> = { jwt, basicAuth, apiKey, oAuthIntro, oidc, oidcGoogle };
const GOOGLE = 'https://accounts.google.com';

/** AccessControlPolicies by name (`hub-kinds` facts 1.4). One that cannot be served as written lets nobody through. */
export function accessPolicies(
  scope: Scope,
  documents: readonly ManifestDocument[],
): Readonly<Record<string, AccessPolicyConfig>> {
  return Object.fromEntries(documents.map((document) => [document.ref.name, policy(scope, document)]));
}

function policy(scope: Scope, document: ManifestDocument): AccessPolicyConfig {
  const methods = Object.keys(fields(document.value, 'spec')).filter((name) => Object.hasOwn(METHODS, name));
  const [method = '', second] = methods;
  const read = METHODS[method];
  const routes = `routes with policy "${document.ref.name}"`;
  if (read === undefined || second !== undefined) {
    const why = second === undefined ? 'the policy has no method' : 'the policy has more than one method';
    notEnforced(scope, document, second === undefined ? ['spec'] : ['spec', second], `${why}; ${routes} get 501`);
    return { kind: 'unsupported', source: document.ref, method: methods.join(' and ') || 'no method' };
  }
  const reading = new AuthReading(scope, document, method, routes);
  return reading.served(read(reading));
}

function jwt(reading: AuthReading): AccessPolicyConfig | undefined {
  const tokens = tokenConfig(reading, 'jwt');
  return tokens === undefined ? undefined : { kind: 'jwt', ...tokens, claims: claims(reading) };
}

function basicAuth(reading: AuthReading): AccessPolicyConfig | undefined {
  const { spec } = reading;
  const users: Record<string, string> = {};
  for (const [at, line] of texts(spec['users']).entries()) {
    const colon = line.indexOf(':');
    if (colon < 1 || colon === line.length - 1) return reading.close(['users', at], 'not of the form USER:DIGEST');
    users[line.slice(0, colon)] = line.slice(colon + 1);
  }
  if (Object.keys(users).length === 0) return reading.close(['users'], 'nobody is named');
  const realm = text(spec['realm']) || 'hub';
  if (/["\\\r\n]/.test(realm)) return reading.close(['realm'], 'the realm holds a character that no header can carry');
  const userHeader = text(spec['forwardUsernameHeader']) || undefined;
  if (userHeader !== undefined) reading.header(['forwardUsernameHeader'], userHeader);
  return {
    kind: 'basic-auth',
    source: reading.document.ref,
    users,
    realm,
    stripAuthorization: flag(spec['stripAuthorizationHeader']) === true,
    userHeader,
  };
}

function apiKey(reading: AuthReading): AccessPolicyConfig | undefined {
  const from = credentialSource(reading, 'keySource');
  const ids = new Set<string>();
  const keys = items(reading.spec['keys']).flatMap((entry, at) => {
    const { id, value, metadata } = fields(entry);
    if (typeof id !== 'string' || typeof value !== 'string') return [];
    if (!/^[0-9a-fA-F]{128}$/.test(value))
      reading.close(['keys', at, 'value'], 'not a SHAKE-256 digest of 64 bytes in hex');
    if (ids.has(id)) reading.close(['keys', at, 'id'], `key "${id}" is there twice`);
    ids.add(id);
    return [{ id, shake256: value.toLowerCase(), metadata: textMap(metadata) }];
  });
  if (from === undefined) return undefined;
  return { kind: 'api-key', source: reading.document.ref, from, keys, forwardHeaders: reading.forwardHeaders() };
}

function oAuthIntro(reading: AuthReading): AccessPolicyConfig | undefined {
  const from = credentialSource(reading, 'tokenSource');
  const client = fields(reading.spec, 'clientConfig');
  const url = text(client['url']) ?? '';
  const protocol = URL.canParse(url) ? new URL(url).protocol : '';
  if (protocol !== 'http:' && protocol !== 'https:')
    return reading.close(['clientConfig', 'url'], 'not an http or https URL');
  const headers = textMap(client['headers']);
  for (const name of Object.keys(headers)) reading.header(['clientConfig', 'headers', name], name);
  if (from === undefined) return undefined;
  return {
    kind: 'introspection',
    source: reading.document.ref,
    url,
    headers,
    tokenTypeHint: text(client['tokenTypeHint']) || undefined,
    client: reading.client(),
    from,
    claims: claims(reading),
    forwardHeaders: reading.forwardHeaders(),
  };
}

function oidc(reading: AuthReading): AccessPolicyConfig | undefined {
  const issuer = text(reading.spec['issuer']) ?? '';
  if (!/^https?:$/.test(URL.canParse(issuer) ? new URL(issuer).protocol : ''))
    return reading.close(['issuer'], 'not the URL of an issuer');
  const scopes = texts(reading.spec['scopes']);
  return provider(reading, issuer, scopes.length === 0 ? ['openid'] : scopes, claims(reading));
}

function oidcGoogle(reading: AuthReading): AccessPolicyConfig | undefined {
  const emails = texts(reading.spec['emails']);
  if (emails.length === 0) return reading.close(['emails'], 'nobody is named');
  if (emails.some((email) => email.includes('`'))) return reading.close(['emails'], 'an address holds a backquote');
  const expression = `OneOf(\`email\`, ${emails.map((email) => `\`${email}\``).join(', ')})`;
  return provider(reading, GOOGLE, ['openid', 'email'], expression);
}

function provider(
  reading: AuthReading,
  issuer: string,
  scopes: readonly string[],
  expression: string | undefined,
): OidcConfig | undefined {
  const { spec } = reading;
  const { name, namespace } = fields(spec, 'secret');
  const clientId = text(spec['clientId']) ?? '';
  if (clientId === '') reading.close(['clientId'], 'the client has no name');
  if (typeof name !== 'string' || typeof namespace !== 'string' || name === '' || namespace === '')
    return reading.close(['secret'], 'the Secret of the client must be named with its namespace');
  const clientSecret = reading.secret(['secret', 'name'], name, ['clientSecret', 'value'], namespace);
  const redirectUrl = text(spec['redirectUrl']) || '/callback';
  if (!redirectUrl.startsWith('/') && !URL.canParse(redirectUrl))
    reading.close(['redirectUrl'], 'neither a URL nor a path');
  if (clientSecret === undefined) return undefined;
  return {
    kind: 'oidc',
    source: reading.document.ref,
    issuer,
    clientId,
    clientSecret,
    redirectUrl,
    logoutUrl: text(spec['logoutUrl']) || undefined,
    scopes: scopes.includes('openid') ? scopes : ['openid', ...scopes],
    authParams: textMap(spec['authParams']),
    noRedirectPaths: texts(spec['disableAuthRedirectionPaths']),
    session: { ...cookie(reading, 'session'), refresh: flag(fields(spec, 'session')['refresh']) !== false },
    stateCookie: cookie(reading, 'stateCookie'),
    claims: expression,
    forwardHeaders: reading.forwardHeaders(),
  };
}

function cookie(reading: AuthReading, field: string): CookieConfig {
  const from = fields(reading.spec, field);
  const domain = text(from['domain']) || undefined;
  const path = text(from['path']) || '/';
  if (/[;,\s]/.test(path)) reading.close([field, 'path'], 'not a path that a cookie can have');
  if (domain !== undefined)
    notEnforced(
      reading.scope,
      reading.document,
      reading.at([field, 'domain']),
      'the cookie counts for the host of the preview alone, whose domain is another',
      'info',
    );
  return { path, sameSite: sameSite(reading, field, from), secure: flag(from['secure']) === true };
}

function sameSite(reading: AuthReading, field: string, from: Fields): CookieConfig['sameSite'] {
  const written = text(from['sameSite'])?.toLowerCase() ?? '';
  if (written === 'strict') return 'Strict';
  if (written === 'none') return 'None';
  if (written !== '' && written !== 'lax')
    reading.close([field, 'sameSite'], 'one of lax, strict and none is expected');
  return 'Lax';
}

function credentialSource(reading: AuthReading, field: string): CredentialSource | undefined {
  const from = fields(reading.spec, field);
  const [header, query, cookieName] = [text(from['header']), text(from['query']), text(from['cookie'])];
  const scheme = text(from['headerAuthScheme']);
  if (!header && !query && !cookieName) return reading.close([field], 'no place is named where the credential is');
  return {
    ...(header ? { header } : {}),
    ...(scheme && header?.toLowerCase() === 'authorization' ? { scheme } : {}),
    ...(query ? { query } : {}),
    ...(cookieName ? { cookie: cookieName } : {}),
  };
}

function claims(reading: AuthReading): string | undefined {
  return claimsOf(reading.scope, reading.document, reading.at(['claims']), reading.spec['claims']);
}
