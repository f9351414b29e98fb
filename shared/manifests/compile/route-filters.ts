import type { NewPath, RequestRedirectConfig, UrlRewriteConfig } from '../../gateway/filter.ts';
import type { MiddlewareConfig } from '../../gateway/middleware.ts';
import { fields, items, text, type Fields } from '../field.ts';
import type { FieldPath } from '../field-path.ts';
import { TRAEFIK } from '../kinds.ts';
import type { ManifestDocument } from '../types.ts';
import type { PathMatch } from './http-match-rule.ts';
import { middlewareConfigs } from './middleware.ts';
import { say, type Scope } from './scope.ts';

/**
 * What the filters of a rule come to. `invalid`: Traefik answers for the rule itself, as one of its filters is none that
 * it knows. `unserved`: Traefik cannot make a route of it. Both were said.
 */
export type Filters =
  | { readonly kind: 'filters'; readonly middlewares: readonly MiddlewareConfig[] }
  | { readonly kind: 'invalid' | 'unserved' };

/** `path` is the match's, which prefixes are of; undefined for a GRPCRoute, which has fewer filters. */
export function routeFilters(
  scope: Scope,
  document: ManifestDocument,
  list: unknown,
  base: FieldPath,
  path: PathMatch | undefined,
): Filters {
  const middlewares: MiddlewareConfig[] = [];
  let unserved = false;
  for (const [at, entry] of items(list).entries()) {
    const filter = fields(entry);
    const here = [...base, at];
    const type = text(filter['type']) ?? '';
    const invalid = (why: string, field: FieldPath = [...here, 'type']): Filters => {
      const message = `${why}: Traefik answers ${document.ref.kind === 'GRPCRoute' ? 'with a gRPC status' : '500'} for the whole rule`;
      say(scope, document, 'route-invalid', field, message, { severity: 'warning' });
      return { kind: 'invalid' };
    };
    if (type === 'RequestHeaderModifier')
      middlewares.push(headerModifier(document, 'request-header-modifier', fields(filter, 'requestHeaderModifier')));
    else if (type === 'ExtensionRef') {
      const { group, kind, name } = fields(filter, 'extensionRef');
      if (group !== TRAEFIK || kind !== 'Middleware')
        return invalid(`${String(group)}/${String(kind)} is no filter that Traefik knows`, [...here, 'extensionRef']);
      const found = scope.resolution.byId.get(`${TRAEFIK}/Middleware/${document.ref.namespace}/${String(name)}`);
      const configs = found === undefined ? undefined : middlewareConfigs(scope, found);
      if (configs === undefined) unserved = true;
      else middlewares.push(...configs);
    } else if (path === undefined) return invalid(`Traefik does not support the filter ${type} of a GRPCRoute`);
    else if (type === 'ResponseHeaderModifier')
      middlewares.push(headerModifier(document, 'response-header-modifier', fields(filter, 'responseHeaderModifier')));
    else if (type === 'URLRewrite') {
      const made = urlRewrite(document, fields(filter, 'urlRewrite'), path);
      if (made === undefined) return invalid('the filter names neither host nor path', [...here, 'urlRewrite']);
      middlewares.push(made);
    } else if (type === 'RequestRedirect') {
      const made = redirect(document, fields(filter, 'requestRedirect'), path);
      if (made === undefined) {
        const message = 'Traefik redirects with 301 and 302 only: it does not serve the rule';
        say(scope, document, 'route-invalid', [...here, 'requestRedirect', 'statusCode'], message, {
          severity: 'warning',
        });
        unserved = true;
      } else middlewares.push(made);
    } else return invalid(`Traefik does not support the filter ${type}`);
  }
  return unserved ? { kind: 'unserved' } : { kind: 'filters', middlewares };
}

function headerModifier(
  document: ManifestDocument,
  kind: 'request-header-modifier' | 'response-header-modifier',
  filter: Fields,
): MiddlewareConfig {
  const list = (field: string): Record<string, string> =>
    Object.fromEntries(
      items(filter[field]).map((entry) => {
        const { name, value } = fields(entry);
        return [text(name) ?? '', text(value) ?? ''];
      }),
    );
  const remove = items(filter['remove']).filter((name) => typeof name === 'string');
  return { kind, source: document.ref, set: list('set'), add: list('add'), remove };
}

function newPath(filter: Fields, match: PathMatch): NewPath | undefined {
  const { type, replaceFullPath, replacePrefixMatch } = fields(filter, 'path');
  const path = text(type === 'ReplaceFullPath' ? replaceFullPath : replacePrefixMatch);
  if (path === undefined) return undefined;
  return type === 'ReplaceFullPath' ? { path } : { path, prefix: match.value };
}

function urlRewrite(document: ManifestDocument, filter: Fields, match: PathMatch): UrlRewriteConfig | undefined {
  if (filter['path'] === undefined && filter['hostname'] === undefined) return undefined;
  return {
    kind: 'url-rewrite',
    source: document.ref,
    hostname: text(filter['hostname']),
    path: newPath(filter, match),
  };
}

function redirect(document: ManifestDocument, filter: Fields, match: PathMatch): RequestRedirectConfig | undefined {
  const { scheme, hostname, port, statusCode } = filter;
  const status = statusCode ?? 302;
  if (status !== 301 && status !== 302) return undefined;
  // With a scheme of its own, the port is that scheme's.
  const otherwise = scheme === 'http' || scheme === 'https' ? '' : undefined;
  return {
    kind: 'request-redirect',
    source: document.ref,
    scheme: text(scheme),
    hostname: text(hostname),
    port: typeof port === 'number' ? String(port) : otherwise,
    path: newPath(filter, match),
    status,
  };
}
