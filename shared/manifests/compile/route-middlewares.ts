import type { MiddlewareConfig } from '../../gateway/middleware.ts';
import { fields, text } from '../field.ts';
import type { FieldPath } from '../field-path.ts';
import { TRAEFIK } from '../kinds.ts';
import type { ManifestDocument } from '../types.ts';
import { middlewareConfigs } from './middleware.ts';
import { mayRefer, notEnforced, say, type Scope } from './scope.ts';

const PROVIDER = '@kubernetescrd';

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
    if (name.endsWith(PROVIDER) && scope.resolution.traefik.allowCrossNamespace) {
      const configs = joinedMiddleware(scope, document, name, path);
      if (configs === undefined) return undefined;
      made.push(...configs);
      continue;
    }
    if (name.endsWith(PROVIDER)) {
      const message = `"${name}": Traefik refuses names of this form here, because they could reach into another namespace`;
      say(scope, document, 'reference-cross-namespace', path, message, {
        hint: 'Write `name:` and, if need be, `namespace:`; or set traefik.allowCrossNamespace in adit.yaml as your Traefik has it.',
      });
      return undefined;
    }
    if (name.includes('@')) {
      notEnforced(scope, document, path, `"${name}" belongs to a provider that a preview does not have`);
      continue;
    }
    const namespace = text(reference['namespace']) || document.ref.namespace;
    if (!mayRefer(scope, document, namespace)) return undefined;
    const middleware = scope.resolution.byId.get(`${TRAEFIK}/Middleware/${namespace}/${name}`);
    if (middleware === undefined) return undefined;
    const configs = middlewareConfigs(scope, middleware);
    if (configs === undefined) return undefined;
    made.push(...configs);
  }
  return made;
}

/** One named as NAMESPACE-NAME@kubernetescrd. */
function joinedMiddleware(
  scope: Scope,
  document: ManifestDocument,
  name: string,
  path: FieldPath,
): readonly MiddlewareConfig[] | undefined {
  const joined = name.slice(0, -PROVIDER.length);
  const found = scope.resolution.byKind
    .get(`${TRAEFIK}/Middleware`)
    ?.find(({ ref }) => `${ref.namespace}-${ref.name}` === joined);
  if (found !== undefined) return middlewareConfigs(scope, found);
  say(
    scope,
    document,
    'reference-missing',
    path,
    `Middleware "${joined}" (NAMESPACE-NAME) does not exist in the files`,
  );
  return undefined;
}
