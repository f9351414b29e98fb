import type { HeaderList } from '../shared/http1/header-list.ts';
import type { RequestHead, ResponseHead } from '../shared/http1/message-head.ts';
import { removeHopByHop } from '../shared/http1/hop-by-hop.ts';
import { INTERNAL_HEADER_PREFIX, INTERNAL_HEADERS } from '../shared/tunnel/protocol.ts';

/** Between edge and broker only: the hop count and the secret that proves the edge. */
export const RELAY_HOP_HEADER = 'x-adit-relay-hop';
export const RELAY_SECRET_HEADER = 'x-adit-relay-secret';

/** Who asked, as the first listener saw it. */
export interface VisitorFacts {
  readonly address: string;
  readonly proto: 'http' | 'https';
  /** As the visitor wrote it, with its port. */
  readonly host: string;
  readonly port: string;
}

/** What a visitor says about its own way here is not believed: it is dropped and set anew. */
function isForged(lowerName: string): boolean {
  return (
    (lowerName.startsWith('x-') &&
      (lowerName.startsWith('x-forwarded-') ||
        lowerName.startsWith(INTERNAL_HEADER_PREFIX) ||
        lowerName === 'x-real-ip')) ||
    lowerName === 'forwarded'
  );
}

/** Changes the headers of a visitor's request into those that go on. */
export function makeForwarded(head: RequestHead, visitor: VisitorFacts, upgrade: string | undefined): void {
  const { headers } = head;
  removeHopByHop(headers);
  headers.removeWhere(isForged);
  headers.appendAll([
    ['X-Forwarded-For', visitor.address],
    ['X-Forwarded-Proto', visitor.proto],
    ['X-Forwarded-Host', visitor.host],
    ['X-Forwarded-Port', visitor.port],
  ]);
  addUpgrade(headers, upgrade);
}

/** The same for a request that an edge relays: what the edge says of the visitor stays. */
export function makeRelayed(head: RequestHead, upgrade: string | undefined): void {
  removeHopByHop(head.headers);
  head.headers.removeWhere(
    (name) =>
      name === RELAY_HOP_HEADER ||
      name === RELAY_SECRET_HEADER ||
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
