const BUCKETS = 10;
const BUCKET_MS = 1000;
/** Latencies are looked at over a longer time. */
const LATENCY_BUCKETS = 6;
const LATENCY_BUCKET_MS = 10_000;

interface Bucket<T> {
  at: number;
  counts: Map<T, number>;
}

/** What became of the calls of the last ten seconds, and how long those of the last minute took. */
export class CallMetrics {
  readonly #clock: () => number;
  #statuses: Bucket<number>[] = [];
  #latencies: Bucket<number>[] = [];

  constructor(clock: () => number) {
    this.#clock = clock;
  }

  record(status: number, tookMs: number): void {
    const now = this.#clock();
    count(this.#statuses, Math.floor(now / BUCKET_MS), BUCKETS, status);
    count(this.#latencies, Math.floor(now / LATENCY_BUCKET_MS), LATENCY_BUCKETS, roundedMicros(tookMs));
  }

  reset(): void {
    this.#statuses = [];
    this.#latencies = [];
  }

  networkErrorRatio(): number {
    const all = this.#count(() => true);
    return all === 0 ? 0 : this.#count((status) => status === 502 || status === 504) / all;
  }

  /** Of statuses from `fromA` to before `toA`, as part of those from `fromB` to before `toB`. */
  responseCodeRatio(fromA: number, toA: number, fromB: number, toB: number): number {
    const all = this.#count((status) => status >= fromB && status < toB);
    return all === 0 ? 0 : this.#count((status) => status >= fromA && status < toA) / all;
  }

  latencyAtQuantileMs(quantile: number): number {
    const oldest = Math.floor(this.#clock() / LATENCY_BUCKET_MS) - LATENCY_BUCKETS;
    const merged = new Map<number, number>();
    let all = 0;
    for (const { at, counts } of this.#latencies) {
      if (at <= oldest) continue;
      for (const [micros, number] of counts) {
        merged.set(micros, (merged.get(micros) ?? 0) + number);
        all += number;
      }
    }
    let left = Math.floor((Math.min(quantile, 100) / 100) * all + 0.5);
    for (const [micros, number] of [...merged].toSorted(([a], [b]) => a - b)) {
      left -= number;
      if (left <= 0) return Math.floor(micros / 1000);
    }
    return 0;
  }

  #count(test: (status: number) => boolean): number {
    const oldest = Math.floor(this.#clock() / BUCKET_MS) - BUCKETS;
    let sum = 0;
    for (const { at, counts } of this.#statuses) {
      if (at <= oldest) continue;
      for (const [status, number] of counts) if (test(status)) sum += number;
    }
    return sum;
  }
}

function count(buckets: Bucket<number>[], at: number, most: number, key: number): void {
  let last = buckets.at(-1);
  if (last?.at !== at) {
    last = { at, counts: new Map() };
    buckets.push(last);
    if (buckets.length > most) buckets.shift();
  }
  last.counts.set(key, (last.counts.get(key) ?? 0) + 1);
}

/** To three digits, so that there are few of them. */
function roundedMicros(ms: number): number {
  return Number((Math.max(0, ms) * 1000).toPrecision(3));
}
