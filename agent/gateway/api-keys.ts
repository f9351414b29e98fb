import { hash, timingSafeEqual } from 'node:crypto';
import type { CredentialSource } from '../../shared/gateway/auth.ts';
import type { ApplicationConfig, AuthConfig } from '../../shared/gateway/config.ts';
import type { RequestView } from './request-view.ts';

export type ApiKeyAuth = Extract<AuthConfig, { kind: 'api-key' }>;

interface KnownKey {
  readonly digest: Buffer;
  readonly application: string;
  readonly suspended: boolean;
}

/** Whose key a text is. Digests are filed by their first bytes and compared in constant time. */
export class ApiKeys {
  #byPrefix = new Map<number, KnownKey[]>();

  constructor(applications: Readonly<Record<string, ApplicationConfig>>) {
    for (const [application, { keys }] of Object.entries(applications)) {
      for (const { sha256, suspended } of keys) {
        const digest = Buffer.from(sha256, 'hex');
        if (digest.length !== 32) continue;
        const prefix = digest.readUInt32BE(0);
        const list = this.#byPrefix.get(prefix);
        if (list === undefined) this.#byPrefix.set(prefix, [{ digest, application, suspended }]);
        else list.push({ digest, application, suspended });
      }
    }
  }

  /** The application, unless the key is unknown or suspended. */
  owner(key: string): string | undefined {
    const digest = hash('sha256', key, 'buffer');
    let owner: string | undefined;
    for (const known of this.#byPrefix.get(digest.readUInt32BE(0)) ?? []) {
      if (timingSafeEqual(known.digest, digest) && !known.suspended) owner ??= known.application;
    }
    return owner;
  }
}

/** Where the key is looked for: the configured places, or `Authorization: Bearer` and `?api_key=` when none is. */
export function keySources(auth: ApiKeyAuth): { header?: string; scheme?: string; query?: string } {
  const { header, scheme, query } = auth;
  if (header === undefined && query === undefined)
    return { header: 'authorization', scheme: 'Bearer', query: 'api_key' };
  return {
    ...(header === undefined ? {} : { header: header.toLowerCase() }),
    ...(scheme === undefined ? {} : { scheme }),
    ...(query === undefined ? {} : { query }),
  };
}

export function presentedKey(auth: ApiKeyAuth, request: RequestView): string | undefined {
  return presentedCredential(keySources(auth), request);
}

/** The first of the sources that holds one: header, query, cookie. `header` in lower case. */
export function presentedCredential(
  { header, scheme, query, cookie }: CredentialSource,
  request: RequestView,
): string | undefined {
  if (header !== undefined) {
    const value = request.header(header)?.trim();
    const key = value === undefined ? undefined : afterScheme(value, scheme);
    if (key !== undefined && key !== '') return key;
  }
  if (query !== undefined && request.rawQuery !== '') {
    const key = request.query().get(query);
    if (key !== null && key !== '') return key;
  }
  return cookie === undefined ? undefined : cookieValue(request, cookie);
}

/** RFC 6265 §5.4: the first cookie of the name. */
export function cookieValue(request: Pick<RequestView, 'headerValues'>, name: string): string | undefined {
  for (const line of request.headerValues('cookie')) {
    for (const pair of line.split(';')) {
      const mark = pair.indexOf('=');
      if (mark < 0 || pair.slice(0, mark).trim() !== name) continue;
      const value = pair.slice(mark + 1).trim();
      if (value !== '') return value;
    }
  }
  return undefined;
}

/** RFC 9110 §11.1: the scheme is case-insensitive, one or more spaces follow. */
function afterScheme(value: string, scheme: string | undefined): string | undefined {
  if (scheme === undefined || scheme === '') return value;
  if (value.length <= scheme.length || value.slice(0, scheme.length).toLowerCase() !== scheme.toLowerCase())
    return undefined;
  const rest = value.slice(scheme.length);
  return rest.startsWith(' ') ? rest.trimStart() : undefined;
}

/** RFC 9110 §11.6.1: what a 401 must say. */
export function challenge(auth: ApiKeyAuth, realm: string): string {
  const { header, scheme, query } = keySources(auth);
  const quoted = realm.replaceAll(/[^ !#-[\]-~]/g, '');
  const place = header === undefined ? `, in="query", name="${query ?? ''}"` : `, in="header", name="${header}"`;
  if (header === 'authorization' && scheme !== undefined) return `${scheme} realm="${quoted}"`;
  return `ApiKey realm="${quoted}"${place}`;
}
