import type { BrokerRecord } from '../../shared/control/api.ts';

import type { Candidate } from './choose-brokers.ts';
import type { Probe } from './dial.ts';

/** Dialling starts after this even when a probe is still under way. */
const PROBE_TIMEOUT_MS = 300;
const MAX_PROBES = 32;

export interface RoundTripsOptions {
  readonly probe: Probe;
  /** One did not answer: call `forgetSilent` when it may be asked again. */
  readonly onSilent: (id: string) => void;
}

/** What is known of how near brokers are, by directory id. */
export class RoundTrips {
  readonly #o: RoundTripsOptions;
  readonly #known = new Map<string, number>();
  #probing = false;

  constructor(options: RoundTripsOptions) {
    this.#o = options;
  }

  get probing(): boolean {
    return this.#probing;
  }

  set(id: string, rttMs: number): void {
    this.#known.set(id, rttMs);
  }

  forget(ids: Iterable<string>): void {
    for (const id of ids) this.#known.delete(id);
  }

  clear(): void {
    this.#known.clear();
  }

  /** One that did not answer may answer now. */
  forgetSilent(id: string): void {
    if (this.#known.get(id) === Infinity) this.#known.delete(id);
  }

  /** Drops what is known of all others. */
  keepOnly(ids: ReadonlySet<string>): void {
    this.forget([...this.#known.keys()].filter((id) => !ids.has(id)));
  }

  of(records: readonly BrokerRecord[]): Candidate[] {
    return records.map((record) => ({ record, rttMs: this.#known.get(record.id) }));
  }

  /** Measures those not measured yet and calls `then`; true while that is under way. */
  measure(records: readonly BrokerRecord[], then: () => void): boolean {
    if (this.#probing) return true;
    const unknown = records.filter(({ id }) => !this.#known.has(id)).slice(0, MAX_PROBES);
    if (unknown.length === 0) return false;
    this.#probing = true;
    void Promise.all(
      unknown.map(async ({ id, tunnel }) => {
        const rttMs = await this.#o.probe(tunnel, PROBE_TIMEOUT_MS);
        this.#known.set(id, rttMs ?? Infinity);
        if (rttMs === undefined) this.#o.onSilent(id);
      }),
    ).then(() => {
      this.#probing = false;
      then();
    });
    return true;
  }
}
