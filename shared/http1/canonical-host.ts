import { isIPv6 } from 'node:net';
import { domainToASCII } from 'node:url';
import { fail, ok } from '../result/result.ts';
import type { Result } from '../result/result.ts';

export interface CanonicalHost {
  /** Lower case, without port and trailing dot; IDN as `xn--`; IPv6 in brackets. */
  readonly host: string;
  readonly port: number | undefined;
}

const MAX_HOST_BYTES = 253;

/**
 * The one form of a `Host` value that routing and access checks use. The value is Latin-1 text as the parser gives it;
 * bytes above 127 are taken for UTF-8. Fails with `http1.bad-host`.
 */
export function canonicalHost(value: string): Result<CanonicalHost> {
  if (value === '' || value.length > MAX_HOST_BYTES + 8) return bad(value);
  if (value.startsWith('[')) return bracketed(value);
  const colon = value.indexOf(':');
  const name = colon < 0 ? value : value.slice(0, colon);
  const port = colon < 0 ? undefined : parsePort(value.slice(colon + 1));
  if (Number.isNaN(port)) return bad(value);
  const host = canonicalName(name);
  return host === undefined ? bad(value) : ok({ host, port });
}

function bad(value: string): Result<never> {
  return fail('http1.bad-host', `${JSON.stringify(value.slice(0, 80))} is not a host with an optional port`);
}

function bracketed(value: string): Result<CanonicalHost> {
  const close = value.indexOf(']');
  const inner = value.slice(1, close);
  const after = value.slice(close + 1);
  if (close < 0 || inner.includes('%') || !isIPv6(inner) || (after !== '' && !after.startsWith(':'))) return bad(value);
  const port = after === '' ? undefined : parsePort(after.slice(1));
  if (Number.isNaN(port)) return bad(value);
  return ok({ host: new URL(`http://[${inner}]/`).hostname, port });
}

/** NaN for what is no port; an empty port is none (RFC 3986 §3.2.3). */
function parsePort(text: string): number | undefined {
  if (text === '') return undefined;
  if (text.length > 5) return Number.NaN;
  let port = 0;
  for (let at = 0; at < text.length; at += 1) {
    const digit = text.charCodeAt(at) - 0x30;
    if (digit < 0 || digit > 9) return Number.NaN;
    port = port * 10 + digit;
  }
  return port > 65_535 ? Number.NaN : port;
}

function canonicalName(name: string): string | undefined {
  let plain = true;
  for (let at = 0; at < name.length; at += 1) {
    const code = name.charCodeAt(at);
    if (code > 0x7f) plain = false;
    else if (!isNameCharacter(code)) return undefined;
  }
  let host = name.toLowerCase();
  if (!plain) {
    const utf8 = Buffer.from(name, 'latin1').toString('utf8');
    if (utf8.includes('\uFFFD')) return undefined;
    host = domainToASCII(utf8);
  } else if (host.includes('xn--')) host = domainToASCII(host);
  if (host.endsWith('.')) host = host.slice(0, -1);
  if (host === '' || host.length > MAX_HOST_BYTES || host.startsWith('.') || host.includes('..') || host.endsWith('.'))
    return undefined;
  for (let at = 0; at < host.length; at += 1) if (!isNameCharacter(host.charCodeAt(at))) return undefined;
  return host;
}

function isNameCharacter(code: number): boolean {
  return (
    (code >= 0x30 && code <= 0x39) ||
    (code >= 0x41 && code <= 0x5a) ||
    (code >= 0x61 && code <= 0x7a) ||
    code === 0x2d ||
    code === 0x2e ||
    code === 0x5f
  );
}
