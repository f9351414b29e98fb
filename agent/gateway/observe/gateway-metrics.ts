import { Counter, Histogram, Registry } from 'prom-client';
import type { ExchangeRecord } from '../../recorder/exchange-record.ts';

const METHODS: ReadonlySet<string> = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'TRACE']);
/** So that no visitor makes series without end. */
const OTHER = 'EXTENSION_METHOD';

/** Counts of exchanges, under the names of `hub-kinds` facts, part 5. */
export class GatewayMetrics {
  readonly #registry = new Registry();
  readonly #api = this.#family(
    'traefik_hub_api',
    'api',
    ['api_name', 'code', 'method'],
    'requests_duration_milliseconds',
    [5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10_000],
  );
  readonly #router = this.#family(
    'traefik_router',
    'router',
    ['router', 'code', 'method', 'protocol'],
    'request_duration_seconds',
    [0.1, 0.3, 1.2, 5],
  );

  count(record: ExchangeRecord): void {
    const { method, status = 0, api, route, tookMs = 0, requestBytes, responseBytes } = record.summary();
    const common = { code: String(status), method: METHODS.has(method) ? method : OTHER };
    if (api !== undefined) add(this.#api, { ...common, api_name: api }, tookMs, requestBytes, responseBytes);
    if (route !== undefined)
      add(this.#router, { ...common, router: route, protocol: 'http' }, tookMs / 1000, requestBytes, responseBytes);
  }

  /** Prometheus' text format. */
  text(): Promise<string> {
    return this.#registry.metrics();
  }

  #family(prefix: string, of: string, labelNames: readonly string[], duration: string, buckets: readonly number[]) {
    const own = { labelNames: [...labelNames], registers: [this.#registry] };
    return {
      requests: new Counter({ name: `${prefix}_requests_total`, help: `Requests by ${of}.`, ...own }),
      duration: new Histogram({
        name: `${prefix}_${duration}`,
        help: `Time of requests by ${of}.`,
        buckets: [...buckets],
        ...own,
      }),
      received: new Counter({ name: `${prefix}_requests_bytes_total`, help: `Bytes of requests by ${of}.`, ...own }),
      sent: new Counter({ name: `${prefix}_responses_bytes_total`, help: `Bytes of answers by ${of}.`, ...own }),
    };
  }
}

function add(
  family: { requests: Counter; duration: Histogram; received: Counter; sent: Counter },
  labels: Record<string, string>,
  took: number,
  received: number,
  sent: number,
): void {
  family.requests.inc(labels);
  family.duration.observe(labels, took);
  family.received.inc(labels, received);
  family.sent.inc(labels, sent);
}
