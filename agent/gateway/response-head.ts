import type { HeaderList, HeaderPair } from '../../shared/http1/header-list.ts';
import { removeHopByHop } from '../../shared/http1/hop-by-hop.ts';
import type { ResponseHead } from '../../shared/http1/message-head.ts';
import { writeResponseHead } from '../../shared/http1/write-head.ts';
import { INTERNAL_HEADER_PREFIX } from '../../shared/tunnel/protocol.ts';
import type { RouteConfig } from '../../shared/gateway/config.ts';
import type { Routed } from './route-request.ts';

export interface OutgoingHead {
  readonly bytes: Buffer;
  readonly headers: HeaderList;
}

interface Made extends OutgoingHead {
  readonly status: number;
  readonly reason: string;
  readonly route: RouteConfig | undefined;
}

/** By the fields of responses that come again and again on a connection to an upstream. */
const made = new WeakMap<readonly HeaderPair[], Made>();

/** What the visitor gets of a response head other than 101. `chunked`: the end of the body will be shown by chunks. */
export function responseHead(head: ResponseHead, routed: Routed, chunked: boolean): OutgoingHead {
  if (!head.headers.recurring || !routed.stable || chunked) return make(head, routed, chunked);
  const { status, reason } = head;
  const { pairs } = head.headers;
  const known = made.get(pairs);
  if (known !== undefined && known.status === status && known.reason === reason && known.route === routed.route)
    return known;
  const { bytes, headers } = make(head, routed, chunked);
  const outgoing = { status, reason, route: routed.route, bytes, headers };
  made.set(pairs, outgoing);
  return outgoing;
}

function make(head: ResponseHead, routed: Routed, chunked: boolean): OutgoingHead {
  const { headers } = head;
  cleanResponse(headers, routed);
  if (chunked) headers.set('Transfer-Encoding', 'chunked');
  return { bytes: writeResponseHead(head), headers };
}

/** Removes what is of the upstream connection only, and lets policy and middlewares change the rest. */
export function cleanResponse(headers: HeaderList, routed: Routed): void {
  removeHopByHop(headers);
  headers.removeWhere((name) => name.startsWith(INTERNAL_HEADER_PREFIX));
  routed.decorate(headers);
}
