import type { RouteConfig } from '../../gateway/config.ts';
import { fields, isFields, items, text } from '../field.ts';
import type { FieldPath } from '../field-path.ts';
import { TRAEFIK } from '../kinds.ts';
import type { ManifestDocument } from '../types.ts';
import { ingressRoutes } from './ingress-route.ts';
import { ranked, type Rank, type RankedRoute } from './ranked-route.ts';
import { mayRefer, notEnforced, say, type Scope } from './scope.ts';

/** Layers of routes that are followed; far above any real tree. */
const MAX_DEPTH = 16;
/** Routes that one tree may come to, as each parent's routes are multiplied by those below. */
const MAX_ROUTES = 10_000;

interface Layer {
  readonly document: ManifestDocument;
  readonly routes: readonly RouteConfig[];
  readonly children: readonly ManifestDocument[];
}

/**
 * The routes of all IngressRoutes. Those with `parentRefs` stand below the routes of others: a request that a parent takes
 * goes through its middlewares, then to the best of its children that takes it too, or nowhere.
 */
export function routerTree(scope: Scope, documents: readonly ManifestDocument[]): RankedRoute[] {
  const childrenOf = new Map<ManifestDocument, ManifestDocument[]>();
  const below = new Set<ManifestDocument>();
  const refused = new Set<ManifestDocument>();
  for (const document of documents) {
    const parents = parentsOf(scope, document);
    if (parents === undefined) continue;
    below.add(document);
    if (parents.length === 0) refused.add(document);
    for (const parent of parents) childrenOf.set(parent, [...(childrenOf.get(parent) ?? []), document]);
  }
  const layers = new Map<ManifestDocument, Layer>();
  for (const document of documents) {
    const children = childrenOf.get(document) ?? [];
    layers.set(document, { document, children, routes: ingressRoutes(scope, document, children.length > 0) });
  }
  const reached = new Set<ManifestDocument>();
  const made = documents
    .filter((document) => !below.has(document))
    .flatMap((document) => expand(layers, document, [], reached));
  for (const document of below) {
    if (reached.has(document) || refused.has(document)) continue;
    const message = 'no route stands above it, so that no request comes here: Traefik does not serve it';
    say(scope, document, 'route-invalid', ['spec', 'parentRefs'], message, { severity: 'warning' });
  }
  for (const document of reached) if (below.has(document)) sayOfRewrites(scope, document, layers);
  return made;
}

/** Undefined: it stands for itself. Empty: it is refused, which is said. */
function parentsOf(scope: Scope, document: ManifestDocument): ManifestDocument[] | undefined {
  const spec = fields(document.value, 'spec');
  const references = items(spec['parentRefs']);
  if (references.length === 0) return undefined;
  const parents: ManifestDocument[] = [];
  for (const entry of references) {
    const { name, namespace } = fields(entry);
    const place = text(namespace) || document.ref.namespace;
    const parent = scope.resolution.byId.get(`${TRAEFIK}/IngressRoute/${place}/${String(name)}`);
    // One that is missing or out of reach is reported as a reference, and takes all routes of the object with it.
    if (parent === undefined || !mayRefer(scope, document, place)) return [];
    parents.push(parent);
  }
  for (const field of ['entryPoints', 'tls'] as const) {
    const own = field === 'tls' ? isFields(spec[field]) : items(spec[field]).length > 0;
    if (!own) continue;
    const message = `a route below another may not have ${field}: Traefik does not serve it`;
    say(scope, document, 'route-invalid', ['spec', field], message, { severity: 'warning' });
    return [];
  }
  return parents;
}

interface Above {
  readonly route: RouteConfig;
  readonly rank: Rank;
}

function expand(
  layers: ReadonlyMap<ManifestDocument, Layer>,
  document: ManifestDocument,
  above: readonly Above[],
  reached: Set<ManifestDocument>,
): RankedRoute[] {
  const layer = layers.get(document);
  if (layer === undefined || above.length > MAX_DEPTH || above.some(({ route }) => sameObject(route, document)))
    return [];
  reached.add(document);
  const made: RankedRoute[] = [];
  for (const route of layer.routes) {
    const here = [...above, { route, rank: { priority: route.priority, id: route.id } }];
    if (layer.children.length === 0) {
      made.push(joined(here, route.backends));
      continue;
    }
    const children = layer.children.flatMap((child) => expand(layers, child, here, reached));
    // Without a child that is served Traefik does not serve the parent.
    if (children.length === 0) continue;
    made.push(...children, joined(here, NOWHERE));
    if (made.length > MAX_ROUTES) return made.slice(0, MAX_ROUTES);
  }
  return made;
}

/** What a parent takes and none of its children does. */
const NOWHERE: RouteConfig['backends'] = [{ service: 'no-child', weight: 1, status: 404 }];

function joined(chain: readonly Above[], backends: RouteConfig['backends']): RankedRoute {
  const routes = chain.map(({ route }) => route);
  const last = routes.at(-1);
  if (last === undefined) throw new Error('a chain has at least one route');
  if (routes.length === 1 && backends === last.backends) return ranked(last);
  const api = routes.findLast((route) => route.api !== undefined);
  const policies = routes.flatMap((route) => route.policies ?? []);
  const route: RouteConfig = {
    ...last,
    id: routes.map(({ id }) => id).join('>') + (backends === NOWHERE ? '>none' : ''),
    match: routes.length === 1 ? last.match : { kind: 'all', of: routes.map(({ match }) => match) },
    middlewares: routes.flatMap(({ middlewares }) => middlewares),
    backends,
    ...(api === undefined ? {} : { api: api.api, apiVersion: api.apiVersion }),
    ...(policies.length === 0 ? {} : { policies }),
  };
  return { route, ranks: chain.map(({ rank }) => rank) };
}

function sameObject(route: RouteConfig, document: ManifestDocument): boolean {
  return route.source.namespace === document.ref.namespace && route.source.name === document.ref.name;
}

/** Middlewares after which a request looks the same to a rule. */
const UNCHANGING: ReadonlySet<string> = new Set([
  'redirect-scheme', 'redirect-regex', 'rate-limit', 'in-flight-req', 'ip-allow-list', 'compress', 'retry',
  'circuit-breaker', 'buffering', 'errors', 'content-type',
]); // prettier-ignore

function sayOfRewrites(scope: Scope, document: ManifestDocument, layers: ReadonlyMap<ManifestDocument, Layer>): void {
  for (const { routes, children } of layers.values()) {
    if (!children.includes(document)) continue;
    const changing = routes.flatMap(({ middlewares }) => middlewares).find(({ kind }) => !UNCHANGING.has(kind));
    if (changing === undefined) continue;
    const path: FieldPath = ['spec', 'parentRefs'];
    const why = `the rules below are compared with the request as it came, before ${changing.source.kind} "${changing.source.name}" of the parent may change it`;
    notEnforced(scope, document, path, why);
    return;
  }
}
