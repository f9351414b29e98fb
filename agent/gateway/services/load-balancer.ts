import type { LoadBalancerConfig, StickyConfig } from '../../../shared/gateway/service.ts';
import type { UpstreamTarget } from '../upstream-target.ts';
import { NO_COOKIES, NO_MIRRORS, type Choice, type ChoiceBasis, type Refusal, type Service } from './choice.ts';
import type { HealthChecker } from './health-checker.ts';
import { NO_SERVER } from './no-server.ts';
import { pickServer, type PickServer } from './pick-server.ts';
import type { ServerState } from './server-state.ts';
import { Server } from './server.ts';
import { Sticky } from './sticky.ts';

export interface ServerPlace {
  readonly name: string;
  readonly url: string;
  readonly fenced: boolean;
  /** Where it is dialled, or why it is not. */
  place(server: Server): UpstreamTarget | Refusal;
}

/** Chooses among the servers of a Service port. */
export class LoadBalancer implements Service {
  readonly servers: readonly Server[];
  readonly #choices = new Map<Server, Choice | Refusal>();
  readonly #pick: PickServer;
  readonly #sticky: Sticky<Server> | undefined;
  /** One server that nothing can take out: no balancing, and nothing to make for a request. */
  readonly #only: Choice | Refusal | undefined;

  readonly #checker: HealthChecker | undefined;
  /** Traefik's name, when its servers are watched. */
  readonly #watched: string | undefined;

  constructor(config: LoadBalancerConfig, places: readonly ServerPlace[], checker: HealthChecker | undefined) {
    this.#checker = checker;
    const { name: service, sticky, strategy, healthCheck, passiveHealthCheck: passive, passHostHeader } = config;
    const checked = healthCheck !== undefined;
    this.#watched = checked || passive !== undefined ? service : undefined;
    const single = places.length === 1 && !checked && passive === undefined && sticky === undefined;
    this.servers = places.map((at) => {
      const server = new Server({ name: at.name, url: at.url, fenced: at.fenced, passive, checked });
      const target = at.place(server);
      const constant = single && !at.fenced;
      this.#choices.set(
        server,
        'kind' in target
          ? target
          : { kind: 'server', service, target, passHostHeader, cookies: NO_COOKIES, mirrors: NO_MIRRORS, constant },
      );
      return server;
    });
    this.#pick = pickServer(strategy, this.servers);
    this.#sticky = stickyOf(sticky, this.servers);
    const [only] = this.servers;
    this.#only = single && only !== undefined && only.open ? this.#choices.get(only) : undefined;
  }

  choose(basis: ChoiceBasis): Choice | Refusal {
    if (this.#only !== undefined) return this.#only;
    const known = this.#sticky?.find(basis);
    if (known?.entry.up === true) return this.#take(known.entry, known.stale);
    const server = this.#pick(basis);
    return server === undefined ? NO_SERVER : this.#take(server, true);
  }

  /** Which servers get requests; empty when nothing can take any of them out. */
  get states(): readonly ServerState[] {
    const service = this.#watched;
    return service === undefined ? [] : this.servers.map(({ url, up }) => ({ service, url, up }));
  }

  /** Begins to watch over the servers. */
  start(): void {
    this.#checker?.start(this.servers);
  }

  close(): void {
    this.#checker?.close();
    for (const server of this.servers) server.close();
  }

  #take(server: Server, write: boolean): Choice | Refusal {
    const choice = this.#choices.get(server) ?? NO_SERVER;
    if (this.#sticky === undefined || !write) return choice;
    return { ...choice, cookies: [this.#sticky.cookieFor(server)] };
  }
}

function stickyOf(config: StickyConfig | undefined, servers: readonly Server[]): Sticky<Server> | undefined {
  return config === undefined ? undefined : new Sticky(config, servers);
}
