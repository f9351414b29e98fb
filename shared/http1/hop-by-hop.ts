import { lowerName } from './field-name.ts';
import { withoutBlanks, type HeaderList } from './header-list.ts';

/** Fields of one connection only (RFC 9110 §7.6.1), without those that frame a body whose bytes are passed on as they are. */
const HOP_BY_HOP: ReadonlySet<string> = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'proxy-authenticate',
  'proxy-authorization',
  'te',
  'upgrade',
  'http2-settings',
]);
/** Never removed because a sender names them in `Connection`: framing and routing are not his to hide. */
const KEPT: ReadonlySet<string> = new Set(['host', 'content-length', 'transfer-encoding', 'trailer']);

/** Removes the fields that must not be passed on, also those that `Connection` names. `TE: trailers` is kept for gRPC. */
export function removeHopByHop(headers: HeaderList): void {
  const named = new Set<string>();
  let trailers = false;
  for (const [name, value] of headers.pairs) {
    if (name.length === 10 && lowerName(name) === 'connection') {
      for (const part of value.split(',')) named.add(withoutBlanks(part).toLowerCase());
    } else if (name.length === 2 && lowerName(name) === 'te' && value.toLowerCase().includes('trailers'))
      trailers = true;
  }
  headers.removeWhere((name) => HOP_BY_HOP.has(name) || (named.has(name) && !KEPT.has(name)));
  if (trailers) headers.append('TE', 'trailers');
}
