import type { Logger } from 'pino';
import type { GatewayConfig, RouteConfig } from '../../../shared/gateway/config.ts';
import type { Wrap } from '../middlewares/handler.ts';
import type { Service } from '../services/choice.ts';
import type { UpstreamPool } from '../upstream-pool.ts';
import type { OpenApiConfig } from '../../../shared/gateway/open-api.ts';
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
    const kept = new Map<string, { readonly keeper: OpenApiKeeper; readonly from: Service | undefined }>();
    const keeperOf = (openApi: OpenApiConfig, key: string | undefined): OpenApiKeeper => {
      const { source, refreshMs, bases, from } = openApi;
      const place = key === undefined ? from : ['path' in from ? from.path : '', placeOf(config, upstreams, key)];
      const identity = JSON.stringify([source, refreshMs, bases, place]);
      const keeper =
        kept.get(identity)?.keeper ?? this.#keepers.get(identity) ?? new OpenApiKeeper(openApi, this.#pool, this.#log);
      kept.set(identity, { keeper, from: key === undefined ? undefined : service(key) });
      return keeper;
    };
    return {
      of: ({ id, api, apiVersion }) => {
        const openApi = config.openApis?.[`APIVersion ${apiVersion}`] ?? config.openApis?.[`API ${api}`];
        if (openApi === undefined) return undefined;
        const key = 'url' in openApi.from ? undefined : openApi.from.services[id];
        if (key === undefined && !('url' in openApi.from)) return undefined;
        return openApiCheck(openApi, keeperOf(openApi, key));
      },
      commit: () => {
        for (const [identity, keeper] of this.#keepers) if (!kept.has(identity)) keeper.close();
        this.#keepers = new Map(Array.from(kept, ([identity, { keeper }]) => [identity, keeper]));
        for (const { keeper, from } of kept.values()) keeper.start(from);
      },
    };
  }

  close(): void {
    for (const keeper of this.#keepers.values()) keeper.close();
    this.#keepers.clear();
  }
}

/** Of all that decides where a service sends its requests. Route objects have services of their own to the same Service. */
function placeOf(config: GatewayConfig, urls: ReadonlyMap<string, string>, key: string): unknown {
  const service = config.services[key];
  if (service?.kind !== 'load-balancer') return [service, [...urls]];
  const { scheme, upstream, transport } = service;
  return [scheme, config.upstreams[upstream], urls.get(upstream), config.transports[transport ?? '']];
}
