import { fields, isFields, items, text } from '../../shared/manifests/field.ts';
import { parseJson } from './api-error.ts';
import type { KubeObject } from './port.ts';

/** One manager and the fields below one place that it owns. Source: structured-merge-diff `fieldpath/serialize.go`. */
export interface FieldOwner {
  readonly manager: string;
  readonly applies: boolean;
  readonly tree: Readonly<Record<string, unknown>>;
}

/** All managers of an object, at its root; those of `status` are left out. */
export function fieldOwners(object: KubeObject): readonly FieldOwner[] {
  return items(fields(object, 'metadata')['managedFields']).flatMap((entry) => {
    const { manager, operation, subresource, fieldsV1 } = fields(entry);
    if (subresource !== undefined || !isFields(fieldsV1)) return [];
    return [{ manager: text(manager) ?? '', applies: operation === 'Apply', tree: fieldsV1 }];
  });
}

/** Owners of the member `key`. Who owns the whole as one value owns every part of it. */
export function ownersOf(owners: readonly FieldOwner[], key: string): readonly FieldOwner[] {
  return owners.flatMap((owner) => {
    const tree = owner.tree[`f:${key}`];
    if (isFields(tree)) return [{ ...owner, tree }];
    return Object.keys(owner.tree).length === 0 ? [owner] : [];
  });
}

/** Owners of an item of a list: by key, by value, or of the list as a whole. */
export function ownersOfItem(owners: readonly FieldOwner[], item: unknown): readonly FieldOwner[] {
  return owners.flatMap((owner) => {
    if (Object.keys(owner.tree).length === 0) return [owner];
    for (const [segment, tree] of Object.entries(owner.tree)) {
      if (isFields(tree) && isItem(segment, item)) return [{ ...owner, tree }];
    }
    return [];
  });
}

/** Does the segment `k:{…}` or `v:…` name this item? */
function isItem(segment: string, item: unknown): boolean {
  if (segment.startsWith('v:')) return JSON.stringify(parseJson(segment.slice(2))) === JSON.stringify(item);
  if (!segment.startsWith('k:') || !isFields(item)) return false;
  const key = fields(parseJson(segment.slice(2)));
  return Object.entries(key).every(([name, value]) => item[name] === value);
}

/** Names of the fields that identify an item of this list; empty for a set; undefined when the list is one value. */
export function listKeys(owners: readonly FieldOwner[]): readonly string[] | undefined {
  for (const { tree } of owners) {
    for (const segment of Object.keys(tree)) {
      if (segment.startsWith('k:')) return Object.keys(fields(parseJson(segment.slice(2))));
      if (segment.startsWith('v:')) return [];
    }
  }
  return undefined;
}

export function ownerNames(owners: readonly FieldOwner[]): string | undefined {
  const names = [...new Set(owners.map(({ manager }) => manager).filter((name) => name !== ''))];
  return names.length > 0 ? names.join(', ') : undefined;
}
