import type { ModelObject } from '../../shared/contract/contract.ts';
import { objectId } from '../../shared/manifests/object-id.ts';
import type { Diagnostic, ManifestDocument, ObjectId } from '../../shared/manifests/types.ts';
import type { ObjectClusterState } from '../kube/port.ts';
import { objectFields } from './object-fields.ts';

/**
 * Every object once: those of the files, in their order, with what the cluster has of them, then those that only the
 * cluster has. An error in the file comes before what the cluster says. An id that several documents claim counts as
 * its first document; the others are in the diagnostics. Pure.
 */
export function joinStates(
  documents: readonly ManifestDocument[],
  diagnostics: readonly Diagnostic[],
  cluster: ReadonlyMap<ObjectId, ObjectClusterState>,
): ModelObject[] {
  const errors = errorLines(diagnostics);
  const wrong = new Set(
    diagnostics.flatMap(({ severity, object }) =>
      severity === 'error' && object !== undefined ? [objectId(object)] : [],
    ),
  );
  const objects = new Map<ObjectId, ModelObject>();
  for (const document of documents) {
    const { id, ref, file, range, rendered } = document;
    if (objects.has(id)) continue;
    const live = cluster.get(id);
    // Several objects may be rendered from the same lines, and an error may be in a patch.
    const broken =
      rendered === undefined
        ? (errors.get(file) ?? []).some((line) => line >= range.start.line && line <= range.end.line)
        : wrong.has(id);
    const place = {
      id,
      ref,
      file,
      line: range.start.line,
      endLine: range.end.line,
      fields: objectFields(document),
      ...(rendered === undefined ? {} : { rendered: { by: rendered.by, dir: rendered.dir } }),
    };
    if (broken) objects.set(id, { ...place, state: 'broken' });
    else if (live?.state === 'drifted') objects.set(id, { ...place, state: 'drifted', drift: live.drift });
    else objects.set(id, { ...place, state: live?.state === 'same' ? 'same' : 'file' });
  }
  for (const [id, { ref, state }] of cluster)
    if (state === 'cluster' && !objects.has(id)) objects.set(id, { id, ref, state: 'cluster' });
  return [...objects.values()];
}

function errorLines(diagnostics: readonly Diagnostic[]): ReadonlyMap<string, readonly number[]> {
  const lines = new Map<string, number[]>();
  for (const { severity, file, line } of diagnostics) {
    if (severity !== 'error') continue;
    const known = lines.get(file);
    if (known === undefined) lines.set(file, [line]);
    else known.push(line);
  }
  return lines;
}
