import type { CorsConfig, GatewayConfig, RouteConfig } from '../../shared/gateway/config.ts';
import { HeaderList, type HeaderPair } from '../../shared/http1/header-list.ts';
import { writeResponseHead } from '../../shared/http1/write-head.ts';
import { AgentError } from '../errors.ts';
import { Mask } from '../recorder/mask.ts';
import { challenge } from './api-keys.ts';
import { routeGuards } from './auth/route-guards.ts';
import { secretPlaces } from './auth/secret-places.ts';
import { buildRouter, type Router } from './build-router.ts';
import { Cors } from './cors.ts';
import { leaveOut } from './left-out.ts';
import type { Wrap } from './middlewares/handler.ts';
import { buildChain, NO_MIDDLEWARES, type Chain, type ChainParts } from './middlewares/chain.ts';
import { writtenHeaders } from './middlewares/written-headers.ts';
import type { MiddlewareStates } from './middlewares/middleware-states.ts';
import type { OpenApiKeepers } from './openapi/open-api-keepers.ts';
import type { PlanStore } from './plans/plan-store.ts';
import { Policy, type RoutePolicy } from './policy.ts';
import type { RequestView } from './request-view.ts';
import type { ServiceBuilder } from './services/build-services.ts';
import type { Choice, ChoiceBasis, Refusal, Service } from './services/choice.ts';
import { NO_SERVER } from './services/no-server.ts';

/** Where a configuration is served: preview hosts with the manifests' host each stands for, and URLs of upstreams. */
export interface Placement {
  /** Canonical preview host → canonical host in the manifests; null: stands for any. */
  readonly hostMap: ReadonlyMap<string, string | null>;
  /** Key of `GatewayConfig.upstreams` → base URL, in place of what the configuration says. */
  readonly upstreams: ReadonlyMap<string, string>;
}

/** One configuration, compiled. Requests keep the one they began with. */
export interface Serving {
  readonly config: GatewayConfig;
  readonly router: Router;
  /** A route that would take the request, if it were known where its Service runs: the key of the upstream. */
  leftOut(request: RequestView): { readonly route: RouteConfig; readonly upstream: string } | undefined;
  /** Undefined: the route is attached to no API. */
  policy(routeId: string): RoutePolicy | undefined;
  readonly hostMap: ReadonlyMap<string, string | null>;
  readonly mask: Mask;
  cors(routeId: string): Cors | undefined;
  chain(routeId: string): Chain;
  /** Who looks at the requests of a route before its chain; undefined while `policy` decides all at once. */
  guard(routeId: string): Wrap | undefined;
  /** The server that gets a request of the route; asked again for every further try. */
  pick(routeId: string, basis: ChoiceBasis): Choice | Refusal;
  /** By key of `GatewayConfig.services`. */
  service(key: string): Service;
}

/** Throws when a pattern does not compile or a header cannot be sent; the configuration before stays in force then. */
export function compileServing(
  config: GatewayConfig,
  placement: Placement,
  plans: PlanStore,
  clock: () => number,
  builder: ServiceBuilder,
  states: MiddlewareStates,
  documents: OpenApiKeepers,
): Serving {
  checkHeaders(config);
  const cors = corsOfRoutes(config);
  const { headers, query } = secretPlaces(config);
  const { services, adopt } = builder.build(config, placement.upstreams);
  const ofRoutes = new Map(config.routes.map((route) => [route.id, services.ofRoute(route.id, route.backends)]));
  const parts: ChainParts = { clock, states: states.begin(), service: (key) => services.service(key) };
  const openApis = documents.build(config, placement.upstreams, parts.service);
  const chains = new Map(
    config.routes.map((route) => [route.id, buildChain(route.id, route.middlewares, parts, openApis.check(route))]),
  );
  const policy = new Policy(config, plans);
  const policies = new Map(config.routes.map((route) => [route.id, policy.of(route, openApis.operations(route))]));
  const guardOf = routeGuards(config, (routeId) => policies.get(routeId), parts);
  const guards = new Map(config.routes.map((route) => [route.id, guardOf(route)]));
  // Their requests are ruled at once as soon as the OpenAPI document is there.
  const waitsOnly = new Set(
    config.routes.flatMap(({ id, policies: of = [] }) =>
      of.length === 0 && policies.get(id)?.atOnce === true ? [id] : [],
    ),
  );
  const { served, leftOut } = leaveOut(config, placement.upstreams);
  const leftOutRouter = buildRouter([...leftOut.keys()]);
  const serving: Serving = {
    config,
    router: buildRouter(served),
    leftOut(request) {
      const route = leftOutRouter.match(request);
      return route === undefined ? undefined : { route, upstream: leftOut.get(route) ?? '' };
    },
    policy: (routeId) => policies.get(routeId),
    hostMap: placement.hostMap,
    mask: new Mask(headers, query),
    cors: (routeId) => cors.get(routeId),
    guard: (routeId) =>
      waitsOnly.has(routeId) && policies.get(routeId)?.waiting === undefined ? undefined : guards.get(routeId),
    chain: (routeId) => chains.get(routeId) ?? NO_MIDDLEWARES,
    pick: (routeId, basis) => ofRoutes.get(routeId)?.choose(basis) ?? NO_SERVER,
    service: (key) => services.service(key),
  };
  adopt();
  parts.states.commit();
  openApis.commit();
  return serving;
}

/** A version's own rules take the place of those of its API. */
function corsOfRoutes({ routes, apis, versions = {} }: GatewayConfig): ReadonlyMap<string, Cors> {
  const made = new Map<CorsConfig, Cors>();
  const ofRoutes = new Map<string, Cors>();
  for (const { id, api, apiVersion } of routes) {
    const own = apiVersion === undefined ? undefined : versions[apiVersion]?.cors;
    const config = own ?? (api === undefined ? undefined : apis[api]?.cors);
    if (config === undefined) continue;
    const cors = made.get(config) ?? new Cors(config);
    made.set(config, cors);
    ofRoutes.set(id, cors);
  }
  return ofRoutes;
}

/** What the configuration writes into heads must be writable, else a response could fail halfway. */
function checkHeaders(config: GatewayConfig): void {
  const check = (owner: string, pairs: Iterable<HeaderPair>): void => {
    try {
      writeResponseHead({ status: 200, reason: '', headers: new HeaderList(pairs) });
    } catch (error) {
      throw new AgentError('config-refused', `${owner}: ${error instanceof Error ? error.message : String(error)}.`, {
        cause: error,
      });
    }
  };
  for (const { middlewares } of config.routes) {
    for (const middleware of middlewares) {
      const { source } = middleware;
      check(`${source.kind} ${source.namespace}/${source.name}`, writtenHeaders(middleware));
    }
  }
  for (const service of Object.values(config.services)) {
    if (!('sticky' in service) || service.sticky === undefined) continue;
    const { cookie, path, domain = '' } = service.sticky;
    check(`Service ${service.name}`, [['Set-Cookie', `${cookie} ${path} ${domain}`]]);
  }
  for (const [id, { auth }] of Object.entries(config.apis))
    if (auth.kind === 'api-key') check(`API ${id}`, [['WWW-Authenticate', challenge(auth, id)]]);
  for (const { source, cors } of [...Object.values(config.apis), ...Object.values(config.versions ?? {})]) {
    if (cors === undefined) continue;
    const lists = [cors.allowOrigins, cors.allowMethods, cors.allowHeaders, cors.exposeHeaders];
    check(
      `${source.kind} ${source.namespace}/${source.name}`,
      lists.map((list) => ['Access-Control', list.join(',')]),
    );
  }
}
