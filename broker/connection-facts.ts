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

/** Loopback: whoever connects is on this machine. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || host.startsWith('127.');
}
