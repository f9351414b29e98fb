import type { Matcher, MiddlewareConfig, RouteConfig } from '../../gateway/config.ts';
import { fields, items, text, textMap } from '../field.ts';
import type { FieldPath } from '../field-path.ts';
import { INGRESS_ANNOTATIONS } from '../kinds.ts';
import { parseRule, rulePriority } from '../rule/parse-rule.ts';
import type { ManifestDocument } from '../types.ts';
import { attachment } from './attachment.ts';
import { backend } from './backend.ts';
import { addHosts } from './hosts.ts';
import { middlewareConfigs } from './middleware.ts';
import { notEnforced, say, type Scope } from './scope.ts';

const ROUTER = `${INGRESS_ANNOTATIONS}router.`;
const SERVED = new Set(['router.priority', 'router.pathmatcher', 'router.middlewares']);
const HARMLESS = /^router\.(entrypoints|tls(\..*)?|observability\..*)$/;
/** Below every other route, as Traefik ranks the default backend. */
const LOWEST_PRIORITY = -2_147_483_648;

/**
 * The routes of an Ingress, as Traefik makes them: each path becomes a rule, whose length is its priority. `Prefix` is
 * a plain prefix there, unless its option `strictPrefixMatching` is on, which is not the default.
 */
export function ingressRoutesOf(scope: Scope, document: ManifestDocument): RouteConfig[] {
  const spec = fields(document.value, 'spec');
  const annotations = textMap(fields(document.value, 'metadata')['annotations']);
  sayUnserved(scope, document, annotations);
  const attached = attachment(scope, document);
  const middlewares = ingressMiddlewareConfigs(scope, document);
  const routes: RouteConfig[] = [];

  const add = (match: Matcher, priority: number, from: unknown, path: FieldPath): void => {
    const service = fields(from, 'service');
    const name = text(service['name']);
    if (name === undefined) {
      if (Object.hasOwn(fields(from), 'resource'))
        notEnforced(scope, document, [...path, 'resource'], 'backends that are not a Service are not served');
      return;
    }
    const port = fields(service, 'port');
    const number = port['number'];
    const made = backend(scope, document, {
      namespace: document.ref.namespace,
      name,
      port: text(port['name']) ?? (typeof number === 'number' ? number : undefined),
      weight: 1,
      path: [...path, 'service', 'port'],
    });
    addHosts(scope.hosts, match);
    if (made === undefined || attached.kind === 'broken' || middlewares === undefined) return;
    routes.push({
      id: `Ingress/${document.ref.namespace}/${document.ref.name}#${routes.length}`,
      source: document.ref,
      match,
      priority,
      middlewares,
      backends: [made],
      ...(attached.kind === 'managed' ? { api: attached.api, apiVersion: attached.apiVersion } : {}),
    });
  };

  const priority = explicitPriority(scope, document, annotations);
  const rules = items(spec['rules']);
  for (const [ruleIndex, rule] of rules.entries()) {
    const host = text(fields(rule)['host']) ?? '';
    for (const [at, entry] of items(fields(rule, 'http')['paths']).entries()) {
      const path: FieldPath = ['spec', 'rules', ruleIndex, 'http', 'paths', at];
      const wanted = fields(entry);
      const written = ruleOf(
        host,
        text(wanted['path']) ?? '',
        text(wanted['pathType']),
        annotations[`${ROUTER}pathmatcher`],
      );
      if (written === '') {
        say(scope, document, 'route-invalid', path, 'neither host nor path is given: Traefik makes no route of it', {
          hint: 'Add `path: /`.',
        });
        continue;
      }
      const parsed = parseRule(written);
      if ('problems' in parsed) {
        for (const problem of parsed.problems)
          say(scope, document, problem.code, [...path, 'path'], problem.message, { hint: problem.hint });
        continue;
      }
      add(parsed.matcher, priority ?? rulePriority(written), wanted['backend'], [...path, 'backend']);
    }
  }
  if (Object.hasOwn(spec, 'defaultBackend')) {
    if (rules.length === 0)
      add({ kind: 'path-prefix', prefix: '/' }, LOWEST_PRIORITY, spec['defaultBackend'], ['spec', 'defaultBackend']);
    else notEnforced(scope, document, ['spec', 'defaultBackend'], 'Traefik ignores it where there are rules', 'info');
  }
  return routes;
}

/** Traefik's rule for a host and path of an Ingress. */
export function ruleOf(
  host: string,
  path: string,
  pathType: string | undefined,
  pathMatcher: string | undefined,
): string {
  const parts: string[] = [];
  if (host.startsWith('*.'))
    parts.push(`HostRegexp(\`^[a-zA-Z0-9-]+\\.${host.slice(2).replaceAll(/[\\.+*?()|[\]{}^$]/g, '\\$&')}$\`)`);
  else if (host !== '') parts.push(`Host(\`${host}\`)`);
  if (path !== '') {
    const free = pathType === undefined || pathType === '' || pathType === 'ImplementationSpecific';
    const matcher =
      pathType === 'Exact'
        ? 'Path'
        : free && pathMatcher !== undefined && pathMatcher !== ''
          ? pathMatcher
          : 'PathPrefix';
    parts.push(`${matcher}(\`${path}\`)`);
  }
  return parts.join(' && ');
}

function explicitPriority(
  scope: Scope,
  document: ManifestDocument,
  annotations: Readonly<Record<string, string>>,
): number | undefined {
  const written = annotations[`${ROUTER}priority`];
  if (written === undefined || written === '0') return undefined;
  if (/^-?\d{1,10}$/.test(written)) return Number(written);
  say(
    scope,
    document,
    'route-invalid',
    ['metadata', 'annotations', `${ROUTER}priority`],
    `"${written}" is not a whole number`,
  );
  return undefined;
}

function ingressMiddlewareConfigs(scope: Scope, document: ManifestDocument): MiddlewareConfig[] | undefined {
  const made: MiddlewareConfig[] = [];
  for (const reference of scope.resolution.referencesOf.get(document) ?? []) {
    if (reference.wanted.kind !== 'Middleware') continue;
    if (reference.target === undefined) return undefined;
    const configs = middlewareConfigs(scope, reference.target);
    if (configs === undefined) return undefined;
    made.push(...configs);
  }
  return made;
}

function sayUnserved(scope: Scope, document: ManifestDocument, annotations: Readonly<Record<string, string>>): void {
  for (const key of Object.keys(annotations)) {
    if (!key.startsWith(INGRESS_ANNOTATIONS)) continue;
    const option = key.slice(INGRESS_ANNOTATIONS.length);
    if (SERVED.has(option)) continue;
    notEnforced(
      scope,
      document,
      ['metadata', 'annotations', key],
      `the option "${option}" is not applied`,
      HARMLESS.test(option) ? 'info' : 'warning',
    );
  }
  const spec = fields(document.value, 'spec');
  if (Object.hasOwn(spec, 'tls'))
    notEnforced(scope, document, ['spec', 'tls'], 'the edge has certificates of its own', 'info');
  const ingressClass = text(spec['ingressClassName']);
  if (ingressClass !== undefined && !ingressClass.startsWith('traefik')) {
    notEnforced(
      scope,
      document,
      ['spec', 'ingressClassName'],
      `the preview answers as Traefik does, whatever serves class "${ingressClass}"`,
      'info',
    );
  }
}
