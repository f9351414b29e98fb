import type { MiddlewareConfig } from '../../gateway/middleware.ts';
import { fields, text } from '../field.ts';
import type { FieldPath } from '../field-path.ts';
import { TRAEFIK } from '../kinds.ts';
import type { ManifestDocument } from '../types.ts';
import { middlewareConfigs } from './middleware.ts';
import { notEnforced, say, type Scope } from './scope.ts';

/** Undefined when one is missing: Traefik does not serve such a route. */
export function routeMiddlewares(
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
