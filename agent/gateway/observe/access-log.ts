import { durationMs } from '../../../shared/manifests/duration.ts';
import type { AccessLogConfig } from '../../../shared/workspace/observe-config.ts';
import type { AccessLogFile } from './access-log-file.ts';
import { accessLogFields, headerFields, type LogFields } from './access-log-fields.ts';
import { ACCESS_LOG_FORMATS } from './access-log-formats.ts';
import type { WatchedExchange } from './watched-exchange.ts';

/** Chooses and writes lines as the options say. */
export class AccessLog {
  readonly #config: AccessLogConfig;
  readonly #file: AccessLogFile;
  readonly #ranges: readonly (readonly [from: number, to: number])[];
  readonly #minDurationMs: number;
  readonly #fieldModes: ReadonlyMap<string, 'keep' | 'drop'>;

  readonly #next: () => number;

  /** `next`: numbers the requests. */
  constructor(config: AccessLogConfig, file: AccessLogFile, next: () => number) {
    this.#config = config;
    this.#next = next;
    this.#file = file;
    const { statusCodes, minDuration } = config.filters;
    this.#ranges = statusCodes.map((range) => {
      const [from = '', to = from] = range.split('-');
      return [Number(from), Number(to)];
    });
    this.#minDurationMs = minDuration === undefined ? 0 : (durationMs(minDuration) ?? 0);
    this.#fieldModes = new Map(Object.entries(config.fields.names).map(([name, mode]) => [name.toLowerCase(), mode]));
  }

  finished(exchange: WatchedExchange): void {
    const number = this.#next();
    if (!this.#wanted(exchange)) return;
    const fields = { ...this.#kept(accessLogFields(exchange, number)), ...this.#headers(exchange) };
    this.#file.write(ACCESS_LOG_FORMATS[this.#config.format](fields));
  }

  /** Any of the filters holds, or there is none. */
  #wanted({ status, retries, record }: WatchedExchange): boolean {
    const { retryAttempts } = this.#config.filters;
    if (this.#ranges.length === 0 && !retryAttempts && this.#minDurationMs === 0) return true;
    return (
      this.#ranges.some(([from, to]) => status >= from && status <= to) ||
      (retryAttempts && retries > 0) ||
      (this.#minDurationMs > 0 && (record.tookMs ?? 0) > this.#minDurationMs)
    );
  }

  #kept(fields: LogFields): LogFields {
    const { defaultMode } = this.#config.fields;
    if (this.#fieldModes.size === 0 && defaultMode === 'keep') return fields;
    return Object.fromEntries(
      Object.entries(fields).filter(([name]) => (this.#fieldModes.get(name.toLowerCase()) ?? defaultMode) === 'keep'),
    );
  }

  #headers(exchange: WatchedExchange): LogFields {
    return headerFields(exchange, this.#config.fields.headers);
  }
}
