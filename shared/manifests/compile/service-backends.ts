import type { BackendConfig } from '../../gateway/service.ts';
import { fields, integer, items, text } from '../field.ts';
import type { FieldPath } from '../field-path.ts';
import type { ManifestDocument } from '../types.ts';
import { say, type Scope } from './scope.ts';
import { routerKey } from './service-names.ts';
import { serviceReference } from './service-reference.ts';

const keys = new WeakMap<ManifestDocument, Map<string, string>>();

function keyOfRoute(document: ManifestDocument, rule: string): string {
  const known = keys.get(document) ?? new Map<string, string>();
  keys.set(document, known);
  const key = known.get(rule) ?? routerKey(document.ref.namespace, document.ref.name, rule);
  known.set(rule, key);
  return key;
}

/** Where a route of an IngressRoute sends its requests. Empty when Traefik would not serve it, which is said. */
export function serviceBackends(
  scope: Scope,
  document: ManifestDocument,
  services: readonly unknown[],
  base: FieldPath,
): BackendConfig[] {
  if (services.length === 0) {
    say(scope, document, 'route-invalid', [...base, 'services'], 'the route has no service to send requests to', {
      hint: 'Add a `services:` entry with name and port.',
    });
    return [];
  }
  const route = items(fields(document.value, 'spec')['routes'])[Number(base.at(-1))];
  // The only service of a route has the route's own name, and its weight counts for nothing.
  const only = services.length === 1 ? keyOfRoute(document, text(fields(route)['match']) ?? '') : undefined;
  const backends: BackendConfig[] = [];
  for (const [at, entry] of services.entries()) {
    const service = serviceReference(scope, document, entry, [...base, 'services', at], only);
    if (service === undefined) return [];
    const weight = integer(fields(entry)['weight']) ?? 1;
    backends.push({ service, weight: only === undefined ? Math.max(0, weight) : 1 });
  }
  return backends;
}
