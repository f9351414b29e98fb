import { TRAEFIK } from '../kinds.ts';
import { report } from '../report.ts';
import type { Diagnostic, ManifestDocument } from '../types.ts';
import type { Reference } from './resolve.ts';

/** Kinds that may refer to their own. */
const NESTING = new Set([`${TRAEFIK}/Middleware`, `${TRAEFIK}/TraefikService`]);

/** Objects that lead back to themselves, each circle told once, where it is first closed. */
export function cycles(
  documents: readonly ManifestDocument[],
  referencesOf: ReadonlyMap<ManifestDocument, readonly Reference[]>,
): Diagnostic[] {
  const diagnostics: Diagnostic[] = [];
  const done = new Set<ManifestDocument>();
  for (const start of documents) {
    if (!NESTING.has(start.sort) || done.has(start)) continue;
    // By hand and not by recursion: a chain may be as long as there are files.
    const way: { document: ManifestDocument; references: readonly Reference[]; next: number }[] = [];
    const onWay = new Map<ManifestDocument, number>();
    const enter = (document: ManifestDocument): void => {
      onWay.set(document, way.length);
      way.push({ document, references: referencesOf.get(document) ?? [], next: 0 });
    };
    enter(start);
    for (let top = way.at(-1); top !== undefined; top = way.at(-1)) {
      const reference = top.references[top.next];
      if (reference === undefined) {
        way.pop();
        onWay.delete(top.document);
        done.add(top.document);
        continue;
      }
      top.next += 1;
      const { target } = reference;
      if (target === undefined || done.has(target) || !NESTING.has(target.sort)) continue;
      const from = onWay.get(target);
      if (from === undefined) enter(target);
      else diagnostics.push(closed(reference, [...way.slice(from).map(({ document }) => document), target]));
    }
  }
  return diagnostics;
}

function closed(reference: Reference, circle: readonly ManifestDocument[]): Diagnostic {
  const names = circle.map(({ ref }) => ref.name);
  const shown = names.length > 8 ? [...names.slice(0, 4), '…', ...names.slice(-3)] : names;
  const { kind } = reference.from.ref;
  return report(
    reference.from,
    'reference-cycle',
    reference.path,
    `${kind} objects refer to each other in a circle: ${shown.join(' → ')}`,
    { hint: 'Remove one of the references.' },
  );
}
