import type { ExchangeRecord } from '../../recorder/exchange-record.ts';
import type { ExchangeWatch, WatchedServer } from '../../recorder/exchange-watch.ts';

/** Who is told of an exchange that is over. */
export type OnFinished = (record: ExchangeRecord, watched: WatchedExchange) => void;

/** What logs and metrics want of one exchange beside its record. */
export class WatchedExchange implements ExchangeWatch {
  readonly traceId = undefined;
  /** The last that got the request. */
  server: WatchedServer | undefined;
  readonly #onFinished: OnFinished;

  constructor(onFinished: OnFinished) {
    this.#onFinished = onFinished;
  }

  sent(server: WatchedServer): undefined {
    this.server = server;
  }

  answered(): void {}
  answerBytes(): void {}
  answerEnded(): void {}
  failed(): void {}
  retried(): void {}

  ask(): undefined {
    return undefined;
  }

  requestBytes(): void {}
  responseHead(): void {}
  responseBytes(): void {}

  finished(record: ExchangeRecord): void {
    this.#onFinished(record, this);
  }
}
