import type { RouteConfig } from '../../gateway/config.ts';
import { fields, items, text, type Fields } from '../field.ts';
import type { FieldPath } from '../field-path.ts';
import { rangeInside } from '../range-inside.ts';
import { rulePriority } from '../rule/parse-rule.ts';
import type { ManifestDocument } from '../types.ts';
import { attachment, type Attachment } from './attachment.ts';
import { addHosts } from './hosts.ts';
import { parsedRule } from './made-rule.ts';
import { routeMiddlewares } from './route-middlewares.ts';
import { notEnforced, say, type Scope } from './scope.ts';
import { serviceBackends } from './service-backends.ts';
import { classAnnotationPath, foreignAnnotatedClass } from './traefik-class.ts';

/** Traefik keeps the priorities above to itself: the largest number of 64 bits, less a thousand. */
const MAX_PRIORITY = 2n ** 63n - 1n - 1000n;

/**
 * The routes of a Traefik IngressRoute, by themselves: what stands above them is another's to look at (`router-tree.ts`).
 * `isParent`: others stand below, so that they need no service.
 */
export function ingressRoutes(scope: Scope, document: ManifestDocument, isParent: boolean): RouteConfig[] {
  const spec = fields(document.value, 'spec');
  const foreign = foreignAnnotatedClass(document);
  if (foreign !== undefined) {
    const why = `Traefik leaves objects of class "${foreign}" to others: the routes are not served`;
    notEnforced(scope, document, classAnnotationPath, why);
    return [];
  }
  if (Object.hasOwn(spec, 'entryPoints'))
    notEnforced(
      scope,
      document,
      ['spec', 'entryPoints'],
      'a preview has one entry point, which serves every route',
      'info',
    );
  if (Object.hasOwn(spec, 'tls'))
    notEnforced(scope, document, ['spec', 'tls'], 'the edge has certificates of its own', 'info');
  const attached = attachment(scope, document);
  const byRule = new Map<string, { readonly route: RouteConfig; readonly path: FieldPath }>();
  for (const [index, entry] of items(spec['routes']).entries()) {
    const path = ['spec', 'routes', index];
    const rule = text(fields(entry)['match']);
    const route = oneRoute(scope, document, fields(entry), index, attached, isParent);
    if (rule === undefined || route === undefined) continue;
    const before = byRule.get(rule);
    if (before !== undefined) {
      const message = `routes[${index}] has the same rule and takes its place: Traefik knows a route by its rule`;
      say(scope, document, 'route-invalid', [...before.path, 'match'], message, { severity: 'warning' });
    }
    byRule.set(rule, { route, path });
  }
  return [...byRule.values()].map(({ route }) => route);
}

function oneRoute(
  scope: Scope,
  document: ManifestDocument,
  route: Fields,
  index: number,
  attached: Attachment,
  isParent: boolean,
): RouteConfig | undefined {
  const base: FieldPath = ['spec', 'routes', index];
  const rule = text(route['match']);
  // Absent, it is the schema's to report.
  if (rule === undefined) return undefined;
  if (Object.hasOwn(route, 'observability'))
    notEnforced(scope, document, [...base, 'observability'], 'it changes logs and metrics, and no answer', 'info');
  const syntax = route['syntax'] === 'v2' ? 'v2' : 'v3';
  const parsed = parsedRule(document, rule, syntax);
  if ('problems' in parsed) {
    for (const { code, message, start, end, hint } of parsed.problems) {
      const path = [...base, 'match'];
      say(scope, document, code, path, message, { hint, range: rangeInside(document, path, rule, start, end) });
    }
    return undefined;
  }
  addHosts(scope.hosts, parsed.matcher);

  const services = items(route['services']);
  if (isParent && services.length > 0) {
    const message = 'a route with others below it may not have services of its own: Traefik does not serve it';
    say(scope, document, 'route-invalid', [...base, 'services'], message, { severity: 'warning' });
    return undefined;
  }
  const backends = isParent ? [] : serviceBackends(scope, document, services, base);
  const middlewares = routeMiddlewares(scope, document, items(route['middlewares']), base);
  if (attached.kind === 'broken' || middlewares === undefined || (!isParent && backends.length === 0)) return undefined;
  const priority = explicitPriority(scope, document, route['priority'], [...base, 'priority']);
  if (priority === 'too-high') return undefined;
  return {
    id: `IngressRoute/${document.ref.namespace}/${document.ref.name}#${index}`,
    source: document.ref,
    match: parsed.matcher,
    priority: priority ?? rulePriority(rule),
    middlewares,
    backends,
    ...attached.fields,
  };
}

/** Undefined: none is given, and the length of the rule counts. */
function explicitPriority(
  scope: Scope,
  document: ManifestDocument,
  written: unknown,
  path: FieldPath,
): number | 'too-high' | undefined {
  if (typeof written !== 'number' || !Number.isInteger(written) || written === 0) return undefined;
  if (BigInt(written) <= MAX_PRIORITY) return written;
  say(
    scope,
    document,
    'route-invalid',
    path,
    `the priority is above ${MAX_PRIORITY}: Traefik does not serve the route`,
  );
  return 'too-high';
}
