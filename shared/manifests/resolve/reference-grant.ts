import { fields, items, text } from '../field.ts';
import { GATEWAY } from '../kinds.ts';
import { currentGroup, groupOf } from '../object-id.ts';
import type { ManifestDocument } from '../types.ts';
import type { Wanted } from './wanted.ts';

/** Whether a ReferenceGrant of the target's namespace lets an object refer to the target (Gateway API, ReferenceGrant). */
export function isGranted(
  from: ManifestDocument,
  to: Pick<Wanted, 'group' | 'kind' | 'namespace' | 'name'>,
  byPlace: ReadonlyMap<string, readonly ManifestDocument[]>,
): boolean {
  return (byPlace.get(`${GATEWAY}/ReferenceGrant/${to.namespace}`) ?? []).some((grant) => {
    const spec = fields(grant.value, 'spec');
    const mayRefer = items(spec['from']).some((entry) => {
      const { group, kind, namespace } = fields(entry);
      return group === groupOf(from.ref.apiVersion) && kind === from.ref.kind && namespace === from.ref.namespace;
    });
    const mayBeReferredTo = items(spec['to']).some((entry) => {
      const { group, kind, name } = fields(entry);
      const fits = typeof group === 'string' && currentGroup(group) === to.group && kind === to.kind;
      return fits && (name === undefined || text(name) === to.name);
    });
    return mayRefer && mayBeReferredTo;
  });
}
