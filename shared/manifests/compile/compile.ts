import type {
  ApiConfig,
  ApplicationConfig,
  GatewayConfig,
  PlanConfig,
  SubscriptionConfig,
  VersionConfig,
} from '../../gateway/config.ts';
import { GATEWAY, HUB, NETWORKING, TRAEFIK, UNSERVED, UNSERVED_ROUTING } from '../kinds.ts';
import type { Resolution } from '../resolve/resolve.ts';
import type { Diagnostic, ManifestDocument } from '../types.ts';
import { applicationConfig, checkApplications, planConfig, subscriptionConfig } from './access.ts';
import { accessPolicies } from './access-policy.ts';
import { apiConfig, versionConfigs } from './api.ts';
import { describeAuth } from './auth.ts';
import { ingressRoutesOf } from './ingress.ts';
import { gatewayRoutes } from './gateway-route.ts';
import { middlewareConfigs } from './middleware.ts';
import { readListeners } from './parent-listeners.ts';
import { openApiConfigs } from './openapi.ts';
import { byRank, ranked, type RankedRoute } from './ranked-route.ts';
import { routerTree } from './router-tree.ts';
import { keyOf, notEnforced, type Scope } from './scope.ts';

/**
 * What the gateway serves for the documents, and a diagnostic for all that it will not do as the cluster would. A route
 * that cannot be served as written is left out: a call to it finds no route, but never an open door.
 */
export function compile(resolution: Resolution): { config: GatewayConfig; diagnostics: readonly Diagnostic[] } {
  const scope: Scope = {
    resolution,
    diagnostics: [],
    services: new Map(),
    upstreams: new Map(),
    transports: new Map(),
    hosts: new Set(),
  };
  const of = (sort: string): readonly ManifestDocument[] => resolution.byKind.get(sort) ?? [];

  const routes: RankedRoute[] = routerTree(scope, of(`${TRAEFIK}/IngressRoute`));
  const listeners = readListeners(scope);
  for (const document of resolution.documents) {
    const sort = document.sort;
    if (sort === `${NETWORKING}/Ingress`) routes.push(...ingressRoutesOf(scope, document).map(ranked));
    else if (sort === `${GATEWAY}/HTTPRoute` || sort === `${GATEWAY}/GRPCRoute`)
      routes.push(...gatewayRoutes(scope, document, listeners));
    else if (sort === `${TRAEFIK}/Middleware`) middlewareConfigs(scope, document);
    else if (sort === `${HUB}/APIAuth`) describeAuth(scope, document);
    else {
      const harmless = UNSERVED.get(sort);
      const why = harmless ?? UNSERVED_ROUTING.get(sort);
      if (why !== undefined) notEnforced(scope, document, ['kind'], why, harmless === undefined ? 'warning' : 'info');
    }
  }
  routes.sort(byRank);

  const apis: Record<string, ApiConfig> = {};
  for (const api of of(`${HUB}/API`)) apis[keyOf(api)] = apiConfig(scope, api);
  const versions = versionConfigs(scope, of(`${HUB}/APIVersion`));

  const applications: Record<string, ApplicationConfig> = {};
  const applicationDocuments = of(`${HUB}/ManagedApplication`);
  for (const application of applicationDocuments)
    applications[keyOf(application)] = applicationConfig(scope, application);
  checkApplications(scope, applicationDocuments, Object.values(applications));

  const subscriptions: Record<string, SubscriptionConfig> = {};
  const sets = setNames(apis, versions);
  for (const subscription of of(`${HUB}/ManagedSubscription`))
    subscriptions[keyOf(subscription)] = subscriptionConfig(scope, subscription, (api) => sets.get(api) ?? []);

  const openApis = openApiConfigs(
    scope,
    [...of(`${HUB}/API`), ...of(`${HUB}/APIVersion`)],
    routes.map(({ route }) => route),
    new Set(Object.values(subscriptions).flatMap(({ operations = [] }) => operations)),
  );

  const plans: Record<string, PlanConfig> = {};
  for (const plan of of(`${HUB}/APIPlan`)) plans[keyOf(plan)] = planConfig(scope, plan);

  const config: GatewayConfig = {
    hosts: [...scope.hosts],
    routes: routes.map(({ route }) => route),
    services: Object.fromEntries(scope.services),
    upstreams: Object.fromEntries(scope.upstreams),
    transports: Object.fromEntries(scope.transports),
    apis,
    ...(Object.keys(versions).length === 0 ? {} : { versions }),
    applications,
    subscriptions,
    plans,
    ...(Object.keys(openApis).length === 0 ? {} : { openApis }),
    policies: accessPolicies(scope, of(`${HUB}/AccessControlPolicy`)),
  };
  return { config, diagnostics: scope.diagnostics };
}

/** By API: the names of its operation sets and of those of its versions. */
function setNames(
  apis: Readonly<Record<string, ApiConfig>>,
  versions: Readonly<Record<string, VersionConfig>>,
): ReadonlyMap<string, readonly string[]> {
  const names = new Map(Object.entries(apis).map(([key, { operationSets }]) => [key, Object.keys(operationSets)]));
  for (const { apis: parents, operationSets } of Object.values(versions))
    for (const parent of parents) names.get(parent)?.push(...Object.keys(operationSets));
  return names;
}
