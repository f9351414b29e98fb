import { groupOf } from '../../shared/manifests/object-id.ts';
import type { ManifestDocument, ObjectId } from '../../shared/manifests/types.ts';
import { compare } from './compare.ts';
import type { LiveObjects } from './live-objects.ts';
import type { ObjectClusterState } from './port.ts';
import { isShownWithoutFile } from './wanted-kinds.ts';

/** Of two documents of one object the first counts; the other is a diagnostic. What the cluster cannot tell about is left out. */
export function objectStates(
  documents: readonly ManifestDocument[],
  objects: LiveObjects,
): ReadonlyMap<ObjectId, ObjectClusterState> {
  const states = new Map<ObjectId, ObjectClusterState>();
  for (const { id, ref, value } of documents) {
    if (states.has(id)) continue;
    const live = objects.get(id);
    if (live) {
      const { same, fields } = compare(value, live.object);
      states.set(id, { ref, state: same ? 'same' : 'drifted', drift: fields.length });
    } else if (objects.covers(ref)) {
      states.set(id, { ref, state: 'file', drift: 0 });
    }
  }
  for (const { id, ref } of objects.all()) {
    if (states.has(id) || !isShownWithoutFile(groupOf(ref.apiVersion), ref.kind)) continue;
    states.set(id, { ref, state: 'cluster', drift: 0 });
  }
  return states;
}
