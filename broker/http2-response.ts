import type { OutgoingHttpHeaders } from 'node:http2';
import type { HeaderList } from '../shared/http1/header-list.ts';

/** Belongs to one HTTP/1.1 connection, or to its framing (RFC 9113 §8.2.2). */
const NOT_IN_HTTP2: ReadonlySet<string> = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'transfer-encoding',
  'upgrade',
  'te',
  // Node.js throws for this one as for the others, also in trailers.
  'http2-settings',
]);

/** The same fields for an HTTP/2 stream: names in lower case, lines of one name together. */
export function http2Headers(headers: HeaderList, webSocket: boolean): OutgoingHttpHeaders {
  const made: Record<string, string | string[]> = Object.create(null) as Record<string, string | string[]>;
  for (const [name, value] of headers.pairs) {
    const lower = name.toLowerCase();
    if (NOT_IN_HTTP2.has(lower) || (webSocket && lower === 'sec-websocket-accept')) continue;
    const before = made[lower];
    if (before === undefined) made[lower] = value;
    else if (Array.isArray(before)) before.push(value);
    else made[lower] = [before, value];
  }
  return made;
}
