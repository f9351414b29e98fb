import type { Logger } from 'pino';
import type { BrokerHeartbeat, EdgeHeartbeat } from '../shared/control/api.ts';
import { callControl, successOf } from './control-call.ts';

const INTERVAL_MS = 5_000;
const FIRST_RETRY_MS = 250;
const TIMEOUT_MS = 4_000;

export interface HeartbeatOptions {
  readonly url: string;
  readonly key: string | undefined;
  readonly path: string;
  readonly log: Logger;
  body(): BrokerHeartbeat | EdgeHeartbeat;
}

/** `PUT`s a record at the control plane now and every 5 s, and sooner after a failure. */
export class Heartbeat {
  readonly #options: HeartbeatOptions;
  readonly #abort = new AbortController();
  #timer: NodeJS.Timeout | undefined;
  #failed = false;
  #retryMs = FIRST_RETRY_MS;
  #running: Promise<void> | undefined;

  constructor(options: HeartbeatOptions) {
    this.#options = options;
  }

  /** Resolves after the first try, whatever came of it. */
  start(): Promise<void> {
    return this.#beat();
  }

  /** Sends the record now: it has changed. */
  async now(): Promise<void> {
    await this.#running;
    await this.#beat();
  }

  stop(): void {
    this.#abort.abort();
    clearTimeout(this.#timer);
  }

  #beat(): Promise<void> {
    this.#running ??= this.#put().finally(() => {
      this.#running = undefined;
    });
    return this.#running;
  }

  async #put(): Promise<void> {
    const { url, key, path, log } = this.#options;
    let nextMs = INTERVAL_MS;
    try {
      const headers = {
        'content-type': 'application/json',
        ...(key === undefined ? {} : { authorization: `Bearer ${key}` }),
      };
      const answer = await callControl(new URL(path, url), {
        method: 'PUT',
        headers,
        body: JSON.stringify(this.#options.body()),
        timeoutMs: TIMEOUT_MS,
        signal: this.#abort.signal,
      });
      successOf(answer);
      if (this.#failed) log.info({ path }, 'registered at the control plane again');
      this.#failed = false;
      this.#retryMs = FIRST_RETRY_MS;
    } catch (error) {
      nextMs = this.#retryMs;
      this.#retryMs = Math.min(this.#retryMs * 2, INTERVAL_MS);
      if (!this.#failed && !this.#abort.signal.aborted)
        log.warn({ err: error, path }, 'cannot register at the control plane');
      this.#failed = true;
    }
    if (this.#abort.signal.aborted) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.#beat(), nextMs);
    this.#timer.unref();
  }
}
