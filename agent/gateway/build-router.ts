import type { RouteConfig } from '../../shared/gateway/config.ts';
import { compileMatcher, type Matches } from './compile-matcher.ts';
import { PrefixTree } from './prefix-tree.ts';
import type { RequestView } from './request-view.ts';
import { requiredHosts, requiredPaths } from './required-parts.ts';

export interface Router {
  match(request: RequestView): RouteConfig | undefined;
  readonly size: number;
}

interface Candidate {
  readonly order: number;
  readonly route: RouteConfig;
  readonly matches: Matches;
}

/**
 * Routes must be sorted by priority; the first that matches wins. They are filed under the hosts that they require, and
 * below each host under the paths, so that a request looks only at routes that can be its own.
 */
export function buildRouter(routes: readonly RouteConfig[]): Router {
  const everywhere = new PathIndex();
  const byHost = new Map<string, PathIndex>();
  const candidates = routes.map((route, order) => ({ order, route, matches: compileMatcher(route.match) }));
  // For preview hosts that stand for any: made when the first request asks for one.
  let whole: PathIndex | undefined;
  for (const candidate of candidates) {
    const { route } = candidate;
    const hosts = requiredHosts(route.match);
    if (hosts === undefined) everywhere.add(candidate);
    else {
      for (const host of new Set(hosts)) {
        const index = byHost.get(host);
        if (index === undefined) byHost.set(host, new PathIndex(candidate));
        else index.add(candidate);
      }
    }
  }
  return {
    size: routes.length,
    match(request) {
      const search = new Search(request);
      if (request.host === null) {
        whole ??= indexOf(candidates);
        whole.search(search);
      } else {
        byHost.get(request.host)?.search(search);
        everywhere.search(search);
      }
      return search.found?.route;
    },
  };
}

function indexOf(candidates: readonly Candidate[]): PathIndex {
  const index = new PathIndex();
  for (const candidate of candidates) index.add(candidate);
  return index;
}

/** Finds the first of all candidates that are shown to it list by list, each list in order. */
class Search {
  readonly request: RequestView;
  found: Candidate | undefined;

  constructor(request: RequestView) {
    this.request = request;
  }

  readonly look = (candidates: readonly Candidate[]): void => {
    const limit = this.found?.order ?? Infinity;
    for (const candidate of candidates) {
      if (candidate.order >= limit) return;
      if (!candidate.matches(this.request)) continue;
      this.found = candidate;
      return;
    }
  };
}

class PathIndex {
  #anywhere: Candidate[] = [];
  #exact = new Map<string, Candidate[]>();
  #prefixes = new PrefixTree<Candidate>();

  constructor(first?: Candidate) {
    if (first !== undefined) this.add(first);
  }

  /** Candidates come in order. */
  add(candidate: Candidate): void {
    const keys = requiredPaths(candidate.route.match);
    if (keys === undefined) {
      this.#anywhere.push(candidate);
      return;
    }
    const filed = new Set<string>();
    for (const { kind, path } of keys) {
      const key = `${kind} ${path}`;
      if (filed.has(key)) continue;
      filed.add(key);
      if (kind === 'prefix') {
        this.#prefixes.add(path, candidate);
        continue;
      }
      const list = this.#exact.get(path);
      if (list === undefined) this.#exact.set(path, [candidate]);
      else list.push(candidate);
    }
  }

  search(search: Search): void {
    const { path } = search.request;
    const exact = this.#exact.get(path);
    if (exact !== undefined) search.look(exact);
    this.#prefixes.visit(path, search.look);
    search.look(this.#anywhere);
  }
}
