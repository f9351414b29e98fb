import { isIP } from 'node:net';
import { AgentError } from '../errors.ts';
import { isRefusedAddress } from './address-guard.ts';

/** A base URL, taken apart once. */
export interface UpstreamTarget {
  /** Connections with the same key are interchangeable. */
  readonly key: string;
  readonly secure: boolean;
  readonly hostname: string;
  readonly port: number;
  /** For `Host` when the visitor's is not passed on. */
  readonly hostHeader: string;
  /** Put before the path; without a slash at its end. */
  readonly basePath: string;
}

/** Throws AgentError `upstream-refused` for addresses that are never dialled, and for what is no http(s) URL. */
export function upstreamTarget(url: string): UpstreamTarget {
  if (!URL.canParse(url)) throw new AgentError('upstream-refused', `${JSON.stringify(url)} is not a URL.`);
  const { protocol, hostname, port, host, pathname } = new URL(url);
  if (protocol !== 'http:' && protocol !== 'https:') {
    throw new AgentError('upstream-refused', `${url} is neither http nor https.`);
  }
  const bare = hostname.startsWith('[') ? hostname.slice(1, -1) : hostname;
  if (isIP(bare) !== 0 && isRefusedAddress(bare)) throw new AgentError('upstream-refused', `${url} is not dialled.`);
  const secure = protocol === 'https:';
  return {
    key: `${protocol}//${host}`,
    secure,
    hostname: bare,
    port: port === '' ? (secure ? 443 : 80) : Number(port),
    hostHeader: host,
    basePath: pathname.endsWith('/') ? pathname.slice(0, -1) : pathname,
  };
}
