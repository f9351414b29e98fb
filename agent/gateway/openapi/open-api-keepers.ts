import type { Logger } from 'pino';
import type { GatewayConfig, RouteConfig } from '../../../shared/gateway/config.ts';
import type { Wrap } from '../middlewares/handler.ts';
import type { Service } from '../services/choice.ts';
import type { UpstreamPool } from '../upstream-pool.ts';
import type { OpenApiConfig } from '../../../shared/gateway/open-api.ts';
import { openApiCheck } from './open-api-check.ts';
import { OpenApiKeeper } from './open-api-keeper.ts';
import { OperationPaths } from './operation-paths.ts';

/** The OpenAPI documents of the configuration in force; one that is asked for as before is not fetched anew. */
export class OpenApiKeepers {
  readonly #pool: UpstreamPool;
  readonly #log: Logger | undefined;
  #keepers = new Map<string, OpenApiKeeper>();

  constructor(pool: UpstreamPool, log?: Logger) {
    this.#pool = pool;
    this.#log = log;
  }

  /**
   * What the documents are for: the checks of routes, and the paths that operation sets are compared with. `commit` once
   * the configuration is in force.
   */
  build(
    config: GatewayConfig,
    upstreams: ReadonlyMap<string, string>,
    service: (key: string) => Service,
  ): {
    readonly check: (route: RouteConfig) => Wrap | undefined;
    readonly operations: (route: RouteConfig) => OperationPaths | undefined;
    readonly commit: () => void;
  } {
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
    /** The document of the version, or of its API, that is wanted for something. */
    const find = (
      { id, api, apiVersion }: RouteConfig,
      wanted: (openApi: OpenApiConfig) => boolean,
    ): { readonly openApi: OpenApiConfig; readonly keeper: OpenApiKeeper } | undefined => {
      const openApi = [`APIVersion ${apiVersion}`, `API ${api}`]
        .map((holder) => config.openApis?.[holder])
        .find((one) => one !== undefined && wanted(one));
      if (openApi === undefined) return undefined;
      const key = 'url' in openApi.from ? undefined : openApi.from.services[id];
      if (key === undefined && !('url' in openApi.from)) return undefined;
      return { openApi, keeper: keeperOf(openApi, key) };
    };
    return {
      check: (route) => {
        const found = find(route, ({ methodAndPath, body }) => methodAndPath || body);
        return found === undefined ? undefined : openApiCheck(found.openApi, found.keeper);
      },
      operations: (route) => {
        const found = find(route, ({ operations }) => operations);
        return found === undefined ? undefined : new OperationPaths(found.keeper);
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
