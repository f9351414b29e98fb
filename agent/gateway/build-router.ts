import type { Matcher, RouteConfig } from '../../shared/gateway/config.ts';
import { compileMatcher, type Matches } from './compile-matcher.ts';
import type { RequestView } from './request-view.ts';

export interface Router {
  match(request: RequestView): RouteConfig | undefined;
  readonly size: number;
}

interface CompiledRoute {
  readonly order: number;
  readonly route: RouteConfig;
  readonly matches: Matches;
}

/**
 * Routes must be sorted by priority. They are filed under the hosts that they require, so that a request looks only at
 * the routes of its host and at those that require none; the first that matches wins.
 */
export function buildRouter(routes: readonly RouteConfig[]): Router {
  const everywhere: CompiledRoute[] = [];
  const byHost = new Map<string, CompiledRoute[]>();
  const all: CompiledRoute[] = [];
  for (const [order, route] of routes.entries()) {
    const compiled = { order, route, matches: compileMatcher(route.match) };
    all.push(compiled);
    const hosts = requiredHosts(route.match);
    if (hosts === undefined) {
      everywhere.push(compiled);
      continue;
    }
    for (const host of hosts) {
      const list = byHost.get(host);
      if (list === undefined) byHost.set(host, [compiled]);
      else list.push(compiled);
    }
  }
  const merged = new Map<string, readonly CompiledRoute[]>();
  for (const [host, list] of byHost) {
    merged.set(
      host,
      [...list, ...everywhere].toSorted((a, b) => a.order - b.order),
    );
  }
  return {
    size: routes.length,
    match(request) {
      const candidates = request.host === null ? all : (merged.get(request.host) ?? everywhere);
      for (const candidate of candidates) if (candidate.matches(request)) return candidate.route;
      return undefined;
    },
  };
}

/** Every host under which the matcher can be true; undefined when it can be true under any. */
export function requiredHosts(matcher: Matcher): ReadonlySet<string> | undefined {
  switch (matcher.kind) {
    case 'host':
      return new Set([matcher.host.toLowerCase()]);
    case 'all': {
      let known: ReadonlySet<string> | undefined;
      for (const part of matcher.of) {
        const hosts = requiredHosts(part);
        if (hosts === undefined) continue;
        const before = known;
        known = before === undefined ? hosts : new Set([...hosts].filter((host) => before.has(host)));
      }
      return known;
    }
    case 'any': {
      let known: ReadonlySet<string> = new Set();
      for (const part of matcher.of) {
        const hosts = requiredHosts(part);
        if (hosts === undefined) return undefined;
        known = new Set([...known, ...hosts]);
      }
      return known;
    }
    default:
      return undefined;
  }
}
