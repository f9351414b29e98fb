import type { Analysis } from '../analyze.ts';
import type { DiagnosticCode } from '../errors.ts';
import type { MiddlewareConfig } from '../../gateway/middleware.ts';
import { lint, type LintSettings } from '../lint/lint.ts';
import { objectId } from '../object-id.ts';
import { placeIn } from '../report.ts';
import type { Diagnostic, ManifestDocument } from '../types.ts';
import { accessChanges } from './access-diff.ts';
import type { AccessChange, Finding, ManifestDiff, NotCompared, Place, Said } from './change.ts';
import { middlewareName } from './guards.ts';
import { limitChanges } from './limit-diff.ts';
import { objectWords, pairRoutes, routeChange, viewOf, type RoutePair } from './route-diff.ts';

const RENDER_FAILED: DiagnosticCode = 'render-failed';

export interface DiffSide {
  readonly analysis: Analysis;
  readonly settings: LintSettings;
}

/** What changes for callers between two states of the manifests. Pure. */
export function diffManifests(before: DiffSide, after: DiffSide): ManifestDiff {
  const [old, now] = [before.analysis.config, after.analysis.config];
  const routes = pairRoutes(old, now);
  const [placeOf, placeBefore] = [places(after, before), places(before)];
  const placed = ({ by, ...change }: Finding): AccessChange => ({ ...change, ...placeOf(by) });
  return {
    routes: {
      added: routes.added.map((route) => ({ ...viewOf(route, now), ...placeOf(route) })),
      removed: routes.removed.map((route) => ({ ...viewOf(route, old), ...placeBefore(route) })),
      changed: routes.pairs.flatMap((pair) => {
        const change = routeChange(pair, old, now);
        return change === undefined ? [] : { ...change, ...placeOf(pair.after) };
      }),
    },
    access: accessChanges(old, now, routes).map(placed),
    limits: limitChanges(old, now).map(placed),
    middlewares: [...new Set(routes.pairs.flatMap(middlewareChanges))],
    notCompared: notCompared(before, after),
    diagnostics: diagnosticChanges(diagnosticsOf(before), diagnosticsOf(after)),
  };
}

/** Where objects stand: as they are after the change, else as they were. */
function places(...sides: readonly DiffSide[]): (said: Said | undefined) => Place {
  const known = new Map<string, ManifestDocument>();
  for (const { analysis } of sides)
    for (const document of analysis.documents) if (!known.has(document.id)) known.set(document.id, document);
  return (said) => {
    const document = said === undefined ? undefined : known.get(objectId(said.source));
    if (document === undefined) return { file: null, line: null };
    const [, index] = /^IngressRoute\/.*#(\d+)$/.exec(said?.id ?? '') ?? [];
    const range =
      index === undefined ? document.range : document.locate(['spec', 'routes', Number(index), 'match'], 'key');
    const { file, line } = placeIn(document, range);
    return { file, line };
  };
}

function notCompared(before: DiffSide, after: DiffSide): NotCompared[] {
  const failures = ({ analysis }: DiffSide): Diagnostic[] =>
    analysis.diagnostics.filter(({ code }) => code === RENDER_FAILED);
  const [was, is] = [failures(before), failures(after)];
  const isSame =
    (a: Diagnostic) =>
    (b: Diagnostic): boolean =>
      a.file === b.file && a.message === b.message;
  const told = (side: NotCompared['side'], { file, line, message }: Diagnostic): NotCompared => ({
    side,
    file,
    line,
    message,
  });
  return [
    ...is.map((one) => told(was.some(isSame(one)) ? 'both' : 'after', one)),
    ...was.filter((one) => !is.some(isSame(one))).map((one) => told('before', one)),
  ];
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
