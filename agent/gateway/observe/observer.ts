import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import type { ObserveConfig } from '../../../shared/workspace/observe-config.ts';
import type { Recorder } from '../../recorder/recorder.ts';
import { AccessLogFile } from './access-log-file.ts';
import { AccessLog } from './access-log.ts';
import type { GatewayState } from './gateway-metrics.ts';
import { Observers, type Observing } from './observers.ts';
import type { PrometheusMetrics } from './prometheus-metrics.ts';

/** Exchanges under way get this long to end before those who wanted to know of them are closed. */
const REST_WITHIN_MS = 5000;
/** What waits gets this long to arrive: who stops the agent gives it two seconds in all. */
const ARRIVE_WITHIN_MS = 1000;

export interface ObserverOptions {
  readonly recorder: Recorder;
  /** Holds the access log. */
  readonly stateDir: string;
  /** Of the program, for whoever gets spans and metrics. */
  readonly version: string;
  readonly state: GatewayState;
  /** For people: what does not arrive. */
  readonly say: (message: string) => void;
}

type Name = 'access log' | 'prometheus' | 'otlp metrics' | 'tracing';

interface Part {
  /** What it was made of. */
  readonly print: string;
  readonly observing: Observing;
}

/**
 * What a workspace wants to know of its requests. Nothing is loaded, and no exchange has a watch, until one asks. Whoever
 * has the same options under a new configuration goes on; the others end once their last exchange has.
 */
export class Observer {
  readonly #options: ObserverOptions;
  #wanted = JSON.stringify({});
  #parts: ReadonlyMap<Name, Part> = new Map();
  /** Of this configuration, and of those before that still have exchanges under way. */
  readonly #observers = new Set<Observers>();
  #prometheus: PrometheusMetrics | undefined;
  #file: AccessLogFile | undefined;
  #requests = 0;
  /** Changes, one after the other. */
  #turn: Promise<void> = Promise.resolve();
  readonly #closing = new Set<Promise<void>>();

  constructor(options: ObserverOptions) {
    this.#options = options;
  }

  /** Resolves once the last configuration is in force. */
  get settled(): Promise<void> {
    return this.#turn;
  }

  configure(config: ObserveConfig = {}): void {
    const wanted = JSON.stringify(config);
    if (wanted === this.#wanted) return;
    this.#wanted = wanted;
    this.#turn = this.#turn.then(() => this.#change(config));
  }

  /** Undefined: no workspace asks for metrics. */
  async metricsText(): Promise<string | undefined> {
    await this.#turn;
    return this.#prometheus?.text();
  }

  /** Ends all parts and sends what waits, as far as it arrives in time. */
  async close(): Promise<void> {
    this.configure();
    await this.#turn;
    await Promise.all(this.#closing);
  }

  async #change(config: ObserveConfig): Promise<void> {
    const before = this.#parts;
    const parts = await this.#make(config);
    const observers = new Observers(
      [...parts.values()].map(({ observing }) => observing),
      this.#options.say,
    );
    this.#options.recorder.watchFor = parts.size === 0 ? undefined : (record) => observers.watch(record);
    const kept = new Set(parts.values());
    const over: Observing[] = [...before.values()].filter((part) => !kept.has(part)).map((part) => part.observing);
    if (!parts.has('access log') && this.#file !== undefined) {
      const file = this.#file;
      this.#file = undefined;
      over.push({ close: () => file.close() });
    }
    const rest = [...this.#observers].map(async (earlier) => {
      await earlier.rest();
      this.#observers.delete(earlier);
    });
    const done = this.#end(over, Promise.all(rest)).finally(() => this.#closing.delete(done));
    this.#closing.add(done);
    this.#parts = parts;
    this.#observers.add(observers);
  }

  async #make({ accessLog, metrics, tracing }: ObserveConfig): Promise<Map<Name, Part>> {
    const { version, state, say, stateDir } = this.#options;
    const parts = new Map<Name, Part>();
    const part = async (name: Name, options: unknown, make: () => Observing | Promise<Observing>): Promise<void> => {
      const print = JSON.stringify(options);
      const known = this.#parts.get(name);
      try {
        parts.set(name, known?.print === print ? known : { print, observing: await make() });
      } catch (error) {
        say(
          `The ${name} part of "observe" in adit.yaml is left out: ${error instanceof Error ? error.message : String(error)}`,
        );
      }
    };
    if (accessLog !== undefined)
      await part('access log', accessLog, () => {
        if (this.#file?.broken !== false) this.#file = new AccessLogFile(join(stateDir, 'access.log'), say);
        return new AccessLog(accessLog, this.#file, () => (this.#requests += 1));
      });
    const { prometheus, otlp } = metrics ?? {};
    if (prometheus === undefined) this.#prometheus = undefined;
    else
      await part('prometheus', prometheus, async () => {
        const { PrometheusMetrics: Made } = await import('./prometheus-metrics.ts');
        return (this.#prometheus = new Made(prometheus, state));
      });
    if (otlp !== undefined)
      await part('otlp metrics', otlp, async () => {
        const { OtlpMetrics } = await import('./otlp-metrics.ts');
        return new OtlpMetrics(otlp, { version, say, state });
      });
    if (tracing !== undefined)
      await part('tracing', tracing, async () => {
        const { Tracing } = await import('./tracing.ts');
        return new Tracing(tracing, { version, say });
      });
    return parts;
  }

  /** `rest`: of all exchanges that may still tell them something. */
  async #end(over: readonly Observing[], rest: Promise<unknown>): Promise<void> {
    if (over.length === 0) return;
    await within(REST_WITHIN_MS, rest);
    const closed = over.map(async (observing) => {
      try {
        await observing.close?.();
      } catch (error) {
        this.#options.say(`What waited to be sent is lost: ${error instanceof Error ? error.message : String(error)}`);
      }
    });
    await within(ARRIVE_WITHIN_MS, Promise.all(closed));
  }
}

/** Waits for it, but no longer. */
async function within(ms: number, work: Promise<unknown>): Promise<void> {
  const enough = new AbortController();
  await Promise.race([work, wait(ms, undefined, { signal: enough.signal }).catch(() => undefined)]);
  enough.abort();
}
