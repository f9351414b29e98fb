import { hostname } from 'node:os';
import { HeaderList, type HeaderPair } from '../../shared/http1/header-list.ts';
import { removeHopByHop } from '../../shared/http1/hop-by-hop.ts';
import type { RequestHead } from '../../shared/http1/message-head.ts';
import { writeRequestHead } from '../../shared/http1/write-head.ts';
import { INTERNAL_HEADER_PREFIX } from '../../shared/tunnel/protocol.ts';
import { withSlash } from './middlewares/go-path.ts';
import { OutgoingRequest, peerOf } from './middlewares/outgoing-request.ts';
import type { Forward } from './route-request.ts';
import type { Choice } from './services/choice.ts';

const SERVER = hostname();
/** Traefik believes these of trusted proxies only; the broker replaces the others itself. */
const CLAIMED: ReadonlySet<string> = new Set([
  'x-forwarded-uri',
  'x-forwarded-method',
  'x-forwarded-prefix',
  'x-forwarded-tls-client-cert',
  'x-forwarded-tls-client-cert-info',
]);
const NO_PAIRS: readonly HeaderPair[] = [];

/**
 * What goes upstream, as Traefik's middlewares get it: `X-Forwarded-{For,Host,Port,Proto}` are the broker's, who replaced
 * those of the visitor; `X-Forwarded-Server` and `X-Real-Ip` are added; our own headers are removed.
 */
export function outgoingRequest(head: RequestHead, forward: Forward): OutgoingRequest {
  const headers = head.headers.clone();
  removeHopByHop(headers);
  const list = headers.get('x-forwarded-for') ?? '';
  // The broker keeps what came before the peer only where it trusts the peer.
  const trusted = list.includes(',');
  headers.removeWhere(
    (name) =>
      name.startsWith(INTERNAL_HEADER_PREFIX) ||
      name === 'host' ||
      name === 'x-real-ip' ||
      (!trusted && name.startsWith('x-forwarded-') && CLAIMED.has(name)),
  );
  const clientIp = peerOf(headers);
  if (clientIp !== '') headers.append('X-Real-Ip', clientIp);
  headers.set('X-Forwarded-Server', SERVER);
  if (headers.get('user-agent') === '') headers.remove('user-agent');
  const { rawPath, query, host } = forward;
  return new OutgoingRequest({ method: head.method, rawPath, query, host, headers, clientIp });
}

/** The head of a request with these fields in place of its own. */
export function writeHead(request: OutgoingRequest, { target, passHostHeader }: Choice, headers: HeaderList): Buffer {
  const path = request.rawPath === '' ? '/' : withSlash(request.rawPath);
  return writeRequestHead({
    method: request.method,
    target: `${target.basePath}${path}${request.query}`,
    headers: new HeaderList([['Host', passHostHeader ? request.host : target.hostHeader], ...headers.pairs]),
  });
}

/** The head that is sent to a server. `upgrade`: the protocol that the visitor asks for. Throws Http1Error. */
export function writeOutgoing(request: OutgoingRequest, choice: Choice, upgrade: string | undefined): Buffer {
  const { target } = choice;
  const host = choice.passHostHeader ? request.host : target.hostHeader;
  const connection: readonly HeaderPair[] =
    upgrade === undefined
      ? NO_PAIRS
      : [
          ['Connection', 'Upgrade'],
          ['Upgrade', upgrade],
        ];
  const path = request.rawPath === '' ? '/' : withSlash(request.rawPath);
  return writeRequestHead({
    method: request.method,
    target: `${target.basePath}${path}${request.query}`,
    headers: new HeaderList([['Host', host], ...request.headers.pairs, ...connection]),
  });
}

/** Says of the trace what these fields do, in the place of what the visitor said; no fields: leaves it. */
export function putTrace(headers: HeaderList, fields: readonly HeaderPair[]): void {
  if (fields.length === 0) return;
  headers.removeWhere((name) => name === 'traceparent' || name === 'tracestate');
  headers.appendAll(fields);
}

/** The same for a head that is written already. */
export function withTrace(head: Buffer, fields: readonly HeaderPair[]): Buffer {
  if (fields.length === 0) return head;
  const [line = '', ...lines] = head.toString('latin1').split('\r\n');
  const others = lines.filter((other) => !/^trace(parent|state):/i.test(other));
  return Buffer.from([line, ...fields.map(([name, value]) => `${name}: ${value}`), ...others].join('\r\n'), 'latin1');
}
