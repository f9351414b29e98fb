import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { PrometheusConfig } from '../../../shared/workspace/observe-config.ts';
import { GatewayMetrics, type GatewayState } from './gateway-metrics.ts';
import type { Measure, MetricName, MetricSink, Reading } from './metric-sink.ts';
import type { MirrorOutcome, WatchedExchange } from './watched-exchange.ts';

/** Metrics that somebody fetches in Prometheus' text format. */
export class PrometheusMetrics {
  readonly #registry = new Registry();
  readonly #metrics: GatewayMetrics;

  constructor(config: PrometheusConfig, state: GatewayState) {
    this.#metrics = new GatewayMetrics(new PrometheusSink(this.#registry, config.buckets), config, state);
  }

  finished(exchange: WatchedExchange): void {
    this.#metrics.count(exchange);
  }

  mirrored(exchange: WatchedExchange, outcome: MirrorOutcome): void {
    this.#metrics.mirrored(exchange, outcome);
  }

  text(): Promise<string> {
    return this.#registry.metrics();
  }
}

class PrometheusSink implements MetricSink {
  readonly #registry: Registry;
  /** In seconds. */
  readonly #buckets: readonly number[];

  constructor(registry: Registry, buckets: readonly number[]) {
    this.#registry = registry;
    this.#buckets = buckets;
  }

  counter(metric: MetricName): Measure {
    const counter = new Counter(this.#options(metric));
    return (labels, value) => counter.inc(labels, value);
  }

  histogram(metric: MetricName, unit: 's' | 'ms'): Measure {
    const buckets = this.#buckets.map((bound) => (unit === 's' ? bound : bound * 1000));
    const histogram = new Histogram({ ...this.#options(metric), buckets });
    return (labels, value) => histogram.observe(labels, value);
  }

  read(kind: 'counter' | 'gauge', metric: MetricName, values: () => Iterable<Reading>): void {
    const options = this.#options(metric);
    if (kind === 'counter') {
      const counter: Counter = new Counter({
        ...options,
        collect: () => {
          counter.reset();
          for (const { labels, value } of values()) counter.inc(labels, value);
        },
      });
      return;
    }
    const gauge: Gauge = new Gauge({
      ...options,
      collect: () => {
        gauge.reset();
        for (const { labels, value } of values()) gauge.set(labels, value);
      },
    });
  }

  #options({ name, help, labels }: MetricName) {
    return { name, help, labelNames: [...labels], registers: [this.#registry] };
  }
}
