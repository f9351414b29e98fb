import type { RouteConfig } from '../../gateway/config.ts';

/** A route with its place among others: its own rank, after those of the routes that stand above it. */
export interface RankedRoute {
  readonly route: RouteConfig;
  readonly ranks: readonly Rank[];
}

export interface Rank {
  readonly priority: number;
  /** Decides among equal priorities, where Traefik leaves it to chance. */
  readonly id: string;
}

/** By itself, below nothing. */
export function ranked(route: RouteConfig): RankedRoute {
  return { route, ranks: [{ priority: route.priority, id: route.id }] };
}

/** The first that matches wins: the highest priority first, level by level. What has fewer levels is the last of them. */
export function byRank(a: RankedRoute, b: RankedRoute): number {
  for (let level = 0; ; level += 1) {
    const [first, second] = [a.ranks[level], b.ranks[level]];
    if (first === undefined || second === undefined) return b.ranks.length - a.ranks.length;
    if (first.priority !== second.priority) return second.priority - first.priority;
    if (first.id !== second.id) return first.id < second.id ? -1 : 1;
  }
}
