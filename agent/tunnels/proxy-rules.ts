import { BlockList, isIP } from 'node:net';

import { AgentError } from '../errors.ts';

export type ProxyEnvironment = Readonly<Record<string, string | undefined>>;

const DEFAULT_PORTS: Readonly<Record<string, number>> = { 'http:': 80, 'ws:': 80, 'https:': 443, 'wss:': 443 };

/** The port that a URL leads to. */
export function portOf(url: URL): number {
  return url.port === '' ? (DEFAULT_PORTS[url.protocol] ?? 443) : Number(url.port);
}

/** The host of a URL as sockets take it, without the brackets of IPv6. */
export function hostOf(url: URL): string {
  return url.hostname.replace(/^\[|\]$/g, '');
}

/**
 * The proxy for a URL, as other programs read the same variables: `HTTPS_PROXY` for `https:` and `wss:`, `HTTP_PROXY` for
 * `http:` and `ws:` (lower case first), unless `NO_PROXY` names the host. Loopback is never proxied. Throws `proxy-invalid`.
 */
export function proxyFor(url: URL, environment: ProxyEnvironment): URL | undefined {
  const name = url.protocol === 'https:' || url.protocol === 'wss:' ? 'HTTPS_PROXY' : 'HTTP_PROXY';
  const text = variable(environment, name);
  if (text === undefined || isLoopback(hostOf(url))) return undefined;
  if (isExempt(hostOf(url), portOf(url), variable(environment, 'NO_PROXY') ?? '')) return undefined;
  const written = text.includes('://') ? text : `http://${text}`;
  const proxy = URL.canParse(written) ? new URL(written) : undefined;
  if (proxy === undefined || !['http:', 'https:'].includes(proxy.protocol) || proxy.hostname === '')
    // The value may hold a password.
    throw new AgentError('proxy-invalid', `${name} is not the URL of an HTTP proxy`);
  return proxy;
}

function variable(environment: ProxyEnvironment, name: string): string | undefined {
  const value = environment[name.toLowerCase()] ?? environment[name];
  return value === undefined || value.trim() === '' ? undefined : value.trim();
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host.endsWith('.localhost') || host === '::1' || /^127(\.\d{1,3}){3}$/.test(host);
}

/**
 * `NO_PROXY`: entries between commas or spaces. `*`: all. `10.0.0.0/8`, `fd00::/8`: addresses of the network. An address:
 * itself. `example.com`: it and what is below; `.example.com` and `*.example.com`: what is below. Each may end in `:PORT`.
 */
function isExempt(host: string, port: number, list: string): boolean {
  const name = host.toLowerCase().replace(/\.$/, '');
  return list
    .toLowerCase()
    .split(/[\s,]+/)
    .filter((entry) => entry !== '')
    .some((entry) => entry === '*' || matches(name, port, entry));
}

function matches(host: string, port: number, entry: string): boolean {
  const family = isIP(host);
  const slash = entry.lastIndexOf('/');
  if (slash > 0) return family !== 0 && isWithin(host, family, entry.slice(0, slash), Number(entry.slice(slash + 1)));
  const [, inBrackets, plain, wantedPort] =
    /^(?:\[([^\]]+)\]|([^:]*|[^:]*:[^:]*:.*?))(?::(\d{1,5}))?$/.exec(entry) ?? [];
  const wanted = isIP(entry) === 6 ? entry : (inBrackets ?? plain ?? '');
  if (isIP(entry) !== 6 && wantedPort !== undefined && Number(wantedPort) !== port) return false;
  if (family !== 0) return isIP(wanted) === family && isWithin(host, family, wanted, family === 4 ? 32 : 128);
  const suffix = wanted.replace(/^\*?\./, '');
  if (suffix === '') return false;
  return host.endsWith(`.${suffix}`) || (suffix === wanted && host === suffix);
}

function isWithin(host: string, family: number, network: string, prefix: number): boolean {
  const kind = family === 4 ? 'ipv4' : 'ipv6';
  if (isIP(network) !== family || !Number.isInteger(prefix) || prefix < 0 || prefix > (family === 4 ? 32 : 128))
    return false;
  const list = new BlockList();
  list.addSubnet(network, prefix, kind);
  return list.check(host, kind);
}
