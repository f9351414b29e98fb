import type { HeaderPair } from '../../../shared/http1/header-list.ts';
import type { ExchangeRecord, Headers } from '../../recorder/exchange-record.ts';
import type { ExchangeWatch, WatchedAsk, WatchedRequest, WatchedServer } from '../../recorder/exchange-watch.ts';
import { ByteCount } from './byte-count.ts';
import { headerValue } from './header-value.ts';
import { visitorFacts, type VisitorFacts } from './visitor-facts.ts';

/** A visitor who left before an answer, as Traefik counts him. */
const CLIENT_CLOSED_REQUEST = 499;
const NO_FIELDS: readonly HeaderPair[] = [];

/** One request to a server, whatever came of it. */
export interface Attempt {
  readonly server: WatchedServer;
  readonly sinceMs: number;
  /** What the server said, or the gateway in its place; 0 as long as there is neither. */
  status: number;
  headers: readonly HeaderPair[];
  /** Of the body of its answer. */
  bytes: number;
  /** What came behind that body. */
  trailers: readonly HeaderPair[];
  /** Until its answer was complete; undefined as long as it is not. */
  tookMs: number | undefined;
}

/** What came of a request to a mirror. */
export interface MirrorOutcome {
  readonly service: string;
  readonly status: number;
  readonly tookMs: number;
  readonly requestBytes: number;
  readonly responseBytes: number;
  readonly headers: readonly HeaderPair[];
  readonly trailers: readonly HeaderPair[];
}

/** Spans of one exchange. */
export interface ExchangeTrace {
  readonly traceId: string;
  /** Of the entry point. */
  readonly spanId: string;
  /** A request of the exchange to somebody else. */
  request(name: 'AuthRequest' | 'ReverseProxy', request: () => WatchedRequest): RequestTrace;
  end(status: number, headers: Headers | undefined, error: string | undefined): void;
}

export interface RequestTrace {
  readonly fields: readonly HeaderPair[];
  answered(status: number, headers: Headers): void;
  /** `status`: what the gateway answers in the place of a server that gave nothing. After an answer: nothing. */
  failed(reason: string, status?: number): void;
}

/** Who wants to know of an exchange. */
interface Observers {
  /** Undefined: nobody traces. */
  begin(record: ExchangeRecord): ExchangeTrace | undefined;
  finished(exchange: WatchedExchange): void;
  mirrored(exchange: WatchedExchange, outcome: MirrorOutcome): void;
}

/** Gathers what logs, metrics and traces want of one exchange. */
export class WatchedExchange implements ExchangeWatch {
  readonly record: ExchangeRecord;
  readonly trace: ExchangeTrace | undefined;
  /** Requests to servers of the route's services; the last is what the visitor got, unless the gateway answered itself. */
  readonly attempts: Attempt[] = [];
  /** Tries of the retry middleware after the first. */
  retries = 0;
  readonly #observers: Observers;
  readonly #request: ByteCount;
  #response: ByteCount | undefined;
  #traced: RequestTrace | undefined;
  /** Counts what the last attempt gave, where middlewares may change it. */
  #originBytes: ByteCount | undefined;
  #visitor: VisitorFacts | undefined;

  constructor(record: ExchangeRecord, observers: Observers) {
    this.record = record;
    this.#observers = observers;
    this.#request = new ByteCount(record.start.headers);
    this.trace = observers.begin(record);
  }

  get traceId(): string | undefined {
    return this.trace?.traceId;
  }

  get visitor(): VisitorFacts {
    return (this.#visitor ??= visitorFacts(this.record.start));
  }

  /** What the visitor got. */
  get status(): number {
    return this.record.status ?? CLIENT_CLOSED_REQUEST;
  }

  /** Of the body of the request. */
  get requestSize(): number {
    return this.#request.bytes;
  }

  /** Of the body of what the visitor got. */
  get responseSize(): number {
    return this.#response?.bytes ?? 0;
  }

  /** What the visitor got behind that body. */
  get responseTrailers(): readonly HeaderPair[] {
    return this.#response?.trailers ?? NO_FIELDS;
  }

  sent(server: WatchedServer, method: string, head: Buffer): readonly HeaderPair[] | undefined {
    this.#endAttempt();
    this.attempts.push({
      server,
      sinceMs: performance.now(),
      status: 0,
      headers: NO_FIELDS,
      bytes: 0,
      trailers: NO_FIELDS,
      tookMs: undefined,
    });
    this.#traced = this.trace?.request('ReverseProxy', () => sentRequest(server, method, head));
    return this.#traced?.fields;
  }

  answered(status: number, headers: Headers): void {
    const attempt = this.attempts.at(-1);
    if (attempt === undefined) return;
    attempt.status = status;
    attempt.headers = [...headers];
    this.#traced?.answered(status, headers);
  }

  answerBytes(bytes: Uint8Array): void {
    const attempt = this.attempts.at(-1);
    if (attempt !== undefined) (this.#originBytes ??= new ByteCount(attempt.headers)).add(bytes);
  }

  answerEnded(): void {
    this.#originBytes ??= new ByteCount(NO_FIELDS);
    this.#endAttempt();
  }

  failed(status: number, reason: string): void {
    const attempt = this.attempts.at(-1);
    if (attempt === undefined || attempt.tookMs !== undefined) return;
    attempt.status = status;
    this.#traced?.failed(reason, status);
  }

  retried(): void {
    this.retries += 1;
  }

  ask(name: 'AuthRequest' | 'ReverseProxy', request: WatchedRequest): WatchedAsk {
    const traced = this.trace?.request(name, () => request);
    const { service } = request;
    const since = performance.now();
    let answer: { status: number; headers: readonly HeaderPair[]; body: ByteCount } | undefined;
    let over = false;
    return {
      fields: traced?.fields ?? NO_FIELDS,
      answered: (status, headers) => {
        answer = { status, headers: [...headers], body: new ByteCount(headers) };
        traced?.answered(status, headers);
      },
      answerBytes: (bytes) => answer?.body.add(bytes),
      ended: (reason) => {
        if (over) return;
        over = true;
        if (answer === undefined) traced?.failed(reason);
        if (service === undefined || answer === undefined) return;
        this.#observers.mirrored(this, {
          service,
          status: answer.status,
          headers: answer.headers,
          trailers: answer.body.trailers,
          tookMs: performance.now() - since,
          requestBytes: Number(headerValue(request.headers, 'content-length') ?? 0),
          responseBytes: answer.body.bytes,
        });
      },
    };
  }

  requestBytes(bytes: Uint8Array): void {
    this.#request.add(bytes);
  }

  responseHead(_status: number, headers: Headers): void {
    this.#response = new ByteCount(headers);
  }

  responseBytes(bytes: Uint8Array): void {
    this.#response?.add(bytes);
  }

  finished(record: ExchangeRecord): void {
    this.#endAttempt();
    // The details of a refusal are no error of ours.
    const error = record.verdict === undefined || this.status >= 500 ? record.error : undefined;
    this.trace?.end(this.status, record.responseHeaders, error);
    this.#observers.finished(this);
  }

  /** Of the last, when it is not over yet. */
  #endAttempt(): void {
    const attempt = this.attempts.at(-1);
    if (attempt === undefined || attempt.tookMs !== undefined) return;
    attempt.tookMs = performance.now() - attempt.sinceMs;
    // Where no middleware changes answers, what comes is what goes out.
    const body = this.#originBytes ?? this.#response;
    attempt.bytes = body?.bytes ?? 0;
    attempt.trailers = body?.trailers ?? NO_FIELDS;
    this.#originBytes = undefined;
    if (attempt.status !== 0) return;
    attempt.status = CLIENT_CLOSED_REQUEST;
    this.#traced?.failed('the visitor went away before an answer');
  }
}

/** What was written for a server, read back. */
function sentRequest({ origin }: WatchedServer, method: string, head: Buffer): WatchedRequest {
  const [line = '', ...lines] = head.toString('latin1').trimEnd().split('\r\n');
  const headers = lines.map((text): HeaderPair => {
    const colon = text.indexOf(':');
    return [text.slice(0, colon), text.slice(colon + 1).trim()];
  });
  return { method, url: `${origin}${line.split(' ')[1] ?? ''}`, headers };
}
