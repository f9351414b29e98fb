import type { Meter } from '@opentelemetry/api';
import type { ExportResult } from '@opentelemetry/core';
import { OTLPMetricExporter } from '@opentelemetry/exporter-metrics-otlp-proto';
import { MeterProvider, PeriodicExportingMetricReader, type ResourceMetrics } from '@opentelemetry/sdk-metrics';
import { durationMs } from '../../../shared/manifests/duration.ts';
import type { OtlpMetricsConfig } from '../../../shared/workspace/observe-config.ts';
import { GatewayMetrics, type GatewayState } from './gateway-metrics.ts';
import { HttpMetrics } from './http-metrics.ts';
import type { Measure, MetricName, MetricSink, Reading } from './metric-sink.ts';
import { Arrival, exporterOptions, resourceOf, type ExporterOptions } from './otlp.ts';
import type { MirrorOutcome, WatchedExchange } from './watched-exchange.ts';

/** Within what a timer takes. */
const INTERVAL_MS = { default: 10_000, least: 100, most: 86_400_000 };
/** Of one push, retries included. */
const MAX_TIMEOUT_MS = 10_000;

/** Metrics that are pushed by OTLP, with the values since the configuration began. */
export class OtlpMetrics {
  readonly #provider: MeterProvider;
  readonly #metrics: GatewayMetrics;
  readonly #http: HttpMetrics;

  /** Throws AgentError for an address that nothing is ever sent to. */
  constructor(
    config: OtlpMetricsConfig,
    options: { version: string; say: (message: string) => void; state: GatewayState },
  ) {
    const wanted = durationMs(config.pushInterval) ?? INTERVAL_MS.default;
    const exportIntervalMillis = Math.min(Math.max(wanted, INTERVAL_MS.least), INTERVAL_MS.most);
    const exportTimeoutMillis = Math.min(exportIntervalMillis, MAX_TIMEOUT_MS);
    const exporter = new MetricExporter(
      { ...exporterOptions(config, 'metrics'), timeoutMillis: exportTimeoutMillis },
      new Arrival('Metrics', options.say),
    );
    this.#provider = new MeterProvider({
      resource: resourceOf(config, options.version),
      readers: [new PeriodicExportingMetricReader({ exporter, exportIntervalMillis, exportTimeoutMillis })],
    });
    const meter = this.#provider.getMeter('adit', options.version);
    const sink = new OtlpSink(meter, config.explicitBoundaries);
    this.#http = new HttpMetrics(meter, config.explicitBoundaries);
    this.#metrics = new GatewayMetrics(sink, config, options.state);
  }

  finished(exchange: WatchedExchange): void {
    this.#metrics.count(exchange);
    this.#http.count(exchange);
  }

  mirrored(exchange: WatchedExchange, outcome: MirrorOutcome): void {
    this.#metrics.mirrored(exchange, outcome);
  }

  /** Pushes once more. Rejects when it does not arrive. */
  close(): Promise<void> {
    return this.#provider.shutdown();
  }
}

class MetricExporter extends OTLPMetricExporter {
  readonly #arrival: Arrival;

  constructor(options: ExporterOptions, arrival: Arrival) {
    super(options);
    this.#arrival = arrival;
  }

  override export(metrics: ResourceMetrics, done: (result: ExportResult) => void): void {
    super.export(metrics, (result) => {
      this.#arrival.told(result);
      done(result);
    });
  }
}

class OtlpSink implements MetricSink {
  readonly #meter: Meter;
  /** In seconds. */
  readonly #bounds: readonly number[];

  constructor(meter: Meter, bounds: readonly number[]) {
    this.#meter = meter;
    this.#bounds = bounds;
  }

  counter({ name, help }: MetricName): Measure {
    const counter = this.#meter.createCounter(name, { description: help, unit: '1' });
    return (labels, value) => counter.add(value, labels);
  }

  histogram({ name, help }: MetricName, unit: 's' | 'ms'): Measure {
    const explicitBucketBoundaries = this.#bounds.map((bound) => (unit === 's' ? bound : bound * 1000));
    const histogram = this.#meter.createHistogram(name, {
      description: help,
      unit,
      advice: { explicitBucketBoundaries },
    });
    return (labels, value) => histogram.record(value, labels);
  }

  read(kind: 'counter' | 'gauge', { name, help }: MetricName, values: () => Iterable<Reading>): void {
    const options = { description: help };
    const instrument =
      kind === 'counter'
        ? this.#meter.createObservableCounter(name, options)
        : this.#meter.createObservableGauge(name, options);
    instrument.addCallback((result) => {
      for (const { labels, value } of values()) result.observe(value, labels);
    });
  }
}
