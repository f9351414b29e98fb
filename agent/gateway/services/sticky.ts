import { createHash } from 'node:crypto';
import type { StickyConfig } from '../../../shared/gateway/service.ts';
import type { ChoiceBasis } from './choice.ts';
import { fnv1 } from './fnv.ts';

export interface Named {
  readonly name: string;
}

/** Leads a visitor to what served him before, by a cookie that names it by a hash, as Traefik's does. */
export class Sticky<T extends Named> {
  readonly #config: StickyConfig;
  readonly #byValue = new Map<string, T>();
  /** Under the values of older cookies: what they lead to is written anew. */
  readonly #byOldValue = new Map<string, T>();

  constructor(config: StickyConfig, entries: Iterable<T>) {
    this.#config = config;
    for (const entry of entries) {
      this.#byValue.set(valueOf(entry.name), entry);
      const hash = fnv1(entry.name).toString(16);
      for (const value of [entry.name, hash, fnv1(hash).toString(16)]) this.#byOldValue.set(value, entry);
    }
  }

  /** What the visitor's cookie leads to; `stale`: it must be written anew. */
  find(basis: ChoiceBasis): { entry: T; stale: boolean } | undefined {
    const value = cookieValue(basis.headerValues('cookie'), this.#config.cookie);
    if (value === undefined) return undefined;
    const entry = this.#byValue.get(value);
    if (entry !== undefined) return { entry, stale: false };
    const old = this.#byOldValue.get(value);
    return old === undefined ? undefined : { entry: old, stale: true };
  }

  /** The `Set-Cookie` that leads to it, with its attributes in the order in which Go writes them. */
  cookieFor(entry: T): string {
    const { cookie, path, domain, maxAge, httpOnly, secure, sameSite } = this.#config;
    let text = `${cookie}=${valueOf(entry.name)}`;
    if (path !== '') text += `; Path=${path}`;
    if (domain !== undefined && domain !== '') text += `; Domain=${domain.replace(/^\./, '')}`;
    if (maxAge !== 0) text += `; Max-Age=${Math.max(0, maxAge)}`;
    if (httpOnly) text += '; HttpOnly';
    if (secure) text += '; Secure';
    if (sameSite !== undefined) text += `; SameSite=${sameSite.charAt(0).toUpperCase()}${sameSite.slice(1)}`;
    return text;
  }
}

function valueOf(name: string): string {
  return createHash('sha256').update(name).digest('hex').slice(0, 16);
}

/** The value of the first cookie of this name, without its quotes (RFC 6265 §4.2.1, as Go reads it). */
function cookieValue(fields: readonly string[], name: string): string | undefined {
  for (const field of fields) {
    for (const part of field.split(';')) {
      const pair = part.trim();
      const equals = pair.indexOf('=');
      if (equals < 0 || pair.slice(0, equals).trim() !== name) continue;
      const value = pair.slice(equals + 1);
      return value.length > 1 && value.startsWith('"') && value.endsWith('"') ? value.slice(1, -1) : value;
    }
  }
  return undefined;
}
