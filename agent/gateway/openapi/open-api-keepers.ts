import type { Logger } from 'pino';
import type { GatewayConfig, RouteConfig } from '../../../shared/gateway/config.ts';
import type { Wrap } from '../middlewares/handler.ts';
import type { Service } from '../services/choice.ts';
import type { UpstreamPool } from '../upstream-pool.ts';
import { openApiCheck } from './open-api-check.ts';
import { OpenApiKeeper } from './open-api-keeper.ts';

/** The OpenAPI documents of the configuration in force; one that is asked for as before is not fetched anew. */
export class OpenApiKeepers {
  readonly #pool: UpstreamPool;
  readonly #log: Logger | undefined;
  #keepers = new Map<string, OpenApiKeeper>();

  constructor(pool: UpstreamPool, log?: Logger) {
    this.#pool = pool;
    this.#log = log;
  }

  /** The checks of routes; `commit` once the configuration is in force. */
  build(
    config: GatewayConfig,
    upstreams: ReadonlyMap<string, string>,
    service: (key: string) => Service,
  ): { readonly of: (route: RouteConfig) => Wrap | undefined; readonly commit: () => void } {
    const kept = new Map<string, OpenApiKeeper>();
    const checks = new Map<string, Wrap>();
    for (const [id, openApi] of Object.entries(config.openApis ?? {})) {
      const { from } = openApi;
      const place = 'url' in from ? from : [from, config.services[from.service], [...upstreams]];
      const identity = JSON.stringify([openApi, place]);
      const keeper =
        this.#keepers.get(identity) ??
        kept.get(identity) ??
        new OpenApiKeeper(openApi, this.#pool, 'url' in from ? undefined : service(from.service), this.#log);
      kept.set(identity, keeper);
      checks.set(id, openApiCheck(openApi, keeper));
    }
    return {
      of: ({ api, apiVersion }) => checks.get(`APIVersion ${apiVersion}`) ?? checks.get(`API ${api}`),
      commit: () => {
        for (const [identity, keeper] of this.#keepers) if (!kept.has(identity)) keeper.close();
        this.#keepers = kept;
        for (const keeper of kept.values()) keeper.start();
      },
    };
  }

  close(): void {
    for (const keeper of this.#keepers.values()) keeper.close();
    this.#keepers.clear();
  }
}
