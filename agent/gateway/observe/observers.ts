import type { ExchangeRecord } from '../../recorder/exchange-record.ts';
import { WatchedExchange, type ExchangeTrace, type MirrorOutcome } from './watched-exchange.ts';

/** Wants to know of exchanges, for as long as its options stay the same. */
export interface Observing {
  begin?(record: ExchangeRecord): ExchangeTrace;
  finished?(exchange: WatchedExchange): void;
  mirrored?(exchange: WatchedExchange, outcome: MirrorOutcome): void;
  /** Sends what waits. Rejects when it does not arrive. */
  close?(): Promise<void>;
}

/** All who want to know of the exchanges that begin under one configuration. */
export class Observers {
  readonly #parts: readonly Observing[];
  readonly #tracing: Observing | undefined;
  readonly #say: (message: string) => void;
  readonly #faulty = new Set<Observing>();
  #under = 0;
  #rest: PromiseWithResolvers<void> | undefined;

  constructor(parts: readonly Observing[], say: (message: string) => void) {
    this.#parts = parts;
    this.#say = say;
    this.#tracing = parts.find((part) => part.begin !== undefined);
  }

  watch(record: ExchangeRecord): WatchedExchange {
    this.#under += 1;
    return new WatchedExchange(record, this);
  }

  begin(record: ExchangeRecord): ExchangeTrace | undefined {
    const tracing = this.#tracing;
    return tracing === undefined ? undefined : this.#tell(tracing, () => tracing.begin?.(record));
  }

  finished(exchange: WatchedExchange): void {
    for (const part of this.#parts) this.#tell(part, () => part.finished?.(exchange));
    this.#under -= 1;
    if (this.#under === 0) this.#rest?.resolve();
  }

  mirrored(exchange: WatchedExchange, outcome: MirrorOutcome): void {
    for (const part of this.#parts) this.#tell(part, () => part.mirrored?.(exchange, outcome));
  }

  /** Resolves once no exchange is under way; no further one may begin. */
  rest(): Promise<void> {
    if (this.#under === 0) return Promise.resolve();
    this.#rest ??= Promise.withResolvers();
    return this.#rest.promise;
  }

  /** No request fails because somebody could not count it. */
  #tell<T>(part: Observing, run: () => T): T | undefined {
    try {
      return run();
    } catch (error) {
      if (!this.#faulty.has(part)) {
        const why = error instanceof Error ? (error.stack ?? error.message) : String(error);
        this.#say(`A fault of the agent: an exchange is missing in what "observe" of adit.yaml asks for. ${why}`);
      }
      this.#faulty.add(part);
      return undefined;
    }
  }
}
