import {
  createTraceState,
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  trace,
  TraceFlags,
  type Context,
  type Span,
  type Tracer,
} from '@opentelemetry/api';
import type { ExportResult } from '@opentelemetry/core';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-proto';
import {
  BatchSpanProcessor,
  ParentBasedSampler,
  TraceIdRatioBasedSampler,
  TracerProvider,
  type ReadableSpan,
} from '@opentelemetry/sdk-trace';
import type { HeaderPair } from '../../../shared/http1/header-list.ts';
import type { TracingConfig } from '../../../shared/workspace/observe-config.ts';
import type { ExchangeRecord, ExchangeStart, Headers } from '../../recorder/exchange-record.ts';
import type { WatchedRequest } from '../../recorder/exchange-watch.ts';
import { Arrival, exporterOptions, resourceOf, type ExporterOptions } from './otlp.ts';
import { clientAttributes, responseAttributes, serverAttributes } from './span-attributes.ts';
import { readTraceContext, writeTraceParent } from './trace-context.ts';
import type { ExchangeTrace, RequestTrace } from './watched-exchange.ts';

/** Spans that wait; more are dropped. With the bound of a value this is some 20 MB at the very most. */
const MAX_WAITING = 2048;
const MAX_BATCH = 512;
const BATCH_MS = 1000;
const MAX_VALUE = 2048;
const NO_HEADERS: readonly HeaderPair[] = [];

/** What all spans of one configuration share. */
interface Shared {
  readonly tracer: Tracer;
  readonly config: TracingConfig;
}

/** Makes spans as Traefik does with `traceVerbosity: minimal`, and sends them by OTLP in batches. */
export class Tracing {
  readonly #provider: TracerProvider;
  readonly #shared: Shared;

  /** Throws AgentError for an address that nothing is ever sent to. */
  constructor(config: TracingConfig, options: { version: string; say: (message: string) => void }) {
    const arrival = new Arrival('Spans', options.say);
    const exporter = new SpanExporter(exporterOptions(config.otlp, 'traces'), arrival);
    this.#provider = new TracerProvider({
      resource: resourceOf(config, options.version),
      sampler: new ParentBasedSampler({ root: new TraceIdRatioBasedSampler(config.sampleRate) }),
      spanLimits: { attributeValueLengthLimit: MAX_VALUE },
      spanProcessors: [
        new BatchSpanProcessor({
          exporter,
          maxQueueSize: MAX_WAITING,
          maxExportBatchSize: MAX_BATCH,
          scheduledDelayMillis: BATCH_MS,
        }),
      ],
    });
    this.#shared = { tracer: this.#provider.getTracer('adit', options.version), config };
  }

  begin({ start }: ExchangeRecord): ExchangeTrace {
    return new EntryPointSpan(start, this.#shared);
  }

  /** Sends what waits. Rejects when it does not arrive. */
  close(): Promise<void> {
    return this.#provider.shutdown();
  }
}

class SpanExporter extends OTLPTraceExporter {
  readonly #arrival: Arrival;

  constructor(options: ExporterOptions, arrival: Arrival) {
    super(options);
    this.#arrival = arrival;
  }

  override export(spans: ReadableSpan[], done: (result: ExportResult) => void): void {
    super.export(spans, (result) => {
      this.#arrival.told(result);
      done(result);
    });
  }
}

class EntryPointSpan implements ExchangeTrace {
  readonly #start: ExchangeStart;
  readonly #shared: Shared;
  readonly #span: Span;
  readonly #context: Context;
  readonly #random: boolean;
  /** As the visitor wrote it: an entry of ours would tell nobody anything. */
  readonly #state: string | undefined;

  constructor(start: ExchangeStart, shared: Shared) {
    this.#start = start;
    this.#shared = shared;
    const { parent, state } = readTraceContext(start.headers);
    const { tracer, config } = shared;
    let context = ROOT_CONTEXT;
    if (parent !== undefined)
      context = trace.setSpanContext(context, {
        traceId: parent.traceId,
        spanId: parent.spanId,
        traceFlags: parent.sampled ? TraceFlags.SAMPLED : TraceFlags.NONE,
        isRemote: true,
        ...(state === undefined ? {} : { traceState: createTraceState(state) }),
      });
    this.#state = state;
    this.#random = parent?.random === true;
    this.#span = tracer.startSpan(start.method, { kind: SpanKind.SERVER }, context);
    this.#context = trace.setSpan(context, this.#span);
    if (this.#span.isRecording()) this.#span.setAttributes(serverAttributes(start, config));
  }

  get traceId(): string {
    return this.#span.spanContext().traceId;
  }

  get spanId(): string {
    return this.#span.spanContext().spanId;
  }

  request(name: 'AuthRequest' | 'ReverseProxy', request: () => WatchedRequest): RequestTrace {
    const span = this.#shared.tracer.startSpan(name, { kind: SpanKind.CLIENT }, this.#context);
    if (span.isRecording()) span.setAttributes(clientAttributes(request(), this.#start, this.#shared.config));
    const { traceId, spanId, traceFlags } = span.spanContext();
    const sampled = (traceFlags & TraceFlags.SAMPLED) !== 0;
    const parent: HeaderPair = ['Traceparent', writeTraceParent({ traceId, spanId, sampled, random: this.#random })];
    return {
      fields: this.#state === undefined ? [parent] : [parent, ['Tracestate', this.#state]],
      answered: (status, headers) => this.#end(span, status, headers, 400, undefined),
      failed: (reason, status = 0) => this.#end(span, status, NO_HEADERS, 0, reason),
    };
  }

  end(status: number, headers: Headers | undefined, error: string | undefined): void {
    this.#end(this.#span, status, headers ?? NO_HEADERS, 500, error);
  }

  /** `errorFrom`: the first status that is an error; what has a reason is one too. */
  #end(span: Span, status: number, headers: Headers, errorFrom: number, reason: string | undefined): void {
    if (!span.isRecording()) return;
    span.setAttributes(responseAttributes(status, headers, this.#start, this.#shared.config));
    if (reason !== undefined) span.setStatus({ code: SpanStatusCode.ERROR, message: reason });
    else if (status >= errorFrom) span.setStatus({ code: SpanStatusCode.ERROR });
    span.end();
  }
}
