import type { Exchange, ExchangeSummary } from '../../shared/agent/api.ts';
import type { RouteConfig } from '../../shared/gateway/config.ts';
import { HeaderList } from '../../shared/http1/header-list.ts';
import { BodyPrefix } from './body-prefix.ts';
import type { ByteLog } from './byte-log.ts';
import type { ExchangeWatch } from './exchange-watch.ts';
import type { Mask } from './mask.ts';

const NO_BODY = { data: '', bytes: 0, truncated: false };

export type Headers = HeaderList | readonly (readonly [string, string])[];

export interface ExchangeStart {
  readonly id: string;
  readonly method: string;
  readonly host: string;
  /** As the visitor sent it; masked when read. */
  readonly target: string;
  readonly headers: Headers;
  readonly broker: string;
  readonly attempt: number;
  readonly mask: Mask;
  readonly route?: string | undefined;
  readonly api?: string | undefined;
  readonly application?: string | undefined;
  readonly plan?: string | undefined;
  /** The route that takes it, with all that the configuration says of it. */
  readonly takenBy?: RouteConfig | undefined;
  /** Version and cipher of the visitor's TLS, as the broker says them. */
  readonly tls?: string | undefined;
  /** Of the visitor's HTTP, when it is another than 1.1. */
  readonly httpVersion?: string | undefined;
}

/** The caller, as far as it is known. */
export interface Caller {
  readonly application?: string | undefined;
  readonly plan?: string | undefined;
  readonly token?: string | undefined;
  readonly user?: string | undefined;
}

/** What the ring does for its records. */
export interface RecordKeeper {
  readonly bodyLimit: number;
  readonly bodies: ByteLog;
  grew(record: ExchangeRecord, bytes: number): void;
  changed(record: ExchangeRecord): void;
}

/** One exchange while it runs and after. Cheap to write; heads are turned into text and masked only when read. */
export class ExchangeRecord {
  readonly seq: number;
  readonly start: ExchangeStart;
  /** Bytes that the record holds, roughly. */
  cost: number;
  /** Set while somebody wants more of exchanges than is kept. */
  readonly watch: ExchangeWatch | undefined;
  #keeper: RecordKeeper;
  #startedAt = Date.now();
  #startedMs = performance.now();
  /** Most requests have no body. */
  #requestBody: BodyPrefix | undefined;
  #responseBody: BodyPrefix | undefined;
  #status: number | undefined;
  #responseHeaders: Headers | undefined;
  #tookMs: number | undefined;
  #verdict: string | undefined;
  #upstream: string | undefined;
  #error: string | undefined;
  #caller: Caller | undefined;

  constructor(
    seq: number,
    start: ExchangeStart,
    keeper: RecordKeeper,
    watchFor?: (record: ExchangeRecord) => ExchangeWatch | undefined,
  ) {
    this.seq = seq;
    this.start = start;
    this.#keeper = keeper;
    this.cost = 512 + start.target.length + headerBytes(start.headers);
    this.watch = watchFor?.(this);
  }

  get finished(): boolean {
    return this.#tookMs !== undefined;
  }

  /** Milliseconds since the epoch. */
  get startedAt(): number {
    return this.#startedAt;
  }

  /** Undefined until there is a head. */
  get status(): number | undefined {
    return this.#status;
  }

  /** Milliseconds, once it is over. */
  get tookMs(): number | undefined {
    return this.#tookMs;
  }

  /** Set when the gateway answered itself. */
  get verdict(): string | undefined {
    return this.#verdict;
  }

  /** What went wrong, in words, or why the gateway answered itself. */
  get error(): string | undefined {
    return this.#error;
  }

  /** What the visitor got. */
  get responseHeaders(): Headers | undefined {
    return this.#responseHeaders;
  }

  /** What guards found out about the caller. */
  get calledBy(): Caller | undefined {
    return this.#caller;
  }

  requestBytes(chunk: Uint8Array): void {
    this.watch?.requestBytes(chunk);
    this.#grew((this.#requestBody ??= new BodyPrefix(this.#keeper.bodies, this.#keeper.bodyLimit)).add(chunk));
  }

  responseBytes(chunk: Uint8Array): void {
    this.watch?.responseBytes(chunk);
    this.#grew((this.#responseBody ??= new BodyPrefix(this.#keeper.bodies, this.#keeper.bodyLimit)).add(chunk));
  }

  upstream(url: string): void {
    this.#upstream = url;
  }

  /** Who called, when that was found out on the way. */
  caller(known: Caller): void {
    this.#caller = known;
  }

  responseHead(status: number, headers: Headers): void {
    this.#status = status;
    this.#responseHeaders = headers;
    this.watch?.responseHead(status, headers);
    this.#grew(headerBytes(headers));
    this.#keeper.changed(this);
  }

  /** `verdict`: the gateway answered itself; `error`: what went wrong, in words. Later calls change nothing. */
  finish(outcome: { verdict?: string | undefined; error?: string | undefined } = {}): void {
    if (this.finished) return;
    this.#tookMs = Math.round((performance.now() - this.#startedMs) * 1000) / 1000;
    this.#verdict = outcome.verdict;
    this.#error = outcome.error;
    this.#keeper.changed(this);
    this.watch?.finished(this);
  }

  summary(): ExchangeSummary {
    const { id, method, host, target, broker, attempt, mask, route, api, application, plan } = this.start;
    return {
      seq: this.seq,
      id,
      startedAt: new Date(this.#startedAt).toISOString(),
      method,
      host,
      target: mask.target(target),
      status: this.#status,
      tookMs: this.#tookMs,
      route,
      api,
      application: application ?? this.#caller?.application,
      plan: plan ?? this.#caller?.plan,
      broker,
      attempt,
      requestBytes: this.#requestBody?.bytes ?? 0,
      responseBytes: this.#responseBody?.bytes ?? 0,
      verdict: this.#verdict,
    };
  }

  exchange(): Exchange {
    const { mask, headers } = this.start;
    return {
      ...this.summary(),
      request: { headers: mask.headers(headers), body: bodyOf(this.#requestBody, headers) },
      ...(this.#responseHeaders === undefined
        ? {}
        : {
            response: {
              headers: mask.headers(this.#responseHeaders),
              body: bodyOf(this.#responseBody, this.#responseHeaders),
            },
          }),
      upstream: this.#upstream,
      traceId: this.watch?.traceId,
      error: this.#error,
    };
  }

  #grew(bytes: number): void {
    if (bytes === 0) return;
    this.cost += bytes;
    this.#keeper.grew(this, bytes);
  }
}

function headerBytes(headers: Headers): number {
  const pairs = headers instanceof HeaderList ? headers.pairs : headers;
  let bytes = 0;
  // By index: an iterator would be several objects for each line.
  for (let index = 0; index < pairs.length; index += 1) {
    const pair = pairs[index];
    if (pair !== undefined) bytes += pair[0].length + pair[1].length + 32;
  }
  return bytes;
}

function bodyOf(body: BodyPrefix | undefined, headers: Headers): ReturnType<BodyPrefix['toBody']> {
  return body?.toBody(isChunked(headers)) ?? NO_BODY;
}

function isChunked(headers: Headers): boolean {
  for (const [name, value] of headers)
    if (name.toLowerCase() === 'transfer-encoding') return value.toLowerCase() === 'chunked';
  return false;
}
