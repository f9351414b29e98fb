import type { ServiceConfig } from '../../gateway/config.ts';
import { fields, flag, integer, isFields, items, text, type Fields } from '../field.ts';
import type { FieldPath } from '../field-path.ts';
import { TRAEFIK } from '../kinds.ts';
import type { ManifestDocument } from '../types.ts';
import { keyOf, mayRefer, say, type Scope } from './scope.ts';
import { loadBalancer } from './service-load-balancer.ts';
import { addService, traefikName } from './service-names.ts';
import { stickyConfig } from './service-sticky.ts';

/** What a TraefikService came to, by document; false: it is being compiled, so what leads to it is a circle. */
const done = new WeakMap<Scope, Map<ManifestDocument, string | false | undefined>>();

/**
 * The service that an entry `{ kind, name, namespace, port, … }` names: a Service with how requests are shared among its
 * servers, or a TraefikService. Its key; undefined, with a diagnostic, where Traefik makes nothing of it. `only`: the name
 * of the service when it is the only one of a route.
 */
export function serviceReference(
  scope: Scope,
  document: ManifestDocument,
  entry: unknown,
  path: FieldPath,
  only?: string,
): string | undefined {
  const spec = fields(entry);
  const service = text(spec['name']) ?? '';
  // Absent, it is the schema's to report.
  if (service === '') return undefined;
  const kind = text(spec['kind']) || 'Service';
  const [bare = '', provider] = service.split('@');
  if (provider !== undefined && provider !== 'kubernetescrd') {
    const message = `"${service}" belongs to a provider that a preview does not have: the route is not served`;
    say(scope, document, 'not-enforced', [...path, 'name'], message, { severity: 'warning' });
    return undefined;
  }
  const namespace = text(spec['namespace']) || document.ref.namespace;
  if (!mayRefer(scope, document, namespace)) return undefined;
  if (kind === 'TraefikService') {
    const target = scope.resolution.byId.get(`${TRAEFIK}/TraefikService/${namespace}/${bare}`);
    // Missing, it is told with the other references; Traefik does not serve the route.
    return target === undefined ? undefined : traefikService(scope, target);
  }
  const { port } = spec;
  const name = only ?? traefikName(namespace, bare, typeof port === 'number' || typeof port === 'string' ? port : '');
  const made = loadBalancer(scope, document, spec, path, { namespace, service: bare, name });
  return made === undefined ? undefined : addService(scope, made);
}

/** The key of what a TraefikService describes. */
function traefikService(scope: Scope, document: ManifestDocument): string | undefined {
  const known = done.get(scope) ?? new Map<ManifestDocument, string | false | undefined>();
  done.set(scope, known);
  if (known.has(document)) {
    const key = known.get(document);
    // The circle itself is told with the other references.
    return key === false ? undefined : key;
  }
  known.set(document, false);
  const made = describe(scope, document);
  const key = made === undefined ? undefined : addService(scope, made);
  known.set(document, key);
  return key;
}

function describe(scope: Scope, document: ManifestDocument): ServiceConfig | undefined {
  const spec = fields(document.value, 'spec');
  const name = `${traefikName(document.ref.namespace, document.ref.name)}@kubernetescrd`;
  if (isFields(spec['weighted'])) {
    const services = weighted(scope, document, spec['weighted'], ['spec', 'weighted']);
    if (services === undefined) return undefined;
    return { kind: 'weighted', name, services, sticky: stickyConfig(spec['weighted']['sticky'], name) };
  }
  if (isFields(spec['mirroring'])) return mirroring(scope, document, spec['mirroring'], name);
  if (isFields(spec['highestRandomWeight'])) {
    const services = weighted(scope, document, spec['highestRandomWeight'], ['spec', 'highestRandomWeight']);
    return services === undefined ? undefined : { kind: 'highest-random-weight', name, services };
  }
  const message = `TraefikService ${keyOf(document)} says of none of weighted, mirroring, highestRandomWeight: routes that name it are not served`;
  say(scope, document, 'route-invalid', ['spec'], message);
  return undefined;
}

/** One that cannot be made takes the others with it. */
function weighted(
  scope: Scope,
  document: ManifestDocument,
  spec: Fields,
  path: FieldPath,
): { service: string; weight: number }[] | undefined {
  const services: { service: string; weight: number }[] = [];
  for (const [at, entry] of items(spec['services']).entries()) {
    const service = serviceReference(scope, document, entry, [...path, 'services', at]);
    if (service === undefined) return undefined;
    services.push({ service, weight: Math.max(0, integer(fields(entry)['weight']) ?? 1) });
  }
  return services;
}

function mirroring(scope: Scope, document: ManifestDocument, spec: Fields, name: string): ServiceConfig | undefined {
  const path: FieldPath = ['spec', 'mirroring'];
  const service = serviceReference(scope, document, spec, path);
  if (service === undefined) return undefined;
  const mirrors: { service: string; percent: number }[] = [];
  for (const [at, entry] of items(spec['mirrors']).entries()) {
    const mirror = serviceReference(scope, document, entry, [...path, 'mirrors', at]);
    const percent = integer(fields(entry)['percent']) ?? 0;
    if (percent < 0 || percent > 100)
      say(
        scope,
        document,
        'route-invalid',
        [...path, 'mirrors', at, 'percent'],
        `${percent} is not between 0 and 100: routes that name the service are not served`,
      );
    if (mirror === undefined || percent < 0 || percent > 100) return undefined;
    mirrors.push({ service: mirror, percent });
  }
  return {
    kind: 'mirroring',
    name,
    service,
    mirrors,
    mirrorBody: flag(spec['mirrorBody']) ?? true,
    maxBodyBytes: integer(spec['maxBodySize']) ?? -1,
  };
}
