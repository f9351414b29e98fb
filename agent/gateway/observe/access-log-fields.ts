import type { AccessLogConfig } from '../../../shared/workspace/observe-config.ts';
import type { Headers } from '../../recorder/exchange-record.ts';
import { canonicalName } from '../middlewares/header-name.ts';
import type { WatchedExchange } from './watched-exchange.ts';

export type LogFields = Readonly<Record<string, string | number>>;

type HeaderOptions = AccessLogConfig['fields']['headers'];

/** Traefik's fields of one exchange, as far as they are known here. Durations are nanoseconds. */
export function accessLogFields(exchange: WatchedExchange, count: number): LogFields {
  const { record, visitor, status, requestSize, responseSize, attempts, trace } = exchange;
  const { start, startedAt, tookMs = 0, calledBy } = record;
  const { host, port } = splitHost(visitor.host);
  const duration = nanoseconds(tookMs);
  const origin = attempts.at(-1);
  const originDuration = nanoseconds(origin?.tookMs ?? 0);
  const originSize = origin?.bytes ?? 0;
  return {
    StartUTC: new Date(startedAt).toISOString(),
    StartLocal: localTime(startedAt),
    Duration: duration,
    entryPointName: visitor.entryPoint,
    ...(start.route === undefined ? {} : { RouterName: start.route }),
    ...(origin === undefined
      ? {}
      : {
          ServiceName: origin.server.service,
          ServiceURL: origin.server.url,
          ServiceAddr: origin.server.origin.replace(/^[^:]+:\/\//, ''),
        }),
    ClientAddr: visitor.address,
    ClientHost: visitor.forwardedFor,
    ClientPort: '-',
    ClientUsername: calledBy?.user ?? start.application ?? calledBy?.application ?? '-',
    RequestAddr: visitor.host,
    RequestHost: host,
    RequestPort: port,
    RequestMethod: start.method,
    RequestPath: start.mask.target(start.target),
    RequestProtocol: `HTTP/${visitor.httpVersion}`,
    RequestScheme: visitor.scheme,
    RequestContentSize: requestSize,
    OriginDuration: originDuration,
    OriginContentSize: originSize,
    OriginStatus: origin?.status ?? 0,
    DownstreamStatus: status,
    DownstreamContentSize: responseSize,
    RequestCount: count,
    ...(responseSize !== originSize && responseSize !== 0 ? { GzipRatio: originSize / responseSize } : {}),
    Overhead: duration - originDuration,
    RetryAttempts: exchange.retries,
    ...(visitor.tls === undefined ? {} : { TLSVersion: visitor.tls.version, TLSCipher: visitor.tls.cipher }),
    ...(trace === undefined
      ? {}
      : { TraceId: trace.traceId, SpanId: trace.spanId, trace_id: trace.traceId, span_id: trace.spanId }),
  };
}

/** `request_…`, `origin_…` and `downstream_…`, as the options want them. Credentials are masked even where they are kept. */
export function headerFields({ record, attempts }: WatchedExchange, options: HeaderOptions): LogFields {
  if (options.defaultMode === 'drop' && Object.values(options.names).every((mode) => mode === 'drop')) return {};
  const modes = new Map(Object.entries(options.names).map(([name, mode]) => [name.toLowerCase(), mode]));
  const { headers, mask } = record.start;
  const fields = new Map<string, string>();
  const add = (prefix: string, list: Headers): void => {
    for (const [name, value] of mask.headers(list)) {
      const lower = name.toLowerCase();
      const mode = modes.get(lower) ?? options.defaultMode;
      // Go keeps these apart from the headers of a message.
      if (mode === 'drop' || lower === 'host' || lower === 'transfer-encoding') continue;
      const key = `${prefix}${canonicalName(name)}`;
      const before = fields.get(key);
      if (mode === 'redact') fields.set(key, 'REDACTED');
      else fields.set(key, before === undefined ? value : `${before},${value}`);
    }
  };
  add('request_', headers);
  add('origin_', attempts.at(-1)?.headers ?? []);
  add('downstream_', record.responseHeaders ?? []);
  return Object.fromEntries(fields);
}

function nanoseconds(ms: number): number {
  return Math.round(ms * 1e6);
}

/** As Go's `net.SplitHostPort`, and `-` for a port that is not named. */
function splitHost(value: string): { host: string; port: string } {
  const [, inner, plain, port] = /^(?:\[([^\]]*)\]|([^:]*)):([^:]*)$/.exec(value) ?? [];
  return port === undefined ? { host: value, port: '-' } : { host: inner ?? plain ?? '', port };
}

/** RFC 3339 with the zone of this machine. */
export function localTime(ms: number): string {
  const offset = -new Date(ms).getTimezoneOffset();
  const shifted = new Date(ms + offset * 60_000).toISOString().slice(0, -1);
  return `${shifted}${offset === 0 ? 'Z' : zone(offset, ':')}`;
}

/** `+02:00` of an offset in minutes. */
export function zone(offset: number, between: string): string {
  const two = (value: number): string => String(value).padStart(2, '0');
  const minutes = Math.abs(offset);
  return `${offset < 0 ? '-' : '+'}${two(Math.floor(minutes / 60))}${between}${two(minutes % 60)}`;
}
