import type { AgentError } from '../errors.ts';
import { dialUpstream, type Dial } from './dial-upstream.ts';
import type { UpstreamConnection } from './upstream-connection.ts';
import type { UpstreamTarget } from './upstream-target.ts';

export interface PoolOptions {
  readonly connectTimeoutMs: number;
  readonly idleMs: number;
  /** Idle connections kept for each base URL. */
  readonly maxIdle: number;
}

const DEFAULTS: PoolOptions = { connectTimeoutMs: 5000, idleMs: 30_000, maxIdle: 256 };
/** The upstream's promise is kept with this much to spare. */
const MARGIN_MS = 1000;
const SWEEP_MS = 1000;

/** Kept-alive connections by base URL; the one used last is taken first, so that the others can grow old and go. */
export class UpstreamPool {
  #options: PoolOptions;
  #idle = new Map<string, UpstreamConnection[]>();
  #sweeper: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(options: Partial<PoolOptions> = {}) {
    this.#options = { ...DEFAULTS, ...options };
  }

  get idleConnections(): number {
    let count = 0;
    for (const list of this.#idle.values()) count += list.length;
    return count;
  }

  /**
   * An idle connection, if there is one that should still be good. `restedMs`: idle no longer than this, for requests
   * that could not be sent again.
   */
  take(target: UpstreamTarget, restedMs = Infinity): UpstreamConnection | undefined {
    const list = this.#idle.get(target.key);
    const now = performance.now();
    for (let connection = list?.pop(); connection !== undefined; connection = list?.pop()) {
      if (!connection.dead && connection.idleUntil > now) {
        if (now - connection.idleSince <= restedMs) return connection;
        // The list is in order of age: the others have rested longer.
        list?.push(connection);
        return undefined;
      }
      connection.destroy();
    }
    return undefined;
  }

  dial(target: UpstreamTarget, done: (result: UpstreamConnection | AgentError) => void): Dial {
    return dialUpstream(target, this.#options.connectTimeoutMs, done);
  }

  /** Only after a response whose end is certain and a request that was sent whole. */
  giveBack(connection: UpstreamConnection): void {
    const { key } = connection.target;
    let list = this.#idle.get(key);
    if (list === undefined) this.#idle.set(key, (list = []));
    const promised = connection.keepAliveMs === undefined ? this.#options.idleMs : connection.keepAliveMs - MARGIN_MS;
    if (this.#closed || connection.dead || promised <= 0 || list.length >= this.#options.maxIdle) {
      connection.destroy();
      return;
    }
    connection.idleSince = performance.now();
    connection.idleUntil = connection.idleSince + Math.min(promised, this.#options.idleMs);
    connection.rest(this.#remove);
    list.push(connection);
    this.#sweeper ??= setInterval(() => this.#sweep(), SWEEP_MS).unref();
  }

  close(): void {
    this.#closed = true;
    clearInterval(this.#sweeper);
    this.#sweeper = undefined;
    for (const list of this.#idle.values()) for (const connection of list) connection.destroy();
    this.#idle.clear();
  }

  readonly #remove = (connection: UpstreamConnection): void => {
    const list = this.#idle.get(connection.target.key);
    const at = list?.indexOf(connection) ?? -1;
    if (at >= 0) list?.splice(at, 1);
  };

  #sweep(): void {
    const now = performance.now();
    for (const [key, list] of this.#idle) {
      const kept = list.filter((connection) => connection.idleUntil > now);
      for (const connection of list) if (connection.idleUntil <= now) connection.destroy();
      if (kept.length === 0) this.#idle.delete(key);
      else this.#idle.set(key, kept);
    }
    if (this.#idle.size > 0) return;
    clearInterval(this.#sweeper);
    this.#sweeper = undefined;
  }
}
