import type { Analysis } from '../analyze.ts';
import type { MiddlewareConfig } from '../../gateway/middleware.ts';
import { lint, type LintSettings } from '../lint/lint.ts';
import type { Diagnostic } from '../types.ts';
import { accessChanges } from './access-diff.ts';
import type { ManifestDiff } from './change.ts';
import { middlewareName } from './guards.ts';
import { limitChanges } from './limit-diff.ts';
import { objectWords, pairRoutes, routeChange, viewOf, type RoutePair } from './route-diff.ts';

export interface DiffSide {
  readonly analysis: Analysis;
  readonly settings: LintSettings;
}

/** What changes for callers between two states of the manifests. Pure. */
export function diffManifests(before: DiffSide, after: DiffSide): ManifestDiff {
  const [old, now] = [before.analysis.config, after.analysis.config];
  const routes = pairRoutes(old, now);
  return {
    routes: {
      added: routes.added.map((route) => viewOf(route, now)),
      removed: routes.removed.map((route) => viewOf(route, old)),
      changed: routes.pairs.flatMap((pair) => routeChange(pair, old, now) ?? []),
    },
    access: accessChanges(old, now, routes),
    limits: limitChanges(old, now),
    middlewares: [...new Set(routes.pairs.flatMap(middlewareChanges))],
    diagnostics: diagnosticChanges(diagnosticsOf(before), diagnosticsOf(after)),
  };
}

function middlewareChanges({ before, after }: RoutePair): string[] {
  const route = objectWords(after.source);
  const [was, is] = [named(before.middlewares), named(after.middlewares)];
  const changes: string[] = [];
  for (const name of is.keys()) if (!was.has(name)) changes.push(`${route}: ${name} added`);
  for (const name of was.keys()) if (!is.has(name)) changes.push(`${route}: ${name} removed`);
  for (const [name, settings] of is)
    if (was.has(name) && was.get(name) !== settings) changes.push(`${name} is another`);
  const kept = (all: ReadonlyMap<string, string>, other: ReadonlyMap<string, string>): string =>
    [...all.keys()].filter((name) => other.has(name)).join(', ');
  const [first, second] = [kept(was, is), kept(is, was)];
  if (first !== second) changes.push(`${route}: the order is ${second}, and was ${first}`);
  return changes;
}

function named(middlewares: readonly MiddlewareConfig[]): Map<string, string> {
  return new Map(middlewares.map((middleware) => [middlewareName(middleware), JSON.stringify(middleware)]));
}

/** All that validate and lint say; what both say once. */
function diagnosticsOf({ analysis, settings }: DiffSide): Diagnostic[] {
  const found = lint(analysis, settings);
  const told = new Set(found.map(place));
  return [...found, ...analysis.diagnostics.filter((diagnostic) => !told.has(place(diagnostic)))];
}

function place({ file, line, column, message }: Diagnostic): string {
  return JSON.stringify([file, line, column, message]);
}

/** Lines move without anything being another: a diagnostic is known by its object and field, not by its position. */
function diagnosticChanges(was: readonly Diagnostic[], is: readonly Diagnostic[]): ManifestDiff['diagnostics'] {
  const key = ({ code, severity, object, path, message, file }: Diagnostic): string =>
    JSON.stringify([code, severity, object ?? file, path, message]);
  const without = (all: readonly Diagnostic[], known: readonly Diagnostic[]): Diagnostic[] => {
    const counts = new Map<string, number>();
    for (const one of known) counts.set(key(one), (counts.get(key(one)) ?? 0) + 1);
    return all.filter((one) => {
      const left = counts.get(key(one)) ?? 0;
      counts.set(key(one), left - 1);
      return left <= 0;
    });
  };
  return { added: without(is, was), fixed: without(was, is) };
}
