import type { CorsConfig, SecureHeadersConfig } from '../../gateway/middleware.ts';
import { flag, integer, text, textMap, texts, type Fields } from '../field.ts';
import type { Reader, Reading } from './middleware-reading.ts';

/** Fields that set a header of the answer: name of the field, header, value; a later one comes before an earlier one. */
const FLAGS: readonly (readonly [string, string, string])[] = [
  ['frameDeny', 'X-Frame-Options', 'DENY'],
  ['contentTypeNosniff', 'X-Content-Type-Options', 'nosniff'],
  ['browserXssFilter', 'X-XSS-Protection', '1; mode=block'],
];
const TEXTS: readonly (readonly [string, string])[] = [
  ['customFrameOptionsValue', 'X-Frame-Options'],
  ['customBrowserXSSValue', 'X-XSS-Protection'],
  ['contentSecurityPolicy', 'Content-Security-Policy'],
  ['contentSecurityPolicyReportOnly', 'Content-Security-Policy-Report-Only'],
  ['referrerPolicy', 'Referrer-Policy'],
  ['permissionsPolicy', 'Permissions-Policy'],
];
/** Traefik v3 knows these fields and does nothing with them; of themselves they count as a configuration. */
const IDLE = ['sslRedirect', 'sslTemporaryRedirect', 'sslForceHost', 'sslHost', 'featurePolicy'] as const;
const FRAMING = new Set(['content-length', 'transfer-encoding', 'connection']);

export const headers: Reader = (reading) => {
  const { spec, source } = reading;
  const request = textMap(spec['customRequestHeaders']);
  const response = textMap(spec['customResponseHeaders']);
  const cors = corsOf(spec);
  for (const [at, each] of (cors?.allowOriginPatterns ?? []).entries())
    if (reading.badPattern(['accessControlAllowOriginListRegex', at], each)) return undefined;
  for (const name of Object.keys(response)) {
    if (FRAMING.has(name.toLowerCase()))
      reading.leftOut(['customResponseHeaders', name], `the gateway itself says how long an answer is`);
  }
  const secure = secureOf(spec);
  const custom = Object.keys(request).length > 0 || Object.keys(response).length > 0;
  if (!custom && cors === undefined && secure === undefined)
    return reading.refuse([], 'none of the options of "headers" is set');
  sayIdle(reading);
  return [{ kind: 'headers', source, request, response, cors, secure }];
};

function sayIdle(reading: Reading): void {
  for (const field of IDLE) {
    if (Object.hasOwn(reading.spec, field))
      reading.leftOut([field], 'Traefik v3 reads the field, and does nothing', 'info');
  }
}

function corsOf(spec: Fields): CorsConfig | undefined {
  const maxAgeSeconds = integer(spec['accessControlMaxAge']);
  const cors: CorsConfig = {
    allowOrigins: texts(spec['accessControlAllowOriginList']),
    allowOriginPatterns: texts(spec['accessControlAllowOriginListRegex']),
    allowMethods: texts(spec['accessControlAllowMethods']),
    allowHeaders: texts(spec['accessControlAllowHeaders']),
    exposeHeaders: texts(spec['accessControlExposeHeaders']),
    allowCredentials: flag(spec['accessControlAllowCredentials']) === true,
    maxAgeSeconds,
    addVaryHeader: flag(spec['addVaryHeader']) === true,
  };
  const lists = [cors.allowOrigins, cors.allowOriginPatterns, cors.allowMethods, cors.allowHeaders, cors.exposeHeaders];
  const set = lists.some((list) => list.length > 0) || cors.allowCredentials || cors.addVaryHeader;
  return set || (maxAgeSeconds ?? 0) !== 0 ? cors : undefined;
}

function secureOf(spec: Fields): SecureHeadersConfig | undefined {
  const always: Record<string, string> = {};
  const overTls: Record<string, string> = {};
  const development = flag(spec['isDevelopment']) === true;
  for (const [field, header, value] of FLAGS) if (flag(spec[field]) === true) always[header] = value;
  for (const [field, header] of TEXTS) {
    const value = text(spec[field]) ?? '';
    if (value !== '') always[header] = value;
  }
  const publicKey = text(spec['publicKey']) ?? '';
  if (publicKey !== '' && !development) overTls['Public-Key-Pins'] = publicKey;
  const seconds = integer(spec['stsSeconds']);
  if (seconds !== undefined && seconds !== 0 && !development) {
    const subdomains = flag(spec['stsIncludeSubdomains']) === true ? '; includeSubDomains' : '';
    const preload = flag(spec['stsPreload']) === true ? '; preload' : '';
    const into = flag(spec['forceSTSHeader']) === true ? always : overTls;
    into['Strict-Transport-Security'] = `max-age=${seconds}${subdomains}${preload}`;
  }
  const tlsHeaders = textMap(spec['sslProxyHeaders']);
  const allowedHosts = texts(spec['allowedHosts']);
  const hostHeaders = texts(spec['hostsProxyHeaders']);
  const flags = ['stsIncludeSubdomains', 'stsPreload', 'forceSTSHeader', 'isDevelopment'] as const;
  const set =
    [always, overTls, tlsHeaders].some((map) => Object.keys(map).length > 0) ||
    allowedHosts.length > 0 ||
    hostHeaders.length > 0 ||
    seconds !== undefined ||
    publicKey !== '' ||
    flags.some((field) => flag(spec[field]) === true) ||
    IDLE.some((field) => flag(spec[field]) === true || (text(spec[field]) ?? '') !== '');
  return set ? { always, overTls, tlsHeaders, allowedHosts: development ? [] : allowedHosts, hostHeaders } : undefined;
}
