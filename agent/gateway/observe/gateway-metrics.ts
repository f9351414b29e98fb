import type { HeaderPair } from '../../../shared/http1/header-list.ts';
import type { Headers } from '../../recorder/exchange-record.ts';
import type { ServerState } from '../services/server-state.ts';
import type { Measure, MetricName, MetricSink, Reading } from './metric-sink.ts';
import { headerValue } from './header-value.ts';
import type { MirrorOutcome, WatchedExchange } from './watched-exchange.ts';

const METHODS: ReadonlySet<string> = new Set([
  'HEAD',
  'GET',
  'POST',
  'PUT',
  'DELETE',
  'CONNECT',
  'OPTIONS',
  'TRACE',
  'PATCH',
  'PRI',
]);
/** So that no visitor makes series without end. */
const OTHER_METHOD = 'EXTENSION_METHOD';
/** Names of tokens are the visitors' own; those after so many are counted together. */
const MAX_TOKENS = 1000;
const OTHER_TOKEN = 'other';
/** gRPC's code for what nobody knows. */
const GRPC_UNKNOWN = '2';

/** Which of Traefik's families are counted; those of APIs always are. */
export interface MetricLevels {
  readonly addEntryPointsLabels: boolean;
  readonly addRoutersLabels: boolean;
  readonly addServicesLabels: boolean;
}

/** How the gateway stands, read when somebody looks. */
export interface GatewayState {
  /** Streams of the tunnels, of which each carries one request after the other. */
  openStreams(): number;
  /** Of the services whose servers are watched. */
  servers(): Iterable<ServerState>;
  /** Configurations that were taken over. */
  reloads(): number;
  /** Seconds since the epoch of the last one; undefined before the first. */
  lastReload(): number | undefined;
}

interface Family {
  readonly requests: Measure;
  readonly duration: Measure;
  readonly received: Measure;
  readonly sent: Measure;
}

interface Counted {
  readonly labels: Readonly<Record<string, string>>;
  readonly tookMs: number;
  readonly requestBytes: number;
  readonly responseBytes: number;
}

/** Counts exchanges under the names of Traefik and Traefik Hub. */
export class GatewayMetrics {
  readonly #api: Family;
  readonly #entryPoint: (Family & { readonly tls: Measure }) | undefined;
  readonly #router: (Family & { readonly tls: Measure }) | undefined;
  readonly #service: (Family & { readonly tls: Measure; readonly retries: Measure }) | undefined;
  readonly #tokens = new Set<string>();

  constructor(sink: MetricSink, levels: MetricLevels, state: GatewayState) {
    this.#api = apiFamily(sink);
    const of = (level: string, labels: readonly string[]): Family & { readonly tls: Measure } => ({
      ...traefikFamily(sink, level, labels),
      tls: sink.counter({
        name: `traefik_${level}_requests_tls_total`,
        help: `Requests by TLS, by version, cipher and ${level}.`,
        labels: ['tls_version', 'tls_cipher', ...labels],
      }),
    });
    if (levels.addEntryPointsLabels) this.#entryPoint = of('entrypoint', ['entrypoint']);
    if (levels.addRoutersLabels) this.#router = of('router', ['router', 'service']);
    if (levels.addServicesLabels) {
      const retries = { name: 'traefik_service_retries_total', help: 'Requests tried again.', labels: ['service'] };
      this.#service = { ...of('service', ['service']), retries: sink.counter(retries) };
      const up = { name: 'traefik_service_server_up', help: '1: gets requests; 0: not.', labels: ['service', 'url'] };
      sink.read('gauge', up, () => serversUp(state));
    }
    readState(sink, state);
  }

  count(exchange: WatchedExchange): void {
    const { record, visitor, status, requestSize, responseSize } = exchange;
    const { start, tookMs = 0 } = record;
    const method = METHODS.has(start.method) ? start.method : OTHER_METHOD;
    const protocol = protocolOf(start.headers);
    const code = codeOf(protocol, status, record.responseHeaders ?? [], exchange.responseTrailers);
    const labels = { code, method, protocol };
    const whole = { tookMs, requestBytes: requestSize, responseBytes: responseSize };
    const { takenBy } = start;
    const service = takenBy === undefined ? '' : routerService(takenBy);
    const tls =
      visitor.tls === undefined ? undefined : { tls_version: visitor.tls.version, tls_cipher: visitor.tls.cipher };

    if (this.#entryPoint !== undefined) {
      const entrypoint = visitor.entryPoint;
      add(this.#entryPoint, 's', { labels: { ...labels, entrypoint }, ...whole });
      if (tls !== undefined) this.#entryPoint.tls({ ...tls, entrypoint }, 1);
    }
    if (this.#router !== undefined && takenBy !== undefined) {
      const own = { router: takenBy.id, service };
      add(this.#router, 's', { labels: { ...labels, ...own }, ...whole });
      if (tls !== undefined) this.#router.tls({ ...tls, ...own }, 1);
    }
    if (this.#service !== undefined) {
      const { attempts, retries } = exchange;
      for (const attempt of attempts) {
        const own = {
          code: codeOf(protocol, attempt.status, attempt.headers, attempt.trailers),
          service: attempt.server.service,
        };
        // What was tried again had reached nobody: nothing of it was sent.
        const requestBytes = attempt === attempts.at(-1) ? requestSize : 0;
        const { tookMs: took = 0, bytes: responseBytes } = attempt;
        add(this.#service, 's', { labels: { ...labels, ...own }, tookMs: took, requestBytes, responseBytes });
        if (tls !== undefined) this.#service.tls({ ...tls, service: own.service }, 1);
      }
      if (retries > 0) this.#service.retries({ service }, retries);
    }
    if (start.api !== undefined) this.#countApi(exchange, start.api, { code: labels.code, method }, whole);
  }

  mirrored({ record }: WatchedExchange, outcome: MirrorOutcome): void {
    if (this.#service === undefined) return;
    const { method: named, headers } = record.start;
    const method = METHODS.has(named) ? named : OTHER_METHOD;
    const protocol = protocolOf(headers);
    const code = codeOf(protocol, outcome.status, outcome.headers, outcome.trailers);
    const labels = { code, method, protocol, service: outcome.service };
    add(this.#service, 's', { labels, ...outcome });
  }

  #countApi(
    { record }: WatchedExchange,
    api: string,
    labels: { readonly code: string; readonly method: string },
    whole: Omit<Counted, 'labels'>,
  ): void {
    const version = record.start.takenBy?.apiVersion;
    const token = record.calledBy?.token;
    add(this.#api, 'ms', {
      labels: {
        ...labels,
        api_name: api,
        ...(version === undefined ? {} : { api_version_name: version }),
        ...(token === undefined ? {} : { token_name: this.#tokenLabel(token) }),
      },
      ...whole,
    });
  }

  #tokenLabel(token: string): string {
    if (this.#tokens.has(token)) return token;
    if (this.#tokens.size >= MAX_TOKENS) return OTHER_TOKEN;
    this.#tokens.add(token);
    return token;
  }
}

function add({ requests, duration, received, sent }: Family, unit: 's' | 'ms', counted: Counted): void {
  const { labels, tookMs, requestBytes, responseBytes } = counted;
  requests(labels, 1);
  duration(labels, unit === 's' ? tookMs / 1000 : tookMs);
  received(labels, requestBytes);
  sent(labels, responseBytes);
}

function traefikFamily(sink: MetricSink, level: string, own: readonly string[]): Family {
  const labels = ['code', 'method', 'protocol', ...own];
  const metric = (name: string, help: string): MetricName => ({ name: `traefik_${level}_${name}`, help, labels });
  return {
    requests: sink.counter(metric('requests_total', `Requests by status, method, protocol and ${level}.`)),
    duration: sink.histogram(metric('request_duration_seconds', `Time of requests by ${level}.`), 's'),
    received: sink.counter(metric('requests_bytes_total', `Bytes of bodies of requests by ${level}.`)),
    sent: sink.counter(metric('responses_bytes_total', `Bytes of bodies of answers by ${level}.`)),
  };
}

function apiFamily(sink: MetricSink): Family {
  const labels = ['api_name', 'api_version_name', 'code', 'method', 'token_name'];
  const metric = (name: string, help: string): MetricName => ({ name: `traefik_hub_api_${name}`, help, labels });
  return {
    requests: sink.counter(metric('requests_total', 'Requests by API.')),
    duration: sink.histogram(metric('requests_duration_milliseconds', 'Time of requests by API.'), 'ms'),
    received: sink.counter(metric('requests_bytes_total', 'Bytes of bodies of requests by API.')),
    sent: sink.counter(metric('responses_bytes_total', 'Bytes of bodies of answers by API.')),
  };
}

function readState(sink: MetricSink, state: GatewayState): void {
  const reloads = { name: 'traefik_config_reloads_total', help: 'Configurations taken over.', labels: [] };
  sink.read('counter', reloads, () => [{ labels: {}, value: state.reloads() }]);
  const last = { name: 'traefik_config_last_reload_success', help: 'When, in seconds since 1970.', labels: [] };
  sink.read('gauge', last, () => {
    const value = state.lastReload();
    return value === undefined ? [] : [{ labels: {}, value }];
  });
  const open = {
    name: 'traefik_open_connections',
    help: 'Streams of the tunnels.',
    labels: ['entrypoint', 'protocol'],
  };
  sink.read('gauge', open, () => [{ labels: { entrypoint: 'tunnel', protocol: 'TCP' }, value: state.openStreams() }]);
}

function* serversUp(state: GatewayState): Iterable<Reading> {
  for (const { service, url, up } of state.servers()) yield { labels: { service, url }, value: up ? 1 : 0 };
}

/** The one service of a router; routes with several have one of their own in Traefik, which has no name here. */
function routerService({
  id,
  backends,
}: {
  readonly id: string;
  readonly backends: readonly { service: string }[];
}): string {
  const [first] = backends;
  return backends.length === 1 && first !== undefined ? first.service.replace(/#\d+$/, '') : id;
}

/** As Traefik tells protocols apart, in its order. */
function protocolOf(headers: Headers): string {
  const has = (name: string, token: string): boolean =>
    (headerValue(headers, name) ?? '').split(',').some((item) => item.trim().toLowerCase() === token);
  if (has('upgrade', 'websocket')) return 'websocket';
  if (has('accept', 'text/event-stream')) return 'sse';
  const type = headerValue(headers, 'content-type') ?? '';
  if (type.startsWith('application/grpc-web')) return 'grpc-web';
  return type.startsWith('application/grpc') ? 'grpc' : 'http';
}

/** Of gRPC its own code: in the head where there is no body, else in what comes behind it. */
function codeOf(protocol: string, status: number, headers: Headers, trailers: readonly HeaderPair[]): string {
  if (!protocol.startsWith('grpc')) return String(status);
  const code = headerValue(headers, 'grpc-status') ?? headerValue(trailers, 'grpc-status') ?? '';
  return /^\d{1,2}$/.test(code) ? code : GRPC_UNKNOWN;
}
