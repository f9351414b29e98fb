import { randomBytes } from 'node:crypto';
import type { Logger } from 'pino';
import { Bag } from '../../shared/bag.ts';
import type { GatewayConfig } from '../../shared/gateway/config.ts';
import type { YamuxStream } from '../../shared/yamux/types.ts';
import type { Recorder } from '../recorder/recorder.ts';
import type { ExchangeContext } from './exchange-context.ts';
import { Limiter } from './limiter.ts';
import { OpenApiKeepers } from './openapi/open-api-keepers.ts';
import type { PlanStore } from './plans/plan-store.ts';
import { compileServing, type Placement, type Serving } from './serving.ts';
import { MiddlewareStates } from './middlewares/middleware-states.ts';
import { Copies } from './services/copies.ts';
import { ServiceBuilder } from './services/build-services.ts';
import type { ServerState } from './services/server-state.ts';
import { StreamServer } from './stream-server.ts';
import { UpstreamPool, type PoolOptions } from './upstream-pool.ts';

export interface GatewayOptions {
  readonly recorder: Recorder;
  readonly log?: Logger | undefined;
  /** Milliseconds; never goes back. */
  readonly clock?: () => number;
  /** Where plans are counted while the configuration names no other place. */
  readonly limiter?: Limiter;
  /** From the end of the request to the response head. */
  readonly responseTimeoutMs?: number;
  readonly pool?: Partial<PoolOptions>;
}

/** A configuration, where it is served, and where its plans are counted: in memory when absent. */
export interface Serves extends Placement {
  readonly plans?: PlanStore | undefined;
}

/** The link that a stream came on. */
export interface StreamLink {
  readonly broker: string;
  readonly region: string;
}

/** How exact the time limit of a response is: one timer for all, none a request. */
const TICK_MS = 250;
const NOTHING = 'The agent serves nothing at the moment.';

/** Serves a configuration on the streams of the tunnels. */
export class Gateway {
  #recorder: Recorder;
  #log: Logger | undefined;
  #limiter: Limiter;
  #pool: UpstreamPool;
  #services: ServiceBuilder;
  #copies: Copies;
  #middlewares = new MiddlewareStates();
  #documents: OpenApiKeepers;
  #responseTimeoutMs: number;
  #serving: Serving | undefined;
  #servers = new Bag<StreamServer>();
  #idleReason = NOTHING;
  #closed = false;
  #ticker: NodeJS.Timeout | undefined;
  #onRest: () => void = () => {};
  #idSalt = randomBytes(6).toString('hex');
  #ids = 0;

  constructor(options: GatewayOptions) {
    this.#recorder = options.recorder;
    this.#log = options.log;
    this.#limiter = options.limiter ?? new Limiter(options.clock ?? (() => performance.now()));
    this.#pool = new UpstreamPool(options.pool);
    this.#services = new ServiceBuilder(this.#pool);
    this.#copies = new Copies(this.#pool);
    this.#documents = new OpenApiKeepers(this.#pool, options.log);
    this.#responseTimeoutMs = options.responseTimeoutMs ?? 60_000;
  }

  /** Exchanges that run now. */
  get inFlight(): number {
    let count = 0;
    for (const server of this.#servers) if (!server.idle) count += 1;
    return count;
  }

  /** Of the tunnels, those that rest included. */
  get openStreams(): number {
    return this.#servers.size;
  }

  /** Of the services whose servers are watched. */
  servers(): Iterable<ServerState> {
    return this.#services.states();
  }

  /** Replaces what is served, at once; exchanges that run end as they began. Throws when it does not compile. */
  apply(config: GatewayConfig, placement: Serves): void {
    this.#serving = compileServing(
      config,
      placement,
      placement.plans ?? this.#limiter,
      this.#limiter.clock,
      this.#services,
      this.#middlewares,
      this.#documents,
    );
    this.#log?.info({ routes: config.routes.length, hosts: placement.hostMap.size }, 'configuration applied');
  }

  /** Serves nothing from now on; visitors get 503 with this reason. */
  clear(reason: string): void {
    this.#serving = undefined;
    this.#idleReason = reason;
  }

  accept(stream: YamuxStream, link: StreamLink): void {
    if (this.#closed) {
      stream.reset();
      return;
    }
    let context = this.#context(link);
    const server = new StreamServer(stream, {
      context: () => {
        if (context.serving !== this.#serving || context.idleReason !== this.#idleReason) context = this.#context(link);
        return context;
      },
      onIdle: () => this.#onRest(),
      onClosed: (closed) => {
        this.#servers.delete(closed);
        if (this.#servers.size === 0) this.#stopTicking();
        this.#onRest();
      },
    });
    this.#servers.add(server);
    this.#ticker ??= setInterval(() => this.#tick(), Math.min(TICK_MS, this.#responseTimeoutMs)).unref();
    stream.attach(server);
  }

  /** Takes no more streams, lets exchanges end for `graceMs`, then drops what is left. */
  async close(graceMs = 0): Promise<void> {
    this.#closed = true;
    for (const server of this.#servers) server.closeWhenIdle();
    if (graceMs > 0 && this.inFlight > 0) await this.#rest(graceMs);
    for (const server of this.#servers) server.destroy();
    this.#servers.clear();
    this.#stopTicking();
    this.#services.close();
    this.#copies.close();
    this.#documents.close();
    this.#pool.close();
  }

  #tick(): void {
    const now = performance.now();
    for (const server of this.#servers) server.tick(now);
  }

  #stopTicking(): void {
    clearInterval(this.#ticker);
    this.#ticker = undefined;
  }

  /** Resolves once no exchange runs, at the latest after `withinMs`. */
  #rest(withinMs: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, withinMs);
      this.#onRest = () => {
        if (this.inFlight > 0) return;
        clearTimeout(timer);
        resolve();
      };
    });
  }

  #context(link: StreamLink): ExchangeContext {
    return {
      serving: this.#serving,
      idleReason: this.#idleReason,
      pool: this.#pool,
      copies: this.#copies,
      recorder: this.#recorder,
      broker: link.broker,
      responseTimeoutMs: this.#responseTimeoutMs,
      known: new WeakMap(),
      newId: () => `${this.#idSalt}-${(++this.#ids).toString(36)}`,
    };
  }
}
