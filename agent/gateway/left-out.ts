import type { BackendConfig, GatewayConfig, RouteConfig } from '../../shared/gateway/config.ts';

export interface RoutesByUse {
  readonly served: readonly RouteConfig[];
  /** In the same order; each with the upstream that nobody knows. */
  readonly leftOut: ReadonlyMap<RouteConfig, string>;
}

/**
 * Parts the routes that lead to a Service which is neither among the manifests nor known to the workspace: Traefik makes
 * none of them, so that others may answer. `urls`: base URL by key of `upstreams`.
 */
export function leaveOut(config: GatewayConfig, urls: ReadonlyMap<string, string>): RoutesByUse {
  const known = new Map<string, string | undefined>();
  const missingOf = (key: string, depth: number): string | undefined => {
    if (known.has(key) || depth > MAX_DEPTH) return known.get(key);
    const found = partsOf(config, key).map((part) => missingOf(part, depth + 1)).find((one) => one !== undefined); // prettier-ignore
    const service = config.services[key];
    const upstream = service?.kind === 'load-balancer' ? service.upstream : undefined;
    const own = upstream !== undefined && config.upstreams[upstream]?.missing === true && !urls.has(upstream);
    const result = own ? upstream : found;
    known.set(key, result);
    return result;
  };
  const ofBackend = (backend: BackendConfig): string | undefined =>
    backend.status !== undefined || backend.unknownStatus !== undefined ? undefined : missingOf(backend.service, 0);
  const served: RouteConfig[] = [];
  const leftOut = new Map<RouteConfig, string>();
  for (const route of config.routes) {
    const missing = route.backends.map(ofBackend).find((one) => one !== undefined);
    if (missing === undefined) served.push(route);
    else leftOut.set(route, missing);
  }
  return { served, leftOut };
}

/** Services never stand in a circle; a configuration that says so is refused elsewhere. */
const MAX_DEPTH = 64;

function partsOf(config: GatewayConfig, key: string): readonly string[] {
  const service = config.services[key];
  if (service === undefined || service.kind === 'load-balancer') return [];
  if (service.kind === 'mirroring') return [service.service, ...service.mirrors.map((mirror) => mirror.service)];
  return service.services.map((part) => part.service);
}
