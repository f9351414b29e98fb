import type { HeaderList, HeaderPair } from '../../shared/http1/header-list.ts';
import { removeHopByHop } from '../../shared/http1/hop-by-hop.ts';
import type { ResponseHead } from '../../shared/http1/message-head.ts';
import { writeResponseHead } from '../../shared/http1/write-head.ts';
import { INTERNAL_HEADER_PREFIX } from '../../shared/tunnel/protocol.ts';
import { isBodiless } from './own-answer.ts';
import type { RouteConfig } from '../../shared/gateway/config.ts';

export interface OutgoingHead {
  readonly bytes: Buffer;
  readonly headers: HeaderList;
}

interface Made extends OutgoingHead {
  readonly status: number;
  readonly reason: string;
  readonly route: RouteConfig | undefined;
}

const FRAMING: ReadonlySet<string> = new Set(['content-length', 'transfer-encoding']);

/** By the fields of responses that come again and again on a connection to an upstream. */
const made = new WeakMap<readonly HeaderPair[], Made>();

/** Changes the headers of an answer before they are written. */
export interface Decorator {
  decorate(headers: HeaderList): void;
}

/**
 * What the visitor gets of a response head other than 101. `route`: when every answer of it is changed in the same way.
 * `chunked`: the end of the body will be shown by chunks.
 */
export function responseHead(
  head: ResponseHead,
  route: RouteConfig | undefined,
  chunked: boolean,
  decorator: Decorator,
): OutgoingHead {
  if (!head.headers.recurring || route === undefined || chunked) return make(head, chunked, decorator);
  const { status, reason } = head;
  const { pairs } = head.headers;
  const known = made.get(pairs);
  if (known !== undefined && known.status === status && known.reason === reason && known.route === route) return known;
  const { bytes, headers } = make(head, chunked, decorator);
  const outgoing = { status, reason, route, bytes, headers };
  made.set(pairs, outgoing);
  return outgoing;
}

function make(head: ResponseHead, chunked: boolean, decorator: Decorator): OutgoingHead {
  const { headers } = head;
  cleanResponse(headers, head.status);
  decorator.decorate(headers);
  if (chunked) headers.set('Transfer-Encoding', 'chunked');
  return { bytes: writeResponseHead(head), headers };
}

/** Removes what is of the upstream connection only, and what Go's server does not send with the status. */
export function cleanResponse(headers: HeaderList, status: number): void {
  removeHopByHop(headers);
  const bodiless = isBodiless(status);
  headers.removeWhere(
    (name) =>
      name.startsWith(INTERNAL_HEADER_PREFIX) ||
      (bodiless && (FRAMING.has(name) || (status === 304 && name === 'content-type'))),
  );
}
