import type { OutgoingHttpHeaders } from 'node:http2';
import type { HeaderList } from '../../shared/http1/header-list.ts';
import type { RequestHead } from '../../shared/http1/message-head.ts';

/** Fields of an HTTP/1.1 connection, which HTTP/2 forbids (RFC 9113 §8.2.2); `host` becomes `:authority`. */
const NOT_IN_HTTP2: ReadonlySet<string> = new Set([
  'connection',
  'host',
  'http2-settings',
  'keep-alive',
  'proxy-connection',
  'transfer-encoding',
  'upgrade',
]);

export function http2RequestHeaders({ method, target, headers }: RequestHead, secure: boolean): OutgoingHttpHeaders {
  const fields: OutgoingHttpHeaders = {
    ':method': method,
    ':scheme': secure ? 'https' : 'http',
    ':authority': headers.get('host') ?? '',
    ':path': target,
  };
  for (const [written, value] of headers) {
    const name = written.toLowerCase();
    if (NOT_IN_HTTP2.has(name) || (name === 'te' && value.toLowerCase() !== 'trailers')) continue;
    addField(fields, name, value);
  }
  return fields;
}

export function http2Trailers(trailers: HeaderList): OutgoingHttpHeaders {
  const fields: OutgoingHttpHeaders = {};
  for (const [name, value] of trailers) addField(fields, name.toLowerCase(), value);
  return fields;
}

function addField(fields: OutgoingHttpHeaders, name: string, value: string): void {
  const before = fields[name];
  if (before === undefined) fields[name] = value;
  else if (name === 'cookie') fields[name] = `${String(before)}; ${value}`;
  else fields[name] = Array.isArray(before) ? [...before, value] : [String(before), value];
}
