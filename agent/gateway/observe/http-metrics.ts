import type { Attributes, Histogram, Meter } from '@opentelemetry/api';
import type { Attempt, WatchedExchange } from './watched-exchange.ts';

const DEFAULT_PORTS: Readonly<Record<string, number>> = { http: 80, https: 443, h2c: 80 };

/** The durations of OpenTelemetry's conventions for HTTP, which Traefik pushes beside its own families, as it fills them. */
export class HttpMetrics {
  readonly #server: Histogram;
  readonly #client: Histogram;

  /** `bounds`: in seconds. */
  constructor(meter: Meter, bounds: readonly number[]) {
    const options = { unit: 's', advice: { explicitBucketBoundaries: [...bounds] } };
    this.#server = meter.createHistogram('http.server.request.duration', {
      ...options,
      description: 'Duration of HTTP server requests.',
    });
    this.#client = meter.createHistogram('http.client.request.duration', {
      ...options,
      description: 'Duration of HTTP client requests.',
    });
  }

  count(exchange: WatchedExchange): void {
    const { record, visitor, status, attempts } = exchange;
    const common = { 'http.request.method': record.start.method, 'url.scheme': visitor.scheme };
    this.#server.record((record.tookMs ?? 0) / 1000, {
      ...common,
      ...outcome(status),
      ...protocol(visitor.httpVersion),
      'server.address': visitor.host,
    });
    for (const attempt of attempts)
      this.#client.record((attempt.tookMs ?? 0) / 1000, { ...common, ...serverOf(attempt) });
  }
}

function serverOf({ server, status }: Attempt): Attributes {
  const [, scheme = '', address = '', port] = /^([^:]+):\/\/(.*?)(?::(\d+))?$/.exec(server.origin) ?? [];
  return {
    ...outcome(status),
    ...protocol(scheme === 'h2c' ? '2.0' : '1.1'),
    'server.address': port === undefined ? address : `${address}:${port}`,
    'server.port': port === undefined ? (DEFAULT_PORTS[scheme] ?? 0) : Number(port),
  };
}

function outcome(status: number): Attributes {
  return { 'http.response.status_code': status, ...(status >= 400 ? { 'error.type': String(status) } : {}) };
}

function protocol(version: string): Attributes {
  return { 'network.protocol.name': `http/${version}`, 'network.protocol.version': version.replace('.0', '') };
}
