import type { TransportConfig } from '../../gateway/config.ts';
import { fields, flag, integer, isFields, items, text, textMap, type Fields } from '../field.ts';
import type { FieldPath } from '../field-path.ts';
import { CORE, TRAEFIK } from '../kinds.ts';
import type { ManifestDocument } from '../types.ts';
import { keyOf, notEnforced, say, type Scope } from './scope.ts';
import { secretKeys, secretValue } from './secret-value.ts';
import { serviceDuration } from './service-duration.ts';

const DIAL_MS = 30_000;
const IDLE_MS = 90_000;
const PING_MS = 15_000;
const CA_KEYS = ['tls.ca', 'ca.crt'];

/** The key of a ServersTransport of the files; undefined when Traefik knows none by this name. */
export function serversTransport(scope: Scope, namespace: string, name: string): string | undefined {
  const document = scope.resolution.byId.get(`${TRAEFIK}/ServersTransport/${namespace}/${name}`);
  if (document === undefined) return undefined;
  const key = keyOf(document);
  if (!scope.transports.has(key)) scope.transports.set(key, transportConfig(scope, document));
  return key;
}

function transportConfig(scope: Scope, document: ManifestDocument): TransportConfig {
  const spec = fields(document.value, 'spec');
  if (Object.hasOwn(spec, 'spiffe')) {
    notEnforced(
      scope,
      document,
      ['spec', 'spiffe'],
      'a preview has no SPIFFE identity; the certificate is checked as any other',
    );
  }
  if (items(spec['certificatesSecrets']).length > 1)
    notEnforced(
      scope,
      document,
      ['spec', 'certificatesSecrets', 1],
      'the first client certificate is shown to every server',
    );
  const timeouts = fields(spec, 'forwardingTimeouts');
  const time = (field: string, otherwise: number): number => {
    const written = timeouts[field];
    if (written === undefined) return otherwise;
    const ms = serviceDuration(written);
    if (ms === undefined)
      say(
        scope,
        document,
        'route-invalid',
        ['spec', 'forwardingTimeouts', field],
        `${JSON.stringify(written)} is not a duration`,
        { severity: 'warning' },
      );
    return ms ?? 0;
  };
  return {
    source: document.ref,
    serverName: text(spec['serverName']) || undefined,
    insecureSkipVerify: flag(spec['insecureSkipVerify']) ?? false,
    rootCAs: rootCAs(scope, document, spec),
    certificates: certificates(scope, document, spec),
    peerCertURI: text(spec['peerCertURI']) || undefined,
    disableHttp2: flag(spec['disableHTTP2']) ?? false,
    maxIdleConnsPerHost: integer(spec['maxIdleConnsPerHost']) ?? 0,
    dialTimeoutMs: time('dialTimeout', DIAL_MS),
    responseHeaderTimeoutMs: time('responseHeaderTimeout', 0),
    idleConnTimeoutMs: time('idleConnTimeout', IDLE_MS),
    readIdleTimeoutMs: time('readIdleTimeout', 0),
    pingTimeoutMs: time('pingTimeout', PING_MS),
  };
}

function rootCAs(scope: Scope, document: ManifestDocument, spec: Fields): string[] {
  const found: string[] = [];
  for (const [at, name] of items(spec['rootCAsSecrets']).entries()) {
    const ca = typeof name === 'string' ? caOfSecret(scope, document, name, ['spec', 'rootCAsSecrets', at]) : undefined;
    if (ca !== undefined) found.push(ca);
  }
  for (const [at, entry] of items(spec['rootCAs']).entries()) {
    const path = ['spec', 'rootCAs', at];
    const secret = text(fields(entry)['secret']);
    const map = text(fields(entry)['configMap']);
    const ca =
      secret !== undefined
        ? caOfSecret(scope, document, secret, [...path, 'secret'])
        : map !== undefined
          ? caOfConfigMap(scope, document, map, [...path, 'configMap'])
          : undefined;
    if (ca !== undefined) found.push(ca);
  }
  return found;
}

function caOfSecret(scope: Scope, document: ManifestDocument, name: string, path: FieldPath): string | undefined {
  const secret = scope.resolution.byId.get(`${CORE}/Secret/${document.ref.namespace}/${name}`);
  // Missing, it is told with the other references.
  if (secret === undefined) return undefined;
  const keys = secretKeys(secret);
  const ca = secretValue(secret, CA_KEYS) ?? (keys.length === 1 ? secretValue(secret, keys) : undefined);
  if (ca === undefined) leftOut(scope, document, path, `Secret "${name}" has neither tls.ca nor ca.crt`);
  return ca;
}

function caOfConfigMap(scope: Scope, document: ManifestDocument, name: string, path: FieldPath): string | undefined {
  const map = scope.resolution.byId.get(`${CORE}/ConfigMap/${document.ref.namespace}/${name}`);
  const data = textMap(fields(map?.value, 'data'));
  const ca = CA_KEYS.map((key) => data[key]).find((value) => value !== undefined);
  if (ca === undefined) {
    const why = map === undefined ? 'is not in the files' : 'has neither tls.ca nor ca.crt';
    leftOut(scope, document, path, `ConfigMap "${name}" ${why}`);
  }
  return ca;
}

function certificates(scope: Scope, document: ManifestDocument, spec: Fields): TransportConfig['certificates'] {
  return items(spec['certificatesSecrets']).flatMap((name, at) => {
    const secret = scope.resolution.byId.get(`${CORE}/Secret/${document.ref.namespace}/${String(name)}`);
    if (secret === undefined || !isFields(secret.value)) return [];
    const cert = secretValue(secret, ['tls.crt']);
    const key = secretValue(secret, ['tls.key']);
    if (cert !== undefined && key !== undefined) return [{ cert, key }];
    leftOut(
      scope,
      document,
      ['spec', 'certificatesSecrets', at],
      `Secret "${String(name)}" has no tls.crt with tls.key`,
    );
    return [];
  });
}

function leftOut(scope: Scope, document: ManifestDocument, path: FieldPath, why: string): void {
  say(scope, document, 'secret-key-missing', path, `${why}: it is left out, as Traefik does`, { severity: 'warning' });
}
