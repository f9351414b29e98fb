import { fieldLines, HeaderList, type HeaderPair } from '../../shared/http1/header-list.ts';
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

const NO_PAIRS: readonly HeaderPair[] = [];

/** By the fields of responses that come again and again on a connection to an upstream. */
const made = new WeakMap<readonly HeaderPair[], Made>();

/** Changes the headers of an answer before they are written. */
export interface Decorator {
  decorate(headers: HeaderList): void;
}

/**
 * What the visitor gets of a response head other than 101. `route`: when every answer of it is changed in the same way.
 * `chunked`: the end of the body will be shown by chunks. `own`: fields of this answer alone, in place of the upstream's.
 */
export function responseHead(
  head: ResponseHead,
  route: RouteConfig | undefined,
  chunked: boolean,
  decorator: Decorator,
  own: readonly HeaderPair[],
): OutgoingHead {
  const { pairs, recurring } = head.headers;
  if (!recurring || route === undefined || chunked || own.some(([name]) => head.headers.has(name)))
    return make(head, chunked, decorator, own);
  const { status, reason } = head;
  let known = made.get(pairs);
  if (known?.status !== status || known.reason !== reason || known.route !== route) {
    known = { status, reason, route, ...make(head, chunked, decorator, NO_PAIRS) };
    made.set(pairs, known);
  }
  return own.length === 0 ? known : withMore(known, own);
}

function make(head: ResponseHead, chunked: boolean, decorator: Decorator, own: readonly HeaderPair[]): OutgoingHead {
  const { headers } = head;
  cleanResponse(headers, head.status);
  decorator.decorate(headers);
  for (const [name, value] of own) headers.set(name, value);
  if (chunked) headers.set('Transfer-Encoding', 'chunked');
  return { bytes: writeResponseHead(head), headers };
}

function withMore({ bytes, headers }: OutgoingHead, more: readonly HeaderPair[]): OutgoingHead {
  const end = bytes.length - 2;
  // Before the empty line at the end.
  const all = Buffer.concat([bytes.subarray(0, end), fieldLines(more), bytes.subarray(end)]);
  return { bytes: all, headers: HeaderList.over([...headers.pairs, ...more]) };
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
