import { AgentError } from '../errors.ts';
import { dialUpstream, type Dial, type Dialled } from './dial-upstream.ts';
import { SocketReads } from '../../shared/sockets/socket-reads.ts';
import { Http1Connection, type UpstreamConnection } from './upstream-connection.ts';
import { Http2Sessions } from './upstream-http2-sessions.ts';
import type { UpstreamTarget } from './upstream-target.ts';
import { Watching } from './upstream-watching.ts';

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
  #idle = new Map<string, Http1Connection[]>();
  #http2: Http2Sessions;
  #sweeper: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(options: Partial<PoolOptions> = {}) {
    this.#options = { ...DEFAULTS, ...options };
    this.#http2 = new Http2Sessions(this.#options);
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
    if (target.http2 !== 'never') {
      const stream = this.#http2.take(target);
      if (stream !== undefined) return stream;
    }
    const list = this.#idle.get(target.key);
    const now = performance.now();
    for (let connection = list?.pop(); connection !== undefined; connection = list?.pop()) {
      if (!connection.dead && connection.idleUntil > now) {
        if (now - connection.idleSince <= restedMs) {
          connection.target = target;
          if (target.watch !== undefined) connection.watching = new Watching(target.watch);
          return connection;
        }
        // The list is in order of age: the others have rested longer.
        list?.push(connection);
        return undefined;
      }
      connection.destroy();
    }
    return undefined;
  }

  dial(target: UpstreamTarget, done: (result: UpstreamConnection | AgentError) => void): Dial {
    if (target.http2 !== 'never') return this.#http2.dial(target, done);
    const watching = target.watch === undefined ? undefined : new Watching(target.watch);
    const reads = target.secure ? undefined : SocketReads.make();
    const onDialled = (result: Dialled | AgentError): void => {
      if (result instanceof AgentError) {
        watching?.failed();
        done(result);
        return;
      }
      const connection = new Http1Connection(result.socket, target, reads);
      connection.watching = watching;
      done(connection);
    };
    const dial = dialUpstream(target, this.#options.connectTimeoutMs, onDialled, reads);
    if (watching === undefined) return dial;
    return {
      cancel() {
        dial.cancel();
        watching.ended();
      },
    };
  }

  /** Only after a response whose end is certain and a request that was sent whole. */
  giveBack(connection: UpstreamConnection): void {
    if (!(connection instanceof Http1Connection)) {
      connection.destroy();
      return;
    }
    const { key } = connection.target;
    let list = this.#idle.get(key);
    if (list === undefined) this.#idle.set(key, (list = []));
    const { idleMs, maxIdle } = limitsOf(this.#options, connection.target);
    const promised = connection.keepAliveMs === undefined ? idleMs : connection.keepAliveMs - MARGIN_MS;
    if (this.#closed || connection.dead || promised <= 0 || list.length >= maxIdle) {
      connection.destroy();
      return;
    }
    connection.idleSince = performance.now();
    connection.idleUntil = connection.idleSince + Math.min(promised, idleMs);
    connection.rest(this.#remove);
    list.push(connection);
    this.#sweeper ??= setInterval(() => this.#sweep(), SWEEP_MS).unref();
  }

  close(): void {
    this.#closed = true;
    this.#http2.close();
    clearInterval(this.#sweeper);
    this.#sweeper = undefined;
    for (const list of this.#idle.values()) for (const connection of list) connection.destroy();
    this.#idle.clear();
  }

  readonly #remove = (connection: Http1Connection): void => {
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

function limitsOf(options: PoolOptions, { transport }: UpstreamTarget): PoolOptions {
  if (transport === undefined) return options;
  const { maxIdleConnsPerHost: most, idleConnTimeoutMs: idle } = transport;
  return {
    ...options,
    maxIdle: most === 0 ? options.maxIdle : Math.min(Math.max(0, most), options.maxIdle),
    idleMs: idle === 0 ? options.idleMs : Math.min(idle, options.idleMs),
  };
}
