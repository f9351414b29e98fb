import type { Logger } from 'pino';
import { longestDelayMs, type Demand, type PlanStore, type Verdict } from './plan-store.ts';
import { TAKE_SCRIPT, TAKE_SHA1 } from './redis-script.ts';

export interface RedisStoreOptions {
  /** `redis:` or `rediss:`, without credentials. */
  readonly url: string;
  readonly username?: string | undefined;
  readonly password?: string | undefined;
  /** Certificates in PEM, trusted besides the public ones. */
  readonly ca?: string | undefined;
  /** Of every key. */
  readonly prefix: string;
  /** For an answer. */
  readonly timeoutMs: number;
  /** Calls are refused while the server is away; else they pass uncounted. */
  readonly refuseWhenAway: boolean;
  readonly log?: Logger | undefined;
}

interface Client {
  readonly isReady: boolean;
  sendCommand(args: readonly string[]): Promise<unknown>;
  destroy(): void;
}

/** Questions under way; more are not asked. */
const MAX_PENDING = 1000;
const CONNECT_WITHIN_MS = 5000;
const PING_EVERY_MS = 5000;
/** A connection on which nothing comes for so long, not even answers to pings, is a dead one. */
const SILENCE_MS = 15_000;
const MAX_RETRY_MS = 2000;

/** Consumption in a Redis server that several agents share. */
export class RedisStore implements PlanStore {
  readonly #options: RedisStoreOptions;
  #client: Client | undefined;
  /** The first connection is up, or failed. */
  readonly #tried = Promise.withResolvers<void>();
  #pending = 0;
  #closed = false;
  #trouble: string | undefined;

  constructor(options: RedisStoreOptions) {
    this.#options = options;
    void this.#connect();
  }

  async take(demand: Demand): Promise<Verdict> {
    const reply = await this.#run('take', demand);
    if (typeof reply === 'string') return { kind: 'away', reason: reply, refuse: this.#options.refuseWhenAway };
    const [word, first = 0, rateLeft = -1, quotaLeft = -1] = reply;
    if (word !== 'allowed')
      return { kind: 'spent', by: word === 'rate' ? 'rate' : 'quota', retryAfterMs: Number(first) };
    return { kind: 'allowed', delayMs: Number(first), rateLeft: count(rateLeft), quotaLeft: count(quotaLeft) };
  }

  refund(demand: Demand): void {
    void this.#run('refund', demand);
  }

  close(): void {
    this.#closed = true;
    this.#tried.resolve();
    this.#client?.destroy();
    this.#client = undefined;
  }

  /** The answer of the script, or why there is none. */
  async #run(op: 'take' | 'refund', { rate, quota }: Demand): Promise<readonly unknown[] | string> {
    const { prefix, timeoutMs } = this.#options;
    if (this.#pending >= MAX_PENDING) return `more than ${MAX_PENDING} questions wait for ${this.#name}.`;
    const args = [
      '2',
      `${prefix}rate ${rate?.key ?? ''}`,
      `${prefix}quota ${quota?.key ?? ''}`,
      op,
      ...(rate === undefined ? ['-1', '1', '0'] : [rate.limit, rate.periodMs, longestDelayMs(rate)].map(String)),
      ...(quota === undefined ? ['-1', '1'] : [quota.limit, quota.periodMs].map(String)),
    ];
    const timer = Promise.withResolvers<string>();
    const clock = setTimeout(() => timer.resolve(`no answer of ${this.#name} within ${timeoutMs} ms.`), timeoutMs);
    this.#pending += 1;
    try {
      const asked = this.#ask(args).finally(() => (this.#pending -= 1));
      return await Promise.race([asked, timer.promise]);
    } catch (error) {
      return `${this.#name}: ${error instanceof Error ? error.message : String(error)}`;
    } finally {
      clearTimeout(clock);
    }
  }

  async #ask(args: readonly string[]): Promise<readonly unknown[] | string> {
    // Calls right after the start wait for the first connection, within their time.
    await this.#tried.promise;
    const client = this.#client;
    if (client?.isReady !== true) return `${this.#name}: ${this.#trouble ?? 'the connection is closed'}.`;
    let reply: unknown;
    try {
      reply = await client.sendCommand(['EVALSHA', TAKE_SHA1, ...args]);
    } catch (error) {
      if (!(error instanceof Error) || !error.message.startsWith('NOSCRIPT')) throw error;
      reply = await client.sendCommand(['EVAL', TAKE_SCRIPT, ...args]);
    }
    return Array.isArray(reply) ? reply : `${this.#name} answers something else.`;
  }

  async #connect(): Promise<void> {
    const { url, username, password, ca, log } = this.#options;
    try {
      const [{ createClient }, { rootCertificates }] = await Promise.all([import('@redis/client'), import('node:tls')]);
      const limits = { connectTimeout: CONNECT_WITHIN_MS, socketTimeout: SILENCE_MS, reconnectStrategy: pause };
      const client = createClient({
        url,
        ...(username === undefined ? {} : { username }),
        ...(password === undefined ? {} : { password }),
        socket:
          new URL(url).protocol === 'rediss:'
            ? { ...limits, tls: true, ...(ca === undefined ? {} : { ca: [...rootCertificates, ca] }) }
            : limits,
        disableOfflineQueue: true,
        commandsQueueMaxLength: 2 * MAX_PENDING,
        pingInterval: PING_EVERY_MS,
      });
      client.on('error', (error: Error) => this.#failed(error));
      client.on('ready', () => {
        log?.info(`${this.#name} counts the calls of plans`);
        this.#trouble = undefined;
        this.#tried.resolve();
      });
      if (this.#closed) return;
      this.#client = client;
      await client.connect();
    } catch (error) {
      if (!this.#closed) this.#failed(error);
    }
  }

  #failed(error: unknown): void {
    const reason = error instanceof Error ? error.message || error.name : String(error);
    if (this.#trouble !== reason) this.#options.log?.warn(`${this.#name}: ${reason}`);
    this.#trouble = reason;
    this.#tried.resolve();
  }

  get #name(): string {
    return `the Redis server at ${new URL(this.#options.url).host}`;
  }
}

function pause(retries: number): number {
  return Math.min(MAX_RETRY_MS, 50 * 2 ** Math.min(retries, 6)) * (0.5 + Math.random() / 2);
}

function count(value: unknown): number | undefined {
  const number = Number(value);
  return number < 0 ? undefined : number;
}
