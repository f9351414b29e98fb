/** Names and values that part the series of a metric. */
export type Labels = Readonly<Record<string, string>>;

export type Measure = (labels: Labels, value: number) => void;

/** A value that is read when somebody looks. */
export interface Reading {
  readonly labels: Labels;
  readonly value: number;
}

export interface MetricName {
  readonly name: string;
  readonly help: string;
  readonly labels: readonly string[];
}

/** Where metrics are kept and shown; the same ones for every way out. */
export interface MetricSink {
  counter(metric: MetricName): Measure;
  /** `unit`: of what is measured; bounds are configured in seconds. */
  histogram(metric: MetricName, unit: 's' | 'ms'): Measure;
  read(kind: 'counter' | 'gauge', metric: MetricName, values: () => Iterable<Reading>): void;
}
