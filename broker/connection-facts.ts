/** What a listener knows of a connection before its first request. */
export interface ConnectionFacts {
  /** Of the visitor: the other end of the connection, or who a PROXY header says it is. IPv4 never in its IPv6 form. */
  readonly remoteAddress: string;
  /** What limits count for that address. */
  readonly group: string;
  /** The address is one of our proxies: what it says of the visitor is believed. */
  readonly trusted: boolean;
  readonly localPort: number;
  /** TLS ends here, or in front of the proxy that said so. */
  readonly secure: boolean;
  /** Canonical name that the visitor asked for in its TLS handshake. */
  readonly serverName: string | undefined;
  /** Version and cipher of a TLS that ends here, as the agent is told them. */
  readonly tls?: string | undefined;
  /** Of HTTP, when it is another than 1.1. */
  readonly httpVersion?: '2.0' | undefined;
}

/** IPv4 addresses as such, also when the listener is a dual-stack one. */
export function plainAddress(address: string | undefined): string {
  if (address === undefined) return 'unknown';
  return address.startsWith('::ffff:') && address.includes('.') ? address.slice(7) : address;
}

/** Whoever has IPv6 has a /64 at least: its addresses count as one. IPv4 as it is. */
export function addressGroup(address: string): string {
  if (!address.includes(':')) return address;
  const [before = '', after] = address.split('::');
  const groups = before === '' ? [] : before.split(':');
  const last = after === undefined || after === '' ? 0 : after.split(':').length;
  // What `::` stands for, as far as it belongs to the first half.
  while (after !== undefined && groups.length < Math.min(4, 8 - last)) groups.push('0');
  if (after !== undefined && groups.length < 4) groups.push(...after.split(':'));
  return `${groups
    .slice(0, 4)
    .map((group) => Number.parseInt(group, 16).toString(16))
    .join(':')}::/64`;
}

/** Loopback: whoever connects is on this machine. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || host.startsWith('127.');
}
