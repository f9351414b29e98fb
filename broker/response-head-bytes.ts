import type { HeaderPair } from '../shared/http1/header-list.ts';
import type { ResponseHead } from '../shared/http1/message-head.ts';
import { writeResponseHead } from '../shared/http1/write-head.ts';
import { makeResponseHeaders } from './request-headers.ts';

interface Made {
  readonly status: number;
  readonly reason: string;
  readonly connection: string | undefined;
  readonly bytes: Buffer;
}

/** By the fields of responses that come again and again on a connection. */
const made = new WeakMap<readonly HeaderPair[], Made>();

/**
 * The head that the visitor gets. `connection` is the value of `Connection`, if any; `decoded`: the chunk framing was
 * taken off for an HTTP/1.0 visitor. Throws `Http1Error`. The bytes may be the same for several responses.
 */
export function responseHeadBytes(head: ResponseHead, connection: string | undefined, decoded: boolean): Buffer {
  if (!head.headers.recurring || decoded || head.framing.kind === 'upgrade') return make(head, connection, decoded);
  const { status, reason } = head;
  const { pairs } = head.headers;
  const known = made.get(pairs);
  if (known !== undefined && known.status === status && known.reason === reason && known.connection === connection)
    return known.bytes;
  const bytes = make(head, connection, false);
  made.set(pairs, { status, reason, connection, bytes });
  return bytes;
}

function make(head: ResponseHead, connection: string | undefined, decoded: boolean): Buffer {
  makeResponseHeaders(head, connection);
  if (decoded) head.headers.remove('transfer-encoding');
  return writeResponseHead(head);
}
