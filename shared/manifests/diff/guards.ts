import type { GatewayConfig, RouteConfig } from '../../gateway/config.ts';
import type { MiddlewareConfig } from '../../gateway/middleware.ts';

/** Something that a caller must pass before a route serves. */
export interface Guard {
  /** Guards of one key are the same one with other settings. */
  readonly key: string;
  readonly words: string;
  readonly settings: unknown;
  /** Callers' networks, of a guard that lets in those alone. */
  readonly ranges?: readonly string[];
}

const METHODS: Readonly<Record<string, string>> = {
  'api-key': 'API key',
  jwt: 'JWT',
  ldap: 'LDAP',
  unsupported: 'an authentication that is not served',
};

/** Every guard of a route, in the order in which they are asked. Empty: everybody may call. */
export function guardsOf(route: RouteConfig, config: GatewayConfig): Guard[] {
  const guards: Guard[] = [];
  for (const name of route.policies ?? [])
    guards.push({ key: `policy ${name}`, words: `policy ${name}`, settings: config.policies?.[name] });
  const auth = route.api === undefined ? undefined : config.apis[route.api]?.auth;
  if (auth !== undefined && auth.kind !== 'keyless') {
    const words = METHODS[auth.kind] ?? auth.kind;
    guards.push({ key: `auth ${auth.kind}`, words, settings: { ...auth, source: null } });
  }
  for (const middleware of route.middlewares) {
    const guard = guardOf(middleware);
    if (guard !== undefined) guards.push(guard);
  }
  return guards;
}

export function middlewareName({ kind, source }: MiddlewareConfig): string {
  return `${kind} ${source.namespace}/${source.name}`;
}

function guardOf(middleware: MiddlewareConfig): Guard | undefined {
  const key = middlewareName(middleware);
  switch (middleware.kind) {
    case 'basic-auth':
      return { key, words: 'user and password', settings: { ...middleware, source: null } };
    case 'digest-auth':
      return { key, words: 'user and password (digest)', settings: { ...middleware, source: null } };
    case 'forward-auth':
      return { key, words: `what ${middleware.address} says`, settings: { ...middleware, source: null } };
    case 'ip-allow-list':
      return {
        key,
        words: `address in ${middleware.ranges.join(', ')}`,
        ranges: middleware.ranges,
        settings: { ...middleware, ranges: null, source: null },
      };
    default:
      return undefined;
  }
}
