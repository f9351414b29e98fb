import type { CredentialSource } from '../../gateway/auth.ts';
import type { AuthConfig } from '../../gateway/config.ts';
import { fields, flag, isFields, text } from '../field.ts';
import type { ManifestDocument } from '../types.ts';
import { AuthReading } from './auth-reading.ts';
import { tokenConfig } from './auth-tokens.ts';
import { notEnforced, type Scope } from './scope.ts';

/** What an API asks for when its namespace has no APIAuth, and when an APIAuth names no source (`hub-kinds` facts 1.3). */
const DEFAULT_KEY_SOURCE = { header: 'Authorization', scheme: 'Bearer', query: 'api_key' };

const made = new WeakMap<Scope, Map<ManifestDocument, AuthConfig>>();

/** What an APIAuth asks of the calls to all APIs of its namespace; what is wrong with it is said once. */
export function authConfig(scope: Scope, auth: ManifestDocument | undefined): AuthConfig {
  if (auth === undefined) return { kind: 'api-key', ...DEFAULT_KEY_SOURCE };
  let ofScope = made.get(scope);
  if (ofScope === undefined) made.set(scope, (ofScope = new Map<ManifestDocument, AuthConfig>()));
  const known = ofScope.get(auth);
  if (known !== undefined) return known;
  const config = read(scope, auth);
  ofScope.set(auth, config);
  return config;
}

/** Says what is wrong with an APIAuth that applies to no API yet, and which one does not apply at all. */
export function describeAuth(scope: Scope, auth: ManifestDocument): void {
  const spec = fields(auth.value, 'spec');
  if (scope.resolution.auths.get(auth.ref.namespace) === auth) authConfig(scope, auth);
  else if (spec['isDefault'] === false)
    notEnforced(
      scope,
      auth,
      ['spec', 'isDefault'],
      'only the default APIAuth of a namespace applies to its APIs',
      'info',
    );
}

function read(scope: Scope, auth: ManifestDocument): AuthConfig {
  const spec = fields(auth.value, 'spec');
  if (Object.hasOwn(spec, 'keyless')) return { kind: 'keyless', source: auth.ref };
  const calls = `calls to the APIs of namespace "${auth.ref.namespace}"`;
  if (Object.hasOwn(spec, 'jwt')) return jwt(new AuthReading(scope, auth, 'jwt', calls));
  if (Object.hasOwn(spec, 'ldap')) return ldap(new AuthReading(scope, auth, 'ldap', calls));
  return { kind: 'api-key', source: auth.ref, ...keySource(fields(spec, 'apiKey')['keySource']) };
}

function keySource(source: unknown): Omit<CredentialSource, 'cookie'> {
  if (!isFields(source)) return DEFAULT_KEY_SOURCE;
  return {
    header: text(source['header']) || undefined,
    scheme: text(source['headerAuthScheme']) || undefined,
    query: text(source['query']) || undefined,
  };
}

function jwt(reading: AuthReading): AuthConfig {
  const { spec } = reading;
  const tokens = tokenConfig(reading);
  const appIdClaim = text(spec['appIdClaim']) ?? '';
  if (appIdClaim === '') reading.close(['appIdClaim'], 'no claim names the application');
  return reading.served(
    tokens === undefined
      ? undefined
      : { kind: 'jwt', ...tokens, appIdClaim, tokenNameClaim: text(spec['tokenNameClaim']) || undefined },
  );
}

function ldap(reading: AuthReading): AuthConfig {
  const { spec } = reading;
  const url = text(spec['url']) ?? '';
  const protocol = URL.canParse(url) ? new URL(url).protocol : '';
  if (protocol !== 'ldap:' && protocol !== 'ldaps:') reading.close(['url'], 'not an ldap:// or ldaps:// URL');
  const startTls = flag(spec['startTls']) === true;
  if (startTls && protocol === 'ldaps:') reading.close(['startTls'], 'a connection by ldaps:// has TLS already');
  const searchFilter = text(spec['searchFilter']) || undefined;
  if (searchFilter !== undefined && !/^\(.+\)$/s.test(searchFilter.trim()))
    reading.close(['searchFilter'], 'a filter stands in parentheses: (uid=%s)');
  const secretName = text(spec['bindPasswordSecretName']);
  return reading.served({
    kind: 'ldap',
    source: reading.document.ref,
    url,
    startTls,
    ca: text(spec['certificateAuthority']) || undefined,
    insecureSkipVerify: flag(spec['insecureSkipVerify']) === true,
    attribute: text(spec['attribute']) || 'cn',
    baseDn: text(spec['baseDn']) ?? '',
    bindDn: text(spec['bindDn']) || undefined,
    bindPassword:
      secretName === undefined ? undefined : reading.secret(['bindPasswordSecretName'], secretName, ['password']),
    searchFilter,
  });
}
