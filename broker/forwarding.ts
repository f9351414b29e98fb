import { isIP } from 'node:net';
import type { HeaderList } from '../shared/http1/header-list.ts';
import { plainAddress } from '../shared/limits/address-group.ts';
import type { TrustedAddresses } from './trusted-addresses.ts';

/** What proxies that are trusted say of the way of a request. */
export interface Forwarding {
  /** The visitor: the last address on the way here that is not one of our proxies. */
  readonly client: string;
  /** The lists as they came, to which we add; undefined when there was none. */
  readonly forwardedFor: string | undefined;
  readonly forwarded: string | undefined;
  readonly proto: 'http' | 'https' | undefined;
  readonly host: string | undefined;
  readonly port: string | undefined;
}

/**
 * Reads the headers of a request that a trusted proxy at `peer` sent. Each proxy vouches for the one entry that it added
 * itself, so the list is read from its end until an address that is not trusted. `X-Forwarded-For` decides; `Forwarded`
 * (RFC 7239) where there is none.
 */
export function readForwarding(headers: HeaderList, peer: string, trusted: TrustedAddresses): Forwarding {
  const forwardedFor = joined(headers, 'x-forwarded-for');
  const forwarded = joined(headers, 'forwarded');
  const way = forwardedFor === undefined ? forwardedParts(forwarded, 'for') : forwardedFor.split(',');
  let client = peer;
  for (let at = way.length - 1; at >= 0 && trusted.has(client); at -= 1) {
    const next = addressOf((way[at] ?? '').trim());
    if (next === undefined) break;
    client = next;
  }
  const proto = (headers.get('x-forwarded-proto') ?? forwardedParts(forwarded, 'proto')[0])?.trim().toLowerCase();
  const port = headers.get('x-forwarded-port')?.trim();
  return {
    client,
    forwardedFor,
    forwarded,
    proto: proto === 'http' || proto === 'https' ? proto : undefined,
    host: joined(headers, 'x-forwarded-host'),
    port: port !== undefined && isPort(port) ? port : undefined,
  };
}

/** One element for `Forwarded`. */
export function forwardedElement(address: string, proto: string, host: string): string {
  const node = address.includes(':') ? `"[${address}]"` : address;
  const quoted = host.replaceAll('\\', '\\\\').replaceAll('"', '\\"');
  return `for=${node};proto=${proto};host="${quoted}"`;
}

function joined(headers: HeaderList, name: string): string | undefined {
  const values = headers.getAll(name).filter((value) => value.trim() !== '');
  return values.length === 0 ? undefined : values.join(', ');
}

/** An address of a list: alone, with a port, or in brackets. Undefined for names such as `unknown`. */
function addressOf(entry: string): string | undefined {
  if (isIP(entry) > 0) return plainAddress(entry);
  const close = entry.indexOf(']');
  const colon = entry.lastIndexOf(':');
  const inner = entry.startsWith('[') ? entry.slice(1, close) : entry.slice(0, colon);
  const port = entry.startsWith('[') ? entry.slice(close + 1) : entry.slice(colon);
  const wellFormed = port === '' ? entry.startsWith('[') : port.startsWith(':') && isPort(port.slice(1));
  return wellFormed && isIP(inner) > 0 ? plainAddress(inner) : undefined;
}

function isPort(text: string): boolean {
  const port = Number(text);
  return String(port) === text && Number.isInteger(port) && port > 0 && port <= 65_535;
}

/** The value of `name` in each element, '' where it is missing; commas and semicolons in quotes do not part. */
function forwardedParts(list: string | undefined, name: string): string[] {
  if (list === undefined) return [];
  return splitOutsideQuotes(list, ',').map((element) => {
    for (const pair of splitOutsideQuotes(element, ';')) {
      const equals = pair.indexOf('=');
      if (pair.slice(0, equals).trim().toLowerCase() === name) return unquoted(pair.slice(equals + 1).trim());
    }
    return '';
  });
}

function splitOutsideQuotes(text: string, separator: string): string[] {
  const parts: string[] = [];
  let quoted = false;
  let from = 0;
  for (let at = 0; at < text.length; at += 1) {
    const character = text[at];
    if (quoted && character === '\\') at += 1;
    else if (character === '"') quoted = !quoted;
    else if (character === separator && !quoted) {
      parts.push(text.slice(from, at));
      from = at + 1;
    }
  }
  parts.push(text.slice(from));
  return parts;
}

function unquoted(value: string): string {
  return value.length > 1 && value.startsWith('"') && value.endsWith('"') ? value.slice(1, -1) : value;
}
