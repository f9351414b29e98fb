/** What a listener knows of a connection before its first request. */
export interface ConnectionFacts {
  /** Of the visitor: the other end of the connection, or who a PROXY header says it is. IPv4 never in its IPv6 form. */
  readonly remoteAddress: string;
  readonly localPort: number;
  /** TLS ends here, or in front of the proxy that said so. */
  readonly secure: boolean;
  /** Canonical name that the visitor asked for in its TLS handshake. */
  readonly serverName: string | undefined;
}

/** IPv4 addresses as such, also when the listener is a dual-stack one. */
export function plainAddress(address: string | undefined): string {
  if (address === undefined) return 'unknown';
  return address.startsWith('::ffff:') && address.includes('.') ? address.slice(7) : address;
}
