import { createHash } from 'node:crypto';
import { isIP } from 'node:net';
import type { TransportConfig } from '../../shared/gateway/service.ts';
import { AgentError } from '../errors.ts';
import { isRefusedAddress } from './address-guard.ts';

/** What a balancer is told of the requests to a server that it chose. Each that began ends, whatever happened between. */
export interface ServerWatch {
  began(): void;
  /** `tookMs`: since it began. */
  answered(status: number, tookMs: number): void;
  /** It could not be reached, or gave up before an answer. */
  failed(): void;
  ended(): void;
}

/** A base URL, taken apart once. */
export interface UpstreamTarget {
  /** Connections with the same key are interchangeable. */
  readonly key: string;
  /** For people. */
  readonly origin: string;
  readonly secure: boolean;
  /** `offered`: HTTP/2 if the server takes it in its TLS handshake. */
  readonly http2: 'never' | 'offered' | 'always';
  readonly hostname: string;
  readonly port: number;
  /** For `Host` when the visitor's is not passed on. */
  readonly hostHeader: string;
  /** Put before the path; without a slash at its end. */
  readonly basePath: string;
  readonly transport: TransportConfig | undefined;
  readonly watch: ServerWatch | undefined;
}

const PORTS: Readonly<Record<string, number>> = { 'http:': 80, 'h2c:': 80, 'https:': 443 };

/** Throws AgentError `upstream-refused` for addresses that are never dialled, and for what is no http, https or h2c URL. */
export function upstreamTarget(
  url: string,
  options: { transport?: TransportConfig | undefined; watch?: ServerWatch | undefined } = {},
): UpstreamTarget {
  // The parser knows default ports and hosts of http only.
  const plain = url.replace(/^h2c:/i, 'http:');
  if (!URL.canParse(plain)) throw new AgentError('upstream-refused', `${JSON.stringify(url)} is not a URL.`);
  const { protocol: scheme, hostname, port, host, pathname } = new URL(plain);
  const protocol = plain === url ? scheme : 'h2c:';
  const defaultPort = PORTS[protocol];
  if (defaultPort === undefined) throw new AgentError('upstream-refused', `${url} is neither http, https nor h2c.`);
  const bare = hostname.startsWith('[') ? hostname.slice(1, -1) : hostname;
  if (isIP(bare) !== 0 && isRefusedAddress(bare)) throw new AgentError('upstream-refused', `${url} is not dialled.`);
  const { transport, watch } = options;
  const origin = `${protocol}//${host}`;
  return {
    key: transport === undefined ? origin : `${origin} ${digest(JSON.stringify(transport))}`,
    origin,
    secure: protocol === 'https:',
    http2:
      protocol === 'h2c:' ? 'always' : protocol === 'https:' && transport?.disableHttp2 !== true ? 'offered' : 'never',
    hostname: bare,
    port: port === '' ? defaultPort : Number(port),
    hostHeader: host,
    basePath: pathname.endsWith('/') ? pathname.slice(0, -1) : pathname,
    transport,
    watch,
  };
}

/** For an upgrade, which HTTP/2 does not know: what else is offered is not taken. */
export function withoutHttp2(target: UpstreamTarget): UpstreamTarget {
  return target.http2 === 'offered' ? { ...target, key: `${target.key} http/1.1`, http2: 'never' } : target;
}

function digest(text: string): string {
  return createHash('sha256').update(text).digest('base64');
}
