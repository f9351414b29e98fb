import type { Exchange, ExchangeSummary } from '../../shared/agent/api.ts';
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
  #maxExchanges: number;
  #maxBytes: number;
  #batchMs: number;
  /** By `seq`, oldest first. */
  #records = new Map<number, ExchangeRecord>();
  #bytes = 0;
  #newest = 0;
  #dirty = new Set<ExchangeRecord>();
  #listeners = new Set<ExchangeListener>();
  #timer: NodeJS.Timeout | undefined;

  constructor(options: RecorderOptions = {}) {
    this.#maxExchanges = options.maxExchanges ?? 1000;
    this.#maxBytes = options.maxBytes ?? 32 * 1024 * 1024;
    this.bodyLimit = options.bodyLimit ?? 64 * 1024;
    this.#batchMs = options.batchMs ?? 50;
  }

  get bytes(): number {
    return this.#bytes;
  }

  begin(start: ExchangeStart): ExchangeRecord {
    const record = new ExchangeRecord(++this.#newest, start, this);
    this.#records.set(record.seq, record);
    this.#bytes += record.cost;
    this.#dropOldest();
    this.changed(record);
    return record;
  }

  grew(record: ExchangeRecord, bytes: number): void {
    if (this.#records.get(record.seq) !== record) return;
    this.#bytes += bytes;
    this.#dropOldest();
  }

  changed(record: ExchangeRecord): void {
    if (this.#listeners.size === 0 || this.#records.get(record.seq) !== record) return;
    this.#dirty.add(record);
    this.#timer ??= setTimeout(() => this.#notify(), this.#batchMs).unref();
  }

  /** At most `limit` after `after`, oldest first. */
  list(after = 0, limit = this.#maxExchanges): { exchanges: ExchangeSummary[]; newest: number } {
    const exchanges: ExchangeSummary[] = [];
    for (const record of this.#records.values()) {
      if (record.seq <= after) continue;
      if (exchanges.length >= limit) break;
      exchanges.push(record.summary());
    }
    return { exchanges, newest: this.#newest };
  }

  /** The newest with this id: a second attempt has the id of the first. */
  find(id: string): Exchange | undefined {
    let found: ExchangeRecord | undefined;
    for (const record of this.#records.values()) if (record.start.id === id) found = record;
    return found?.exchange();
  }

  clear(): void {
    this.#records.clear();
    this.#dirty.clear();
    this.#bytes = 0;
  }

  /** Returns what ends the subscription. */
  subscribe(listener: ExchangeListener): () => void {
    this.#listeners.add(listener);
    return () => {
      this.#listeners.delete(listener);
      if (this.#listeners.size > 0) return;
      clearTimeout(this.#timer);
      this.#timer = undefined;
      this.#dirty.clear();
    };
  }

  #notify(): void {
    this.#timer = undefined;
    const exchanges = [...this.#dirty].map((record) => record.summary()).toSorted((a, b) => a.seq - b.seq);
    this.#dirty.clear();
    if (exchanges.length === 0) return;
    for (const listener of this.#listeners) listener(exchanges);
  }

  #dropOldest(): void {
    if (this.#records.size <= this.#maxExchanges && this.#bytes <= this.#maxBytes) return;
    for (const [seq, record] of this.#records) {
      const over = this.#records.size > this.#maxExchanges || this.#bytes > this.#maxBytes;
      if (!over) return;
      this.#records.delete(seq);
      this.#dirty.delete(record);
      this.#bytes -= record.cost;
    }
  }
}
