import type { RouteConfig } from '../../gateway/config.ts';
import type { OpenApiConfig } from '../../gateway/open-api.ts';
import { durationMs } from '../duration.ts';
import { fields, flag, isFields, items, text } from '../field.ts';
import type { ManifestDocument } from '../types.ts';
import { keyOf, notEnforced, type Scope } from './scope.ts';

/** By `API NAMESPACE/NAME` and `APIVersion NAMESPACE/NAME`: what asks for checks against its OpenAPI document. */
export function openApiConfigs(
  scope: Scope,
  holders: readonly ManifestDocument[],
  routes: readonly RouteConfig[],
): Record<string, OpenApiConfig> {
  const configs: Record<string, OpenApiConfig> = {};
  for (const holder of holders) {
    const config = openApiConfig(scope, holder, routes);
    if (config !== undefined) configs[`${holder.ref.kind} ${keyOf(holder)}`] = config;
  }
  return configs;
}

function openApiConfig(
  scope: Scope,
  holder: ManifestDocument,
  routes: readonly RouteConfig[],
): OpenApiConfig | undefined {
  const spec = fields(holder.value, 'spec', 'openApiSpec');
  const methodAndPath = flag(spec['validateRequestMethodAndPath']) ?? false;
  const body = flag(spec['validateRequestBodySchema']) ?? false;
  if (!methodAndPath && !body) return undefined;
  const from = documentPlace(scope, holder, routes);
  if (from === undefined) return undefined;
  const interval = text(spec['refreshInterval']);
  return {
    source: holder.ref,
    from,
    refreshMs: interval === undefined ? undefined : durationMs(interval),
    bases: isFields(spec['override']) ? items(spec['override']['servers']).flatMap(basePath) : undefined,
    methodAndPath,
    body,
  };
}

function documentPlace(
  scope: Scope,
  holder: ManifestDocument,
  routes: readonly RouteConfig[],
): OpenApiConfig['from'] | undefined {
  const spec = fields(holder.value, 'spec', 'openApiSpec');
  const url = text(spec['url']);
  if (url !== undefined) {
    if (/^https?:\/\//i.test(url)) return { url };
    notEnforced(scope, holder, ['spec', 'openApiSpec', 'url'], 'the document is fetched by http and https only');
    return undefined;
  }
  const path = text(spec['path']);
  if (path === undefined) return undefined;
  const key = keyOf(holder);
  const all = routes.filter((route) => (holder.ref.kind === 'API' ? route.api : route.apiVersion) === key);
  const direct = holder.ref.kind === 'API' ? all.filter(({ apiVersion }) => apiVersion === undefined) : all;
  const own = direct.length > 0 ? direct : all;
  const services = new Map(
    own.flatMap(({ backends }) => backends.map(({ service }) => [serverPlace(scope, service), service] as const)),
  );
  const [service] = services.values();
  if (service !== undefined && services.size === 1) return { path, service };
  if (own.length > 0)
    notEnforced(
      scope,
      holder,
      ['spec', 'openApiSpec', 'path'],
      `the document is on the Service behind the routes, but they lead to ${services.size} of them; use url`,
    );
  return undefined;
}

/** Each route object has a load balancer of its own to the Service that others lead to as well. */
function serverPlace(scope: Scope, key: string): string {
  const service = scope.services.get(key);
  return service?.kind === 'load-balancer' ? `${service.scheme} ${service.upstream}` : key;
}

function basePath(server: unknown): string[] {
  const url = text(fields(server)['url']);
  if (url === undefined) return [];
  const parsed = URL.parse(url, 'http://public.invalid');
  return parsed === null ? [] : [parsed.pathname.replace(/\/+$/, '')];
}
