import type { HeaderList } from '../shared/http1/header-list.ts';
import type { RequestHead, ResponseHead } from '../shared/http1/message-head.ts';
import { removeHopByHop } from '../shared/http1/hop-by-hop.ts';
import { isForged } from './forged-fields.ts';
import { forwardedElement } from './forwarding.ts';
import type { Forwarding } from './forwarding.ts';
import { INTERNAL_HEADER_PREFIX, INTERNAL_HEADERS } from '../shared/tunnel/protocol.ts';

/** Between edge and broker only: the hop count and the secret that proves the edge. */
export const RELAY_HOP_HEADER = 'x-adit-relay-hop';
export const RELAY_SECRET_HEADER = 'x-adit-relay-secret';
/** The edge knows another broker to try: better an answer that says so at once than a wait for a session that is silent. */
export const RELAY_OTHERS_HEADER = 'x-adit-relay-others';

/** Who asked, as the first listener saw it. */
export interface VisitorFacts {
  readonly address: string;
  readonly proto: 'http' | 'https';
  /** As the visitor wrote it, with its port. */
  readonly host: string;
  readonly port: string;
  readonly tls?: string | undefined;
  readonly httpVersion?: string | undefined;
  /** What the trusted proxy says that asked for the visitor. */
  readonly via?: Forwarding | undefined;
}

/** Changes the headers of a visitor's request into those that go on; the lists of a trusted proxy go on with it added. */
export function makeForwarded(head: RequestHead, visitor: VisitorFacts, upgrade: string | undefined): void {
  const { headers } = head;
  removeHopByHop(headers);
  headers.removeWhere(isForged);
  const { via, address, proto, host, port, tls, httpVersion } = visitor;
  headers.appendAll([
    ['X-Forwarded-For', via?.forwardedFor === undefined ? address : `${via.forwardedFor}, ${address}`],
    ['X-Forwarded-Proto', via?.proto ?? proto],
    ['X-Forwarded-Host', via?.host ?? host],
    ['X-Forwarded-Port', via?.port ?? (via?.proto === undefined ? port : String(defaultPort(via.proto)))],
  ]);
  if (via?.forwarded !== undefined)
    headers.append('Forwarded', `${via.forwarded}, ${forwardedElement(address, proto, host)}`);
  if (tls !== undefined) headers.append(INTERNAL_HEADERS.tls, tls);
  if (httpVersion !== undefined) headers.append(INTERNAL_HEADERS.httpVersion, httpVersion);
  addUpgrade(headers, upgrade);
}

export function defaultPort(proto: 'http' | 'https'): number {
  return proto === 'https' ? 443 : 80;
}

/** The same for a request that an edge relays: what the edge says of the visitor stays. */
export function makeRelayed(head: RequestHead, upgrade: string | undefined): void {
  removeHopByHop(head.headers);
  head.headers.removeWhere(
    (name) =>
      name === RELAY_HOP_HEADER ||
      name === RELAY_SECRET_HEADER ||
      name === RELAY_OTHERS_HEADER ||
      name === INTERNAL_HEADERS.requestId ||
      name === INTERNAL_HEADERS.attempt ||
      name === INTERNAL_HEADERS.broker,
  );
  addUpgrade(head.headers, upgrade);
}

function addUpgrade(headers: HeaderList, upgrade: string | undefined): void {
  if (upgrade === undefined) return;
  headers.append('Connection', 'Upgrade');
  headers.append('Upgrade', upgrade);
}

/** The protocol to upgrade to, when it is one that is passed on. Others (`h2c`) are hidden, as RFC 9110 §7.8 allows. */
export function wantedUpgrade(head: RequestHead): string | undefined {
  if (head.framing.kind !== 'upgrade' || head.method !== 'GET') return undefined;
  return head.headers.get('upgrade')?.toLowerCase() === 'websocket' ? 'websocket' : undefined;
}

/** Changes the headers of a response into those that the visitor gets. `connection` is the value of `Connection`, if any. */
export function makeResponseHeaders(head: ResponseHead, connection: string | undefined): void {
  const upgrade = head.framing.kind === 'upgrade' ? head.headers.get('upgrade') : undefined;
  removeHopByHop(head.headers);
  head.headers.removeWhere((name) => name.startsWith(INTERNAL_HEADER_PREFIX));
  if (upgrade !== undefined) addUpgrade(head.headers, upgrade);
  else if (connection !== undefined) head.headers.append('Connection', connection);
}
