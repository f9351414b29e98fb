import type { Exchange, ExchangeSummary } from '../../shared/agent/api.ts';
import { ByteLog } from './byte-log.ts';
import type { ExchangeWatch } from './exchange-watch.ts';
import { ExchangeRecord, type ExchangeStart, type RecordKeeper } from './exchange-record.ts';

export interface RecorderOptions {
  readonly maxExchanges?: number;
  readonly maxBytes?: number;
  /** Of each body. */
  readonly bodyLimit?: number;
  readonly batchMs?: number;
}

export type ExchangeListener = (exchanges: readonly ExchangeSummary[]) => void;

/** The last exchanges, bounded by count and by bytes; the oldest go first. Listeners hear of changes in batches. */
export class Recorder implements RecordKeeper {
  readonly bodyLimit: number;
  bodies: ByteLog;
  /** Who wants more of the exchanges that begin than is kept. */
  watchFor: ((record: ExchangeRecord) => ExchangeWatch | undefined) | undefined;
  #maxExchanges: number;
  #maxBytes: number;
  #batchMs: number;
  /** A ring: each at `seq` modulo the most that are kept. */
  #records: (ExchangeRecord | undefined)[] = [];
  #bytes = 0;
  #newest = 0;
  /** `seq` of the oldest that is kept; more than `#newest` when none is. */
  #oldest = 1;
  /** Told of with the next batch. Begun anew for each: a `Set` that is cleared keeps what it held (see `Bag`). */
  #dirty = new Set<ExchangeRecord>();
  #listeners = new Set<ExchangeListener>();
  #timer: NodeJS.Timeout | undefined;

  constructor(options: RecorderOptions = {}) {
    this.#maxExchanges = options.maxExchanges ?? 1000;
    this.#maxBytes = options.maxBytes ?? 32 * 1024 * 1024;
    this.bodies = new ByteLog(this.#maxBytes);
    this.bodyLimit = options.bodyLimit ?? 64 * 1024;
    this.#batchMs = options.batchMs ?? 50;
  }

  get bytes(): number {
    return this.#bytes;
  }

  begin(start: ExchangeStart): ExchangeRecord {
    if (this.#newest - this.#oldest + 1 >= this.#maxExchanges) this.#dropOldest();
    const record = new ExchangeRecord(++this.#newest, start, this, this.watchFor);
    this.#records[record.seq % this.#maxExchanges] = record;
    this.#bytes += record.cost;
    this.#fit();
    this.changed(record);
    return record;
  }

  grew(record: ExchangeRecord, bytes: number): void {
    if (!this.#has(record)) return;
    this.#bytes += bytes;
    this.#fit();
  }

  changed(record: ExchangeRecord): void {
    if (this.#listeners.size === 0 || !this.#has(record)) return;
    this.#dirty.add(record);
    this.#timer ??= setTimeout(() => this.#notify(), this.#batchMs).unref();
  }

  /** At most `limit` after `after`, oldest first. */
  list(after = 0, limit = this.#maxExchanges): { exchanges: ExchangeSummary[]; newest: number } {
    const exchanges: ExchangeSummary[] = [];
    for (const record of this.#kept()) {
      if (record.seq <= after) continue;
      if (exchanges.length >= limit) break;
      exchanges.push(record.summary());
    }
    return { exchanges, newest: this.#newest };
  }

  /** The newest with this id: a second attempt has the id of the first. */
  find(id: string): Exchange | undefined {
    let found: ExchangeRecord | undefined;
    for (const record of this.#kept()) if (record.start.id === id) found = record;
    return found?.exchange();
  }

  clear(): void {
    this.#records = [];
    this.#oldest = this.#newest + 1;
    this.#dirty = new Set();
    this.#bytes = 0;
    this.bodies = new ByteLog(this.#maxBytes);
  }

  /** Returns what ends the subscription. */
  subscribe(listener: ExchangeListener): () => void {
    this.#listeners.add(listener);
    return () => {
      this.#listeners.delete(listener);
      if (this.#listeners.size > 0) return;
      clearTimeout(this.#timer);
      this.#timer = undefined;
      this.#dirty = new Set();
    };
  }

  #notify(): void {
    this.#timer = undefined;
    const dirty = [...this.#dirty].filter((record) => this.#has(record));
    const exchanges = dirty.map((record) => record.summary()).toSorted((a, b) => a.seq - b.seq);
    this.#dirty = new Set();
    if (exchanges.length === 0) return;
    for (const listener of this.#listeners) listener(exchanges);
  }

  #has(record: ExchangeRecord): boolean {
    return this.#records[record.seq % this.#maxExchanges] === record;
  }

  *#kept(): Iterable<ExchangeRecord> {
    for (let seq = this.#oldest; seq <= this.#newest; seq += 1) {
      const record = this.#records[seq % this.#maxExchanges];
      if (record !== undefined) yield record;
    }
  }

  #fit(): void {
    while (this.#bytes > this.#maxBytes && this.#oldest <= this.#newest) this.#dropOldest();
  }

  #dropOldest(): void {
    const at = this.#oldest % this.#maxExchanges;
    const record = this.#records[at];
    this.#oldest += 1;
    if (record === undefined) return;
    this.#records[at] = undefined;
    this.#bytes -= record.cost;
  }
}
