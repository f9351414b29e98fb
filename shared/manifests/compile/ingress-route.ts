import type { MiddlewareConfig, RouteConfig } from '../../gateway/config.ts';
import { fields, integer, items, text } from '../field.ts';
import type { FieldPath } from '../field-path.ts';
import { TRAEFIK } from '../kinds.ts';
import { rangeInside } from '../range-inside.ts';
import { parseRule, rulePriority, type ParsedRule } from '../rule/parse-rule.ts';
import type { ManifestDocument } from '../types.ts';
import { attachment, type Attachment } from './attachment.ts';
import { addHosts } from './hosts.ts';
import { middlewareConfigs } from './middleware.ts';
import { notEnforced, say, type Scope } from './scope.ts';
import { serviceBackends } from './service-backends.ts';

const SERVED_ROUTE_FIELDS = new Set(['kind', 'match', 'priority', 'services', 'middlewares', 'syntax']);
/** No effect on the answer to a single request. */
const HARMLESS_FIELDS = new Set(['observability']);

const rules = new WeakMap<ManifestDocument, Map<string, ParsedRule>>();

/** The routes of a Traefik IngressRoute. */
export function ingressRoutes(scope: Scope, document: ManifestDocument): RouteConfig[] {
  const spec = fields(document.value, 'spec');
  if (Object.hasOwn(spec, 'entryPoints')) {
    notEnforced(
      scope,
      document,
      ['spec', 'entryPoints'],
      'a preview has one entry point, which serves every route',
      'info',
    );
  }
  if (Object.hasOwn(spec, 'tls'))
    notEnforced(scope, document, ['spec', 'tls'], 'the edge has certificates of its own', 'info');
  if (Object.hasOwn(spec, 'parentRefs'))
    notEnforced(scope, document, ['spec', 'parentRefs'], 'routes are served by themselves, not below a parent');
  const attached = attachment(scope, document);
  return items(spec['routes']).flatMap(
    (route, index) => oneRoute(scope, document, fields(route), index, attached) ?? [],
  );
}

function oneRoute(
  scope: Scope,
  document: ManifestDocument,
  route: Readonly<Record<string, unknown>>,
  index: number,
  attached: Attachment,
): RouteConfig | undefined {
  const base: FieldPath = ['spec', 'routes', index];
  const rule = text(route['match']);
  // Absent, it is the schema's to report.
  if (rule === undefined) return undefined;
  for (const field of Object.keys(route)) {
    if (!SERVED_ROUTE_FIELDS.has(field)) {
      notEnforced(
        scope,
        document,
        [...base, field],
        `"${field}" of a route is not applied`,
        HARMLESS_FIELDS.has(field) ? 'info' : 'warning',
      );
    }
  }
  if (route['syntax'] === 'v2') {
    notEnforced(
      scope,
      document,
      [...base, 'syntax'],
      'rules in the syntax of Traefik v2 are not read; the route is not served',
    );
    return undefined;
  }
  const parsed = parsedRule(document, rule);
  if ('problems' in parsed) {
    for (const { code, message, start, end, hint } of parsed.problems) {
      const path = [...base, 'match'];
      say(scope, document, code, path, message, { hint, range: rangeInside(document, path, rule, start, end) });
    }
    return undefined;
  }
  addHosts(scope.hosts, parsed.matcher);

  const backends = serviceBackends(scope, document, items(route['services']), base);
  const middlewares = routeMiddlewares(scope, document, items(route['middlewares']), base);
  if (attached.kind === 'broken' || middlewares === undefined || backends.length === 0) return undefined;
  const explicit = integer(route['priority']);
  return {
    id: `IngressRoute/${document.ref.namespace}/${document.ref.name}#${index}`,
    source: document.ref,
    match: parsed.matcher,
    priority: explicit === undefined || explicit === 0 ? rulePriority(rule) : explicit,
    middlewares,
    backends,
    ...(attached.kind === 'managed' ? { api: attached.api, apiVersion: attached.apiVersion } : {}),
  };
}

function parsedRule(document: ManifestDocument, rule: string): ParsedRule {
  const known = rules.get(document) ?? new Map<string, ParsedRule>();
  rules.set(document, known);
  const parsed = known.get(rule) ?? parseRule(rule);
  known.set(rule, parsed);
  return parsed;
}

/** Undefined when one is missing: Traefik does not serve such a route. */
function routeMiddlewares(
  scope: Scope,
  document: ManifestDocument,
  list: readonly unknown[],
  base: FieldPath,
): MiddlewareConfig[] | undefined {
  const made: MiddlewareConfig[] = [];
  for (const [at, entry] of list.entries()) {
    const reference = fields(entry);
    const name = text(reference['name']) ?? '';
    const path = [...base, 'middlewares', at, 'name'];
    if (name.endsWith('@kubernetescrd')) {
      const message = `"${name}": Traefik refuses names of this form here, because they could reach into another namespace`;
      say(scope, document, 'reference-cross-namespace', path, message, {
        hint: 'Write `name:` and, if need be, `namespace:`.',
      });
      return undefined;
    }
    if (name.includes('@')) {
      notEnforced(scope, document, path, `"${name}" belongs to a provider that a preview does not have`);
      continue;
    }
    const namespace = text(reference['namespace']) || document.ref.namespace;
    const middleware = scope.resolution.byId.get(`${TRAEFIK}/Middleware/${namespace}/${name}`);
    if (middleware === undefined) return undefined;
    const configs = middlewareConfigs(scope, middleware);
    if (configs === undefined) return undefined;
    made.push(...configs);
  }
  return made;
}
