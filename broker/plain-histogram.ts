import { Histogram } from 'prom-client';

/** A histogram without labels that only adds two numbers for an observation, and becomes samples when it is read. */
export class PlainHistogram extends Histogram {
  readonly #name: string;
  readonly #help: string;
  readonly #bounds: readonly number[];
  /** One more than bounds: the last is for what is beyond all. */
  readonly #counts: number[];
  #sum = 0;

  constructor(options: { name: string; help: string; buckets: number[]; registers: [] }) {
    super(options);
    this.#name = options.name;
    this.#help = options.help;
    this.#bounds = options.buckets;
    this.#counts = Array.from({ length: options.buckets.length + 1 }, () => 0);
  }

  add(value: number): void {
    let at = 0;
    while (at < this.#bounds.length && value > (this.#bounds[at] ?? 0)) at += 1;
    this.#counts[at] = (this.#counts[at] ?? 0) + 1;
    this.#sum += value;
  }

  /** What `get` and a registry ask for. */
  getForPromString(): Promise<object> {
    const sharedLabels = {};
    const values: object[] = [];
    let total = 0;
    for (const [index, count] of this.#counts.entries()) {
      total += count;
      const le = this.#bounds[index] ?? '+Inf';
      values.push({ metricName: `${this.#name}_bucket`, labels: { le }, sharedLabels, value: total });
    }
    values.push({ metricName: `${this.#name}_sum`, labels: {}, sharedLabels, value: this.#sum });
    values.push({ metricName: `${this.#name}_count`, labels: {}, sharedLabels, value: total });
    return Promise.resolve({ name: this.#name, help: this.#help, type: 'histogram', values, aggregator: 'sum' });
  }
}
