import type { RouteConfig } from '../../gateway/config.ts';
import type { OpenApiConfig } from '../../gateway/open-api.ts';
import { durationMs } from '../duration.ts';
import { fields, flag, isFields, items, text } from '../field.ts';
import type { ManifestDocument } from '../types.ts';
import { keyOf, notEnforced, type Scope } from './scope.ts';

/**
 * By `API NAMESPACE/NAME` and `APIVersion NAMESPACE/NAME`: what asks for its OpenAPI document, for checks or because a
 * subscription is narrowed by `sets`, names of operation sets.
 */
export function openApiConfigs(
  scope: Scope,
  holders: readonly ManifestDocument[],
  routes: readonly RouteConfig[],
  sets: ReadonlySet<string>,
): Record<string, OpenApiConfig> {
  const configs: Record<string, OpenApiConfig> = {};
  for (const holder of holders) {
    const config = openApiConfig(scope, holder, routes, sets);
    if (config !== undefined) configs[`${holder.ref.kind} ${keyOf(holder)}`] = config;
  }
  return configs;
}

function openApiConfig(
  scope: Scope,
  holder: ManifestDocument,
  routes: readonly RouteConfig[],
  sets: ReadonlySet<string>,
): OpenApiConfig | undefined {
  const spec = fields(holder.value, 'spec', 'openApiSpec');
  const methodAndPath = flag(spec['validateRequestMethodAndPath']) ?? false;
  const body = flag(spec['validateRequestBodySchema']) ?? false;
  const operations = items(spec['operationSets']).some((set) => sets.has(text(fields(set)['name']) ?? ''));
  if (!methodAndPath && !body && !operations) return undefined;
  const without = methodAndPath || body ? CHECKS : SETS;
  const from = documentPlace(scope, holder, routes, without);
  if (from === undefined) return undefined;
  const interval = text(spec['refreshInterval']);
  return {
    source: holder.ref,
    from,
    refreshMs: interval === undefined ? undefined : durationMs(interval),
    bases: isFields(spec['override']) ? items(spec['override']['servers']).flatMap(basePath) : undefined,
    methodAndPath,
    body,
    operations,
  };
}

/** What it means to go without the document. */
interface Without {
  readonly severity: 'info' | 'warning';
  readonly words: string;
}

const CHECKS: Without = { severity: 'warning', words: 'requests are not checked' };
const SETS: Without = {
  severity: 'info',
  words: 'operation sets are compared with the paths of requests, and not with those of the document',
};

function documentPlace(
  scope: Scope,
  holder: ManifestDocument,
  routes: readonly RouteConfig[],
  without: Without,
): OpenApiConfig['from'] | undefined {
  const spec = fields(holder.value, 'spec', 'openApiSpec');
  const url = text(spec['url']);
  if (url !== undefined) {
    if (/^https?:\/\//i.test(url)) return { url };
    const why = `the document is fetched by http and https only; ${without.words}`;
    notEnforced(scope, holder, ['spec', 'openApiSpec', 'url'], why, without.severity);
    return undefined;
  }
  const path = text(spec['path']);
  if (path === undefined) return undefined;
  const services = servicesOf(scope, holder, routes, without);
  return Object.keys(services).length === 0 ? undefined : { path, services };
}

/**
 * By route, the Service that has the document: the one behind the object of the route. An object that leads to several
 * goes without (`hub-kinds` facts 2.6), which is said.
 */
function servicesOf(
  scope: Scope,
  holder: ManifestDocument,
  routes: readonly RouteConfig[],
  without: Without,
): Record<string, string> {
  const key = keyOf(holder);
  const all = routes.filter((route) => (holder.ref.kind === 'API' ? route.api : route.apiVersion) === key);
  const direct = holder.ref.kind === 'API' ? all.filter(({ apiVersion }) => apiVersion === undefined) : all;
  const own = direct.length > 0 ? direct : all;
  const services: Record<string, string> = {};
  const places = new Set<string>();
  for (const [object, ofObject] of Map.groupBy(own, ({ source }) => `${source.kind} "${source.name}"`)) {
    const found = placesOf(scope, ofObject);
    const [[place, service] = []] = found;
    if (place === undefined || service === undefined) continue;
    if (found.size > 1) {
      const why = `the document is on the Service behind the routes, but those of ${object} lead to ${found.size} of them: ${without.words} there; use url`;
      notEnforced(scope, holder, ['spec', 'openApiSpec', 'path'], why, without.severity);
      continue;
    }
    places.add(place);
    for (const { id } of ofObject) services[id] = service;
  }
  // A version without checks of its own has those of its API, whose document is that of the API's own routes.
  const [service] = Object.values(services);
  const others = own === all ? [] : all.filter(({ apiVersion }) => apiVersion !== undefined);
  if (places.size === 1 && service !== undefined) for (const { id } of others) services[id] = service;
  return services;
}

/** Where routes lead to, with a service for each place. */
function placesOf(scope: Scope, routes: readonly RouteConfig[]): ReadonlyMap<string, string> {
  const backends = routes.flatMap((route) => route.backends.filter(({ status }) => status === undefined));
  return new Map(backends.map(({ service }) => [serverPlace(scope, service), service]));
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
