import type { IncomingHttpHeaders } from 'node:http';

export interface GuardInput {
  readonly method: string;
  readonly headers: IncomingHttpHeaders;
  /** A WebSocket handshake, or a call: must come from our own page. */
  readonly fromPage: boolean;
}

/**
 * Whether a request may be answered: its `Host` must be an address of ours (a name that was rebound to 127.0.0.1 is
 * not), its `Origin`, where sent, our own; calls and sockets must send one. Pure.
 */
export function refusal(hosts: ReadonlySet<string>, { method, headers, fromPage }: GuardInput): string | undefined {
  const host = headers.host?.toLowerCase();
  if (host === undefined || !hosts.has(host)) return 'the Host header does not name this server';
  const { origin } = headers;
  if (origin === undefined) {
    if (fromPage) return 'a call must come from the page of this server';
  } else if (origin !== `http://${host}`) return 'the Origin is another site';
  const site = headers['sec-fetch-site'];
  if (fromPage && site !== undefined && site !== 'same-origin') return 'a call must come from the page of this server';
  if (!fromPage && method !== 'GET' && method !== 'HEAD') return 'only the page’s calls may change something';
  return undefined;
}
