import type { ExchangeStart } from '../../recorder/exchange-record.ts';
import { headerValue } from './header-value.ts';

/** What the broker says of the visitor of an exchange, in the terms of Traefik's entry points. */
export interface VisitorFacts {
  /** Traefik's usual names: `web` in the clear, `websecure` by TLS. */
  readonly entryPoint: string;
  readonly scheme: 'http' | 'https';
  /** `Host` as the visitor wrote it. */
  readonly host: string;
  /** The address that the broker saw; its port is not known here. */
  readonly address: string;
  /** Who a trusted proxy says asked, and through whom; else as `address`. */
  readonly forwardedFor: string;
  /** `1.1`, or `2.0` for HTTP/2. */
  readonly httpVersion: string;
  readonly tls: { readonly version: string; readonly cipher: string } | undefined;
}

export function visitorFacts({ headers, host, tls, httpVersion = '1.1' }: ExchangeStart): VisitorFacts {
  const list = headerValue(headers, 'x-forwarded-for') ?? '';
  const comma = list.lastIndexOf(',');
  const address = list.slice(comma + 1).trim();
  const scheme = headerValue(headers, 'x-forwarded-proto') === 'https' ? 'https' : 'http';
  const [version = '', cipher = ''] = tls?.split(' ') ?? [];
  return {
    entryPoint: scheme === 'https' ? 'websecure' : 'web',
    scheme,
    httpVersion,
    host: headerValue(headers, 'host') ?? host,
    address,
    forwardedFor: comma < 0 ? address : list.slice(0, comma).trim(),
    tls: tls === undefined ? undefined : { version, cipher },
  };
}
