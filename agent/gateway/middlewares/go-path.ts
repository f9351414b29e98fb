import { byteText } from '../../../shared/gateway/byte-text.ts';

/**
 * Paths as Go's `net/url` holds them: a path with its escapes, and what it means. A path that was put together from
 * parts is sent with the escapes that it has, when they are right, else with Go's own.
 */
const PLAIN = /^[A-Za-z0-9\-._~$&+,/:;=@!'()*[\]%]*$/;
const KEPT: ReadonlySet<number> = new Set(
  Buffer.from('ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~$&+,/:;=@', 'latin1'),
);

/** The bytes of a path without its escapes; undefined when a `%` is not followed by two hex digits. */
export function unescapePath(raw: string): Buffer | undefined {
  const text = Buffer.from(raw, 'utf8');
  if (!raw.includes('%')) return text;
  const out = Buffer.allocUnsafe(text.length);
  let length = 0;
  for (let at = 0; at < text.length; at++) {
    const byte = text[at] ?? 0;
    if (byte !== 0x25) {
      out[length++] = byte;
      continue;
    }
    const hex = text.toString('latin1', at + 1, at + 3);
    if (!/^[0-9a-fA-F]{2}$/.test(hex)) return undefined;
    out[length++] = Number.parseInt(hex, 16);
    at += 2;
  }
  return out.subarray(0, length);
}

/** Escapes all that Go does not leave as it is in a path. */
export function escapePath(path: Uint8Array): string {
  let out = '';
  for (const byte of path)
    out += KEPT.has(byte) ? String.fromCharCode(byte) : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`;
  return out;
}

/** What a regular expression or a prefix is compared with: the path without escapes. */
export function decodedPath(raw: string): string {
  return raw.includes('%') ? byteText(unescapePath(raw) ?? Buffer.from(raw, 'utf8')) : raw;
}

/** The path as it is sent; undefined when its escapes are wrong. */
export function sentPath(raw: string): string | undefined {
  if (PLAIN.test(raw) && !raw.includes('%')) return raw;
  const path = unescapePath(raw);
  if (path === undefined) return undefined;
  return PLAIN.test(raw) ? raw : escapePath(path);
}

/** A plain path, as a configuration names it, put before an escaped one. */
export function joinPath(prefix: string, raw: string): string {
  const rest = unescapePath(raw) ?? Buffer.from(raw, 'utf8');
  const path = Buffer.concat([Buffer.from(prefix, 'utf8'), rest]);
  // Go keeps escapes apart only where they differ from its own.
  if (escapePath(rest) === raw) return withSlash(escapePath(path));
  const joined = `${prefix}${raw}`;
  const kept = PLAIN.test(joined) && unescapePath(joined)?.equals(path) === true;
  return withSlash(kept ? joined : escapePath(path));
}

/** Traefik puts a slash before a path that lost its own; an empty path stays empty. */
export function withSlash(path: string): string {
  return path === '' || path.startsWith('/') ? path : `/${path}`;
}
