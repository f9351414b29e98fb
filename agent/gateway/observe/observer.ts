import { join } from 'node:path';
import type { Logger } from 'pino';
import type { ObserveConfig } from '../../../shared/workspace/observe-config.ts';
import type { Recorder } from '../../recorder/recorder.ts';
import { AccessLog } from './access-log.ts';
import type { GatewayMetrics } from './gateway-metrics.ts';
import { WatchedExchange } from './watched-exchange.ts';

/** What a workspace wants to know of its requests. Nothing is loaded, and nothing looks, until one asks. */
export class Observer {
  readonly #recorder: Recorder;
  readonly #stateDir: string;
  readonly #log: Logger;
  #identity = '';
  #accessLog: AccessLog | undefined;
  #metrics: GatewayMetrics | undefined;
  #loading: Promise<void> | undefined;

  constructor(recorder: Recorder, stateDir: string, log: Logger) {
    this.#recorder = recorder;
    this.#stateDir = stateDir;
    this.#log = log;
  }

  configure(config: ObserveConfig = {}): void {
    const accessLog = config.accessLog !== undefined;
    const metrics = config.metrics?.prometheus !== undefined;
    const identity = `${accessLog} ${metrics}`;
    if (identity === this.#identity) return;
    this.#identity = identity;
    void this.#accessLog?.close();
    this.#accessLog = accessLog
      ? new AccessLog(join(this.#stateDir, 'access.log'), (message) => this.#log.warn(message))
      : undefined;
    if (!metrics) this.#metrics = undefined;
    else if (this.#metrics === undefined) this.#loading = this.#load();
    this.#recorder.watchFor =
      accessLog || metrics
        ? () =>
            new WatchedExchange((record, watched) => {
              this.#accessLog?.write(record, watched);
              this.#metrics?.count(record);
            })
        : undefined;
  }

  /** Undefined: no workspace asks for metrics. */
  async metricsText(): Promise<string | undefined> {
    await this.#loading;
    return this.#metrics?.text();
  }

  async close(): Promise<void> {
    this.#recorder.watchFor = undefined;
    await this.#accessLog?.close();
  }

  async #load(): Promise<void> {
    const { GatewayMetrics: Made } = await import('./gateway-metrics.ts');
    this.#metrics = new Made();
  }
}
