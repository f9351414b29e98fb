import type { ServerResponse } from 'node:http';

import type { BrokerRecord } from '../shared/control/api.ts';

import { ControlError } from './errors.ts';

/** A listener that lets more than this pile up is cut off; it reconnects and gets the whole document. */
const MAX_QUEUED_BYTES = 256 * 1024;
const KEEP_ALIVE_MS = 3_000;

/** Those who follow the directory as server-sent events. Each message is the whole list, so that none is missed. */
export class DirectoryListeners {
  readonly #listeners = new Map<ServerResponse, (brokers: readonly BrokerRecord[]) => BrokerRecord[]>();
  readonly #max: number;
  readonly #keepAlive: NodeJS.Timeout;

  constructor(max: number) {
    this.#max = max;
    this.#keepAlive = setInterval(() => {
      for (const response of this.#listeners.keys()) this.#write(response, ': alive\n\n');
    }, KEEP_ALIVE_MS);
    this.#keepAlive.unref();
  }

  /** Throws `listener-limit` when there are too many; call before the response is hijacked. */
  checkRoom(): void {
    if (this.#listeners.size >= this.#max) {
      throw new ControlError('listener-limit', `${this.#max} listeners follow the directory, which is the limit`, {
        retryAfterSeconds: 10,
      });
    }
  }

  /** `view` is applied to every list that this listener is sent. */
  add(
    response: ServerResponse,
    view: (brokers: readonly BrokerRecord[]) => BrokerRecord[],
    now: readonly BrokerRecord[],
  ): void {
    response.writeHead(200, {
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-store',
      'x-accel-buffering': 'no',
    });
    response.once('close', () => this.#listeners.delete(response));
    this.#listeners.set(response, view);
    this.#write(response, event(view(now)));
  }

  publish(brokers: readonly BrokerRecord[]): void {
    for (const [response, view] of this.#listeners) this.#write(response, event(view(brokers)));
  }

  close(): void {
    clearInterval(this.#keepAlive);
    for (const response of this.#listeners.keys()) response.end();
    this.#listeners.clear();
  }

  #write(response: ServerResponse, text: string): void {
    if (response.destroyed) return;
    response.write(text);
    if (response.writableLength > MAX_QUEUED_BYTES) response.destroy();
  }
}

function event(brokers: readonly BrokerRecord[]): string {
  return `event: brokers\ndata: ${JSON.stringify({ brokers })}\n\n`;
}
