import type { MiddlewareConfig, RouteConfig } from '../../gateway/config.ts';
import { fields, items, text, textMap } from '../field.ts';
import type { FieldPath } from '../field-path.ts';
import { INGRESS_ANNOTATIONS, NETWORKING } from '../kinds.ts';
import type { RuleSyntax } from '../rule/matcher-of.ts';
import { rulePriority } from '../rule/parse-rule.ts';
import { quoteMeta } from '../rule/template.ts';
import type { ManifestDocument } from '../types.ts';
import { attachment } from './attachment.ts';
import { backend } from './backend.ts';
import { addHosts } from './hosts.ts';
import { call, elementPrefix, madeMatcher, ruleText, type RulePart } from './made-rule.ts';
import { middlewareConfigs } from './middleware.ts';
import { notEnforced, say, type Scope } from './scope.ts';
import { classAnnotationPath, foreignAnnotatedClass, isTraefikClass } from './traefik-class.ts';

/** Options without effect on the answer to a request. */
const HARMLESS = /^router\.(entrypoints|tls(\..*)?|observability\..*)$/;
const APPLIED = new Set(['router.priority', 'router.pathmatcher', 'router.middlewares', 'router.rulesyntax']);
/** Below every other route, as Traefik ranks the default backend. */
const LOWEST_PRIORITY = -2_147_483_648;

/** What Traefik's annotations on an Ingress say of its routes. */
interface Options {
  readonly priority: number | undefined;
  readonly pathMatcher: string;
  readonly syntax: RuleSyntax;
  /** Traefik's option `strictPrefixMatching`. */
  readonly strictPrefix: boolean;
}

/**
 * The routes of an Ingress, as Traefik makes them: each path becomes a rule, whose length is its priority. `Prefix` is
 * a plain prefix there, unless its option `strictPrefixMatching` is on.
 */
export function ingressRoutesOf(scope: Scope, document: ManifestDocument): RouteConfig[] {
  const spec = fields(document.value, 'spec');
  const foreign = foreignField(scope, document);
  if (foreign !== undefined) {
    const why = `Traefik leaves objects of class "${foreign.name}" to others: the routes are not served`;
    notEnforced(scope, document, foreign.path, why);
    return [];
  }
  const options = readOptions(scope, document);
  if (options === undefined) return [];
  if (Object.hasOwn(spec, 'tls'))
    notEnforced(scope, document, ['spec', 'tls'], 'the edge has certificates of its own', 'info');
  const attached = attachment(scope, document);
  const middlewares = ingressMiddlewareConfigs(scope, document);
  const routes: RouteConfig[] = [];

  const add = (parts: readonly RulePart[], priority: number, from: unknown, path: FieldPath): void => {
    const made = ingressBackend(scope, document, from, path);
    const match = madeMatcher(scope, document, parts, options.syntax);
    if (match !== undefined) addHosts(scope.hosts, match);
    if (made === undefined || match === undefined || attached.kind === 'broken' || middlewares === undefined) return;
    routes.push({
      id: `Ingress/${document.ref.namespace}/${document.ref.name}#${routes.length}`,
      source: document.ref,
      match,
      priority,
      middlewares,
      backends: [made],
      ...attached.fields,
    });
  };

  const rules = items(spec['rules']);
  for (const [ruleIndex, rule] of rules.entries()) {
    const host = text(fields(rule)['host']) ?? '';
    for (const [at, entry] of items(fields(rule, 'http')['paths']).entries()) {
      const path: FieldPath = ['spec', 'rules', ruleIndex, 'http', 'paths', at];
      const hostPath: FieldPath = ['spec', 'rules', ruleIndex, 'host'];
      const parts = [...hostRule(host, hostPath, options.syntax), ...pathRule(fields(entry), path, options)];
      if (parts.length === 0) {
        say(scope, document, 'route-invalid', path, 'neither host nor path is given: Traefik makes no route of it', {
          hint: 'Add `path: /`.',
        });
        continue;
      }
      const priority = options.priority ?? rulePriority(ruleText(parts));
      add(parts, priority, fields(entry)['backend'], [...path, 'backend']);
    }
  }
  if (Object.hasOwn(spec, 'defaultBackend')) {
    const path = ['spec', 'defaultBackend'];
    const first = defaultBackendOwner(scope);
    if (rules.length > 0) notEnforced(scope, document, path, 'Traefik ignores it where there are rules', 'info');
    else if (first !== document)
      notEnforced(
        scope,
        document,
        path,
        `Traefik takes one default backend, that of Ingress "${first?.ref.namespace}/${first?.ref.name}"`,
      );
    else add([{ text: call('PathPrefix', '/'), path }], LOWEST_PRIORITY, spec['defaultBackend'], path);
  }
  return routes;
}

/** The field that leaves an object to another controller: its class, or the annotation of old. */
function foreignField(scope: Scope, document: ManifestDocument): { path: FieldPath; name: string } | undefined {
  const className = text(fields(document.value, 'spec')['ingressClassName']);
  if (className !== undefined)
    return isTraefikClass(scope, 'IngressClass', className)
      ? undefined
      : { path: ['spec', 'ingressClassName'], name: className };
  const annotated = foreignAnnotatedClass(document);
  return annotated === undefined ? undefined : { path: classAnnotationPath, name: annotated };
}

/** Traefik takes one default backend, in the order of its lists; the preview takes the first of the files. */
function defaultBackendOwner(scope: Scope): ManifestDocument | undefined {
  return scope.resolution.byKind.get(`${NETWORKING}/Ingress`)?.find((document) => {
    const spec = fields(document.value, 'spec');
    const only = items(spec['rules']).length === 0 && Object.hasOwn(spec, 'defaultBackend');
    return only && foreignField(scope, document) === undefined;
  });
}

function ingressBackend(
  scope: Scope,
  document: ManifestDocument,
  from: unknown,
  path: FieldPath,
): RouteConfig['backends'][number] | undefined {
  const service = fields(from, 'service');
  const name = text(service['name']);
  if (Object.hasOwn(fields(from), 'resource'))
    notEnforced(scope, document, [...path, 'resource'], 'Traefik does not serve backends that are not a Service');
  if (name === undefined || Object.hasOwn(fields(from), 'resource')) return undefined;
  const port = fields(service, 'port');
  const number = port['number'];
  return backend(scope, document, {
    namespace: document.ref.namespace,
    name,
    port: text(port['name']) ?? (typeof number === 'number' ? number : undefined),
    weight: 1,
    path: [...path, 'service', 'port'],
  });
}

function hostRule(host: string, path: FieldPath, syntax: RuleSyntax): RulePart[] {
  if (host === '') return [];
  if (!host.startsWith('*.')) return [{ text: call('Host', host), path }];
  const rest = host.slice(2);
  const pattern = syntax === 'v2' ? `{subdomain:[a-zA-Z0-9-]+}.${rest}` : `^[a-zA-Z0-9-]+\\.${quoteMeta(rest)}$`;
  return [{ text: call('HostRegexp', pattern), path }];
}

function pathRule(entry: Readonly<Record<string, unknown>>, path: FieldPath, options: Options): RulePart[] {
  const wanted = text(entry['path']) ?? '';
  if (wanted === '') return [];
  const type = text(entry['pathType']) ?? '';
  const free = type === '' || type === 'ImplementationSpecific';
  const matcher = free ? options.pathMatcher : type === 'Exact' ? 'Path' : 'PathPrefix';
  const whole = options.strictPrefix && matcher === 'PathPrefix';
  return [{ text: whole ? elementPrefix(wanted) : call(matcher, wanted), path: [...path, 'path'] }];
}

/** Undefined when Traefik cannot read them and leaves the whole Ingress out, which is said. */
function readOptions(scope: Scope, document: ManifestDocument): Options | undefined {
  const annotations = textMap(fields(document.value, 'metadata')['annotations']);
  let syntax: RuleSyntax = 'v3';
  let pathMatcher = 'PathPrefix';
  let priority: number | undefined;
  for (const [key, value] of Object.entries(annotations)) {
    if (!key.startsWith(INGRESS_ANNOTATIONS)) continue;
    // Traefik reads the names in any case.
    const option = key.slice(INGRESS_ANNOTATIONS.length).toLowerCase();
    const path: FieldPath = ['metadata', 'annotations', key];
    if (option === 'router.rulesyntax') syntax = value === 'v2' ? 'v2' : 'v3';
    else if (option === 'router.pathmatcher') pathMatcher = value === '' ? pathMatcher : value;
    else if (option === 'router.priority') {
      const read = readPriority(value);
      if (read === undefined) {
        const message = `"${value}" is not a whole number that Traefik can read: it does not serve the Ingress`;
        say(scope, document, 'route-invalid', path, message);
        return undefined;
      }
      priority = read === 0 ? undefined : read;
    } else if (!APPLIED.has(option) && option.startsWith('router.'))
      notEnforced(
        scope,
        document,
        path,
        `the option "${option}" is not applied`,
        HARMLESS.test(option) ? 'info' : 'warning',
      );
  }
  return { priority, pathMatcher, syntax, strictPrefix: scope.resolution.traefik.strictPrefixMatching };
}

/** As Go's `strconv.ParseInt` reads a number of base 10. */
function readPriority(value: string): number | undefined {
  if (!/^[+-]?\d{1,19}$/.test(value)) return undefined;
  const number = BigInt(value);
  return number > 2n ** 63n - 1n || number < -(2n ** 63n) ? undefined : Number(number);
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
