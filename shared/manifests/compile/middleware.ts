import type { MiddlewareConfig } from '../../gateway/config.ts';
import { fields, flag, integer, text, textMap, texts, type Fields } from '../field.ts';
import type { ManifestDocument } from '../types.ts';
import { notEnforced, type Scope } from './scope.ts';

/** Fields of `headers` that only set a header of the answer: name of the field, header, value. */
const RESPONSE_FLAGS: readonly (readonly [string, string, string])[] = [
  ['frameDeny', 'X-Frame-Options', 'DENY'],
  ['contentTypeNosniff', 'X-Content-Type-Options', 'nosniff'],
  ['browserXssFilter', 'X-XSS-Protection', '1; mode=block'],
];
const RESPONSE_TEXTS: readonly (readonly [string, string])[] = [
  ['customFrameOptionsValue', 'X-Frame-Options'],
  ['customBrowserXSSValue', 'X-XSS-Protection'],
  ['contentSecurityPolicy', 'Content-Security-Policy'],
  ['contentSecurityPolicyReportOnly', 'Content-Security-Policy-Report-Only'],
  ['publicKey', 'Public-Key-Pins'],
  ['referrerPolicy', 'Referrer-Policy'],
  ['permissionsPolicy', 'Permissions-Policy'],
];
const STS_FIELDS = ['stsSeconds', 'stsIncludeSubdomains', 'stsPreload', 'forceSTSHeader'];
const SERVED = new Set([
  'customRequestHeaders', 'customResponseHeaders',
  ...RESPONSE_FLAGS.map(([field]) => field), ...RESPONSE_TEXTS.map(([field]) => field), ...STS_FIELDS,
]); // prettier-ignore

/** What the gateway applies for a Middleware object; nothing for a type that it does not serve (said once, not per route). */
export function middlewareConfig(document: ManifestDocument): MiddlewareConfig | undefined {
  const spec = fields(document.value, 'spec');
  if (Object.hasOwn(spec, 'stripPrefix')) {
    return {
      kind: 'strip-prefix',
      source: document.ref,
      prefixes: texts(fields(spec, 'stripPrefix')['prefixes']).map(withSlash),
    };
  }
  if (Object.hasOwn(spec, 'headers')) return headers(document, fields(spec, 'headers'));
  return undefined;
}

/** Says what of a Middleware object a preview leaves out. */
export function describeMiddleware(scope: Scope, document: ManifestDocument): void {
  const spec = fields(document.value, 'spec');
  for (const type of Object.keys(spec)) {
    if (type === 'stripPrefix') {
      if (fields(spec, 'stripPrefix')['forceSlash'] === false) {
        notEnforced(scope, document, ['spec', 'stripPrefix', 'forceSlash'], 'an empty path always becomes "/"');
      }
    } else if (type === 'headers') {
      for (const field of Object.keys(fields(spec, 'headers'))) {
        if (!SERVED.has(field))
          notEnforced(scope, document, ['spec', 'headers', field], `the gateway does not apply "${field}" yet`);
      }
    } else {
      notEnforced(
        scope,
        document,
        ['spec', type],
        `the gateway does not apply middlewares of type "${type}" yet; routes are served without it`,
      );
    }
  }
}

function headers(document: ManifestDocument, spec: Fields): MiddlewareConfig {
  const response: Record<string, string> = {};
  for (const [field, header, value] of RESPONSE_FLAGS) if (flag(spec[field]) === true) response[header] = value;
  for (const [field, header] of RESPONSE_TEXTS) {
    const value = text(spec[field]);
    if (value !== undefined && value !== '') response[header] = value;
  }
  const seconds = integer(spec['stsSeconds']);
  // A preview speaks plain HTTP behind the edge, where Traefik sends this header only when it is forced to.
  if (seconds !== undefined && seconds > 0 && flag(spec['forceSTSHeader']) === true) {
    const subdomains = flag(spec['stsIncludeSubdomains']) === true ? '; includeSubDomains' : '';
    response['Strict-Transport-Security'] =
      `max-age=${seconds}${subdomains}${flag(spec['stsPreload']) === true ? '; preload' : ''}`;
  }
  return {
    kind: 'headers',
    source: document.ref,
    request: textMap(spec['customRequestHeaders']),
    response: { ...response, ...textMap(spec['customResponseHeaders']) },
  };
}

/** Traefik takes a prefix without its slash as if it had one. */
function withSlash(prefix: string): string {
  return prefix.startsWith('/') ? prefix : `/${prefix}`;
}
