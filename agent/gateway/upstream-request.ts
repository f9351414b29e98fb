import { hostname } from 'node:os';
import { HeaderList } from '../../shared/http1/header-list.ts';
import { removeHopByHop } from '../../shared/http1/hop-by-hop.ts';
import type { RequestHead } from '../../shared/http1/message-head.ts';
import { writeRequestHead } from '../../shared/http1/write-head.ts';
import { INTERNAL_HEADER_PREFIX } from '../../shared/tunnel/protocol.ts';
import { applyToRequest, type OutgoingRequest } from './apply-middlewares.ts';
import type { Forward } from './route-request.ts';
import type { UpstreamTarget } from './upstream-target.ts';

const SERVER = hostname();

/**
 * The head that goes upstream, as Traefik makes it: `X-Forwarded-{For,Host,Port,Proto}` are the broker's, who replaced
 * those of the visitor; `X-Forwarded-Server` and `X-Real-Ip` are added; our own headers are removed.
 */
export function upstreamRequest(head: RequestHead, forward: Forward, target: UpstreamTarget, upgrade: boolean): Buffer {
  const headers = head.headers.clone();
  removeHopByHop(headers);
  headers.removeWhere((name) => name.startsWith(INTERNAL_HEADER_PREFIX) || name === 'host' || name === 'x-real-ip');
  const visitor = (headers.get('x-forwarded-for') ?? '').split(',', 1)[0]?.trim() ?? '';
  if (visitor !== '') headers.append('X-Real-Ip', visitor);
  headers.set('X-Forwarded-Server', SERVER);
  const outgoing: OutgoingRequest = { rawPath: forward.rawPath, host: undefined, headers };
  applyToRequest(forward.route.middlewares, outgoing);
  const host = outgoing.host ?? (forward.choice.passHostHeader ? forward.host : target.hostHeader);
  const connection: [string, string][] = upgrade
    ? [
        ['Connection', 'Upgrade'],
        ['Upgrade', head.headers.get('upgrade') ?? ''],
      ]
    : [];
  const query = forward.rawQuery === '' && !head.target.endsWith('?') ? '' : `?${forward.rawQuery}`;
  return writeRequestHead({
    method: head.method,
    target: `${target.basePath}${outgoing.rawPath}${query}`,
    headers: new HeaderList([['Host', host], ...headers.pairs, ...connection]),
  });
}
