import { compile } from './compile/compile.ts';
import type { Analysis } from './analyze.ts';
import { objectId } from './object-id.ts';
import { resolve } from './resolve/resolve.ts';
import type { Diagnostic, ManifestDocument, ObjectId } from './types.ts';
import type { GatewayConfig } from '../gateway/config.ts';

/** What serves of a set of files, whatever is wrong in them. */
export interface Accepted {
  readonly config: GatewayConfig;
  /** What serves, by file, in order. */
  readonly files: ReadonlyMap<string, readonly ManifestDocument[]>;
  /** Those of them that had no error when they were taken over. */
  readonly right: ReadonlyMap<ObjectId, ManifestDocument>;
}

/**
 * Takes over what is right and keeps the rest as a cluster would: of an object with an error its last version without one
 * serves on; of a file that cannot be read, all its objects. What never was right and would be refused by the API server
 * is left out; what only the gateway finds wrong is compiled, which leaves out its broken routes alone.
 */
export function accept(analysis: Analysis, before: Accepted | undefined): Accepted {
  const errors = analysis.diagnostics.filter(({ severity }) => severity === 'error');
  const byFile = Map.groupBy(analysis.documents, ({ file }) => file);
  if (errors.length === 0) {
    return { config: analysis.config, files: byFile, right: new Map(analysis.documents.map((one) => [one.id, one])) };
  }
  const unreadable = new Set(errors.filter(({ object }) => object === undefined).map(({ file }) => file));
  const wrong = Map.groupBy(
    errors.flatMap((error) => (error.object === undefined ? [] : [{ ...error, id: objectId(error.object) }])),
    ({ id, file }) => `${file}\0${id}`,
  );
  // What is rendered may be told of at another file of those that it was made of.
  const ofRendered = Map.groupBy([...wrong.values()].flat(), ({ id }) => id);

  const files = new Map<string, readonly ManifestDocument[]>();
  const right = new Map<ObjectId, ManifestDocument>();
  for (const file of new Set([...byFile.keys(), ...unreadable])) {
    const last = before?.files.get(file);
    if (unreadable.has(file) && last !== undefined) {
      files.set(file, last);
      for (const { id } of last) copy(id, before?.right, right);
      continue;
    }
    const documents: ManifestDocument[] = [];
    for (const document of byFile.get(file) ?? []) {
      const problems =
        document.rendered === undefined ? wrong.get(`${file}\0${document.id}`) : ofRendered.get(document.id);
      const serving =
        problems === undefined ? document : (before?.right.get(document.id) ?? unlessRefused(document, problems));
      if (serving !== undefined) documents.push(serving);
      if (problems === undefined) right.set(document.id, document);
      else copy(document.id, before?.right, right);
    }
    files.set(file, documents);
  }
  return { config: compile(resolve([...files.values()].flat(), analysis.traefik)).config, files, right };
}

function copy(
  id: ObjectId,
  from: ReadonlyMap<ObjectId, ManifestDocument> | undefined,
  to: Map<ObjectId, ManifestDocument>,
): void {
  const known = from?.get(id);
  if (known !== undefined) to.set(id, known);
}

/** The API server gives a cause type for what it refuses; errors without one are the gateway's. */
function unlessRefused(document: ManifestDocument, problems: readonly Diagnostic[]): ManifestDocument | undefined {
  return problems.some(({ type }) => type !== undefined) ? undefined : document;
}
