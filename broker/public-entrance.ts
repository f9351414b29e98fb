import { canonicalHost } from '../shared/http1/canonical-host.ts';
import type { CanonicalHost } from '../shared/http1/canonical-host.ts';
import type { HeaderList, HeaderPair } from '../shared/http1/header-list.ts';
import type { RequestHead } from '../shared/http1/message-head.ts';
import { addressGroup } from '../shared/limits/address-group.ts';
import type { AddressLimits } from './address-limits.ts';
import type { ConnectionFacts } from './connection-facts.ts';
import type { Admission, Entrance } from './entrance.ts';
import { readForwarding } from './forwarding.ts';
import type { Forwarding } from './forwarding.ts';
import { defaultPort, makeForwarded, wantedUpgrade } from './request-headers.ts';
import { nextRequestId } from './request-id.ts';
import type { TrustedAddresses } from './trusted-addresses.ts';

const MAX_CACHED_HOSTS = 4096;

export interface PublicEntranceOptions {
  readonly proto: 'http' | 'https';
  readonly trusted: TrustedAddresses;
  readonly addresses: AddressLimits;
}

/** Any visitor: nothing that it says of itself is believed, unless it is a proxy of ours. */
export class PublicEntrance implements Entrance {
  readonly toPeer = false;
  readonly #proto: 'http' | 'https';
  readonly #trusted: TrustedAddresses;
  readonly #addresses: AddressLimits;
  /** Parsing a host costs more than a look-up; unknown hosts cannot fill it beyond its bound. */
  readonly #hosts = new Map<string, CanonicalHost>();
  /** What was made of fields that come again and again on a connection. */
  readonly #made = new WeakMap<readonly HeaderPair[], HeaderList>();

  constructor(options: PublicEntranceOptions) {
    this.#proto = options.proto;
    this.#trusted = options.trusted;
    this.#addresses = options.addresses;
  }

  admit(head: RequestHead, connection: ConnectionFacts): Admission {
    const { remoteAddress } = connection;
    const via = connection.trusted ? readForwarding(head.headers, remoteAddress, this.#trusted) : undefined;
    if (!this.#mayAsk(via, connection)) return { kind: 'refuse', code: 'broker.too-many-requests' };
    if (head.method === 'CONNECT') return { kind: 'refuse', code: 'broker.connect-refused' };
    const value = head.headers.get('host');
    if (value === undefined) return { kind: 'refuse', code: 'broker.bad-request', detail: 'Host is missing.' };
    const host = this.#canonical(value);
    if (host === undefined)
      return { kind: 'refuse', code: 'broker.bad-request', detail: 'Host is not a host with an optional port.' };
    if (connection.serverName !== undefined && connection.serverName !== host.host)
      return { kind: 'refuse', code: 'broker.misdirected' };
    if (head.target.charCodeAt(0) !== 0x2f && head.target !== '*') {
      const target = originForm(head.target, host);
      if (target === undefined) return { kind: 'refuse', code: 'broker.misdirected' };
      head.target = target;
    }
    const upgrade = wantedUpgrade(head);
    const requestId = nextRequestId();
    const port = String(
      host.port ?? (value.includes(':') || this.#proto === 'https' ? defaultPort(this.#proto) : connection.localPort),
    );
    const { headers } = head;
    const made = headers.recurring && upgrade === undefined ? this.#made.get(headers.pairs) : undefined;
    if (made !== undefined) head.headers = made;
    else {
      const { recurring, pairs } = headers;
      const { tls, httpVersion } = connection;
      const visitor = { address: remoteAddress, proto: this.#proto, host: value, port, tls, httpVersion, via };
      makeForwarded(head, visitor, upgrade);
      if (recurring && upgrade === undefined) this.#made.set(pairs, headers);
    }
    return { kind: 'forward', request: { head, host: host.host, requestId, upgrade, triesBefore: 0, relayed: false } };
  }

  /** Proxies of ours have no limit of their own. */
  #mayAsk(via: Forwarding | undefined, connection: ConnectionFacts): boolean {
    if (via === undefined) return this.#addresses.mayAsk(connection.group);
    return this.#trusted.has(via.client) || this.#addresses.mayAsk(addressGroup(via.client));
  }

  #canonical(value: string): CanonicalHost | undefined {
    const known = this.#hosts.get(value);
    if (known !== undefined) return known;
    const made = canonicalHost(value);
    if (!made.ok) return undefined;
    if (this.#hosts.size >= MAX_CACHED_HOSTS) this.#hosts.clear();
    this.#hosts.set(value, made.value);
    return made.value;
  }
}

/** Absolute form must name the same host and port as `Host` (RFC 9112 §3.2.2); undefined when it does not. */
function originForm(target: string, host: CanonicalHost): string | undefined {
  const from = target.indexOf('//') + 2;
  let end = from;
  while (end < target.length && target[end] !== '/' && target[end] !== '?') end += 1;
  const named = canonicalHost(target.slice(from, end));
  const usual = target.slice(0, 6).toLowerCase() === 'https:' ? 443 : 80;
  if (!named.ok || named.value.host !== host.host || (named.value.port ?? usual) !== (host.port ?? usual))
    return undefined;
  const rest = target.slice(end);
  return rest.startsWith('/') ? rest : `/${rest}`;
}
