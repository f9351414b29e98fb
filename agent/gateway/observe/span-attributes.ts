import type { Attributes, AttributeValue } from '@opentelemetry/api';
import type { TracingConfig } from '../../../shared/workspace/observe-config.ts';
import type { ExchangeStart, Headers } from '../../recorder/exchange-record.ts';
import type { WatchedRequest } from '../../recorder/exchange-watch.ts';
import { headerValue } from './header-value.ts';
import { visitorFacts } from './visitor-facts.ts';

type Redaction = Pick<TracingConfig, 'safeQueryParams'>;

const REDACTED = 'REDACTED';
const DEFAULT_PORTS: Readonly<Record<string, number>> = { http: 80, https: 443, h2c: 80 };

/** Of the span of an entry point: names and choice are Traefik's, from OpenTelemetry's conventions for HTTP servers. */
export function serverAttributes(start: ExchangeStart, config: TracingConfig): Attributes {
  const { method, target, headers, mask } = start;
  const { entryPoint, scheme, httpVersion, host, address } = visitorFacts(start);
  const mark = target.indexOf('?');
  return {
    entry_point: entryPoint,
    'http.request.method': method,
    'http.request.body.size': bodySize(headers),
    'network.protocol.version': httpVersion.replace('.0', ''),
    'url.path': decoded(mark < 0 ? target : target.slice(0, mark)),
    'url.query': mark < 0 ? '' : redacted(target.slice(mark + 1), config),
    'url.scheme': scheme,
    'user_agent.original': headerValue(headers, 'user-agent') ?? '',
    'server.address': host,
    ...(address === '' ? {} : { 'client.address': address, 'network.peer.address': address }),
    ...captured('request', mask.headers(headers), config.capturedRequestHeaders),
  };
}

/** Of the span of a request to somebody else; the conventions for HTTP clients. */
export function clientAttributes(
  { method, url, headers }: WatchedRequest,
  { mask }: ExchangeStart,
  config: TracingConfig,
): Attributes {
  const [, scheme = '', authority = '', path = '', , query] = /^([^:]+):\/\/([^/?]*)([^?]*)(\?(.*))?$/s.exec(url) ?? [];
  const [, host = authority, port] = /^(.*):(\d+)$/.exec(authority) ?? [];
  const portNumber = port === undefined ? DEFAULT_PORTS[scheme] : Number(port);
  const bare = host.startsWith('[') ? host.slice(1, -1) : host;
  return {
    'http.request.method': method,
    'network.protocol.version': scheme === 'h2c' ? '2' : '1.1',
    'url.full': `${scheme}://${authority}${path}${query === undefined ? '' : `?${redacted(query, config)}`}`,
    'url.scheme': scheme === 'h2c' ? 'http' : scheme,
    'user_agent.original': headerValue(headers, 'user-agent') ?? '',
    'server.address': bare,
    'network.peer.address': bare,
    ...(portNumber === undefined ? {} : { 'server.port': portNumber, 'network.peer.port': portNumber }),
    ...captured('request', mask.headers(headers), config.capturedRequestHeaders),
  };
}

export function responseAttributes(
  status: number,
  headers: Headers,
  { mask }: ExchangeStart,
  config: TracingConfig,
): Attributes {
  return {
    ...(status > 0 ? { 'http.response.status_code': status } : {}),
    ...captured('response', mask.headers(headers), config.capturedResponseHeaders),
  };
}

/** Each wanted header with all its values. The user agent has an attribute of its own. */
function captured(
  of: 'request' | 'response',
  headers: readonly (readonly [string, string])[],
  wanted: readonly string[],
): Attributes {
  const attributes: Record<string, AttributeValue> = {};
  for (const name of wanted) {
    const lower = name.toLowerCase();
    if (of === 'request' && lower === 'user-agent') continue;
    const values = headers.flatMap(([other, value]) => (other.toLowerCase() === lower ? [value] : []));
    if (values.length > 0) attributes[`http.${of}.header.${lower}`] = values;
  }
  return attributes;
}

/** As Go's `url.Values` are written: sorted by name, a redacted one once. */
function redacted(query: string, { safeQueryParams }: Redaction): string {
  const shown = new URLSearchParams();
  for (const [name, value] of new URLSearchParams(query))
    if (safeQueryParams.includes(name)) shown.append(name, value);
    else shown.set(name, REDACTED);
  shown.sort();
  return shown.toString();
}

/** -1: not known before its end. */
function bodySize(headers: Headers): number {
  const length = headerValue(headers, 'content-length');
  if (length !== undefined) return Number(length);
  return headerValue(headers, 'transfer-encoding') === undefined ? 0 : -1;
}

function decoded(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    // No UTF-8 behind the escapes: as it was written.
    return path;
  }
}
