import type { HeaderList, HeaderPair } from '../../../shared/http1/header-list.ts';
import { decodedPath } from './go-path.ts';

/** What goes upstream, while middlewares change it. Cleaned of what is of the visitor's connection only. */
export class OutgoingRequest {
  readonly method: string;
  /** Escaped. Empty where a prefix took all of it: sent as `/`, but middlewares behind see it empty. */
  rawPath: string;
  /** With its `?`; empty when there is none. */
  query: string;
  /** As the manifests know it, with the port that the visitor named; a middleware may set another. */
  host: string;
  readonly headers: HeaderList;
  /** Address of the visitor as the broker saw it. */
  readonly clientIp: string;
  /** As they came, before any middleware. */
  readonly #arrived: readonly HeaderPair[];

  constructor(parts: {
    method: string;
    rawPath: string;
    query: string;
    host: string;
    headers: HeaderList;
    clientIp?: string;
  }) {
    this.method = parts.method;
    this.rawPath = parts.rawPath;
    this.query = parts.query;
    this.host = parts.host;
    this.headers = parts.headers;
    this.#arrived = parts.headers.pairs;
    this.clientIp = parts.clientIp ?? peerOf(parts.headers);
  }

  /** The visitor came by TLS, whatever middlewares say since. */
  get secure(): boolean {
    const scheme = this.#arrived.find(([name]) => name.toLowerCase() === 'x-forwarded-proto')?.[1];
    return scheme === 'https' || scheme === 'wss';
  }

  /** Without escapes. */
  get path(): string {
    return decodedPath(this.rawPath);
  }

  /** The first value; the name in lower case. */
  header(name: string): string | undefined {
    return this.headers.get(name);
  }

  headerValues(name: string): readonly string[] {
    return this.headers.getAll(name);
  }

  /** Path and query, as in a request line. */
  get uri(): string {
    return `${this.rawPath === '' ? '/' : this.rawPath}${this.query}`;
  }

  /**
   * X-Forwarded-For as it came to the gateway: Traefik adds the address of the peer only after its middlewares, the
   * broker has added it before.
   */
  get forwardedFor(): string {
    const value = this.headers.getAll('x-forwarded-for').join(', ');
    const comma = value.lastIndexOf(',');
    return comma < 0 ? '' : value.slice(0, comma).trimEnd();
  }
}

/** The last of X-Forwarded-For: the broker adds the address that it saw, as Traefik would. */
export function peerOf(headers: HeaderList): string {
  const list = headers.get('x-forwarded-for') ?? '';
  return (list.includes(',') ? list.slice(list.lastIndexOf(',') + 1) : list).trim();
}
