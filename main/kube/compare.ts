import { fields, isFields, text } from '../../shared/manifests/field.ts';
import { formatPath } from '../../shared/manifests/field-path.ts';
import type { FieldPath } from '../../shared/manifests/field-path.ts';
import { groupOf } from '../../shared/manifests/object-id.ts';
import { parseJson } from './api-error.ts';
import { fieldOwners, listKeys, ownerNames, ownersOf, ownersOfItem } from './field-owners.ts';
import type { FieldOwner } from './field-owners.ts';
import { isSecret, LAST_APPLIED, normalise } from './normalise.ts';
import type { DriftField, KubeObject } from './port.ts';
import { equalScalars, isZero } from './scalar.ts';

export const FIELD_MANAGER = 'adit';
/** Managers that apply the user's files; a field that they applied and the file lost would go with the next apply. */
const APPLIERS = new Set([FIELD_MANAGER, 'kubectl']);
const CLIENT_SIDE_APPLY = 'kubectl-client-side-apply';

export interface Comparison {
  readonly same: boolean;
  readonly fields: readonly DriftField[];
}

/**
 * Would applying the file change the live object? Every field of the file must have the live value; a field that only
 * the live object has counts when the files' own manager applied it before (`adit`, `kubectl`), because then it was
 * removed from the file. What the server defaulted and what other managers added is no difference. Of a Secret only
 * labels and annotations are compared: its data is never read.
 */
export function compare(file: KubeObject, live: KubeObject): Comparison {
  const found: DriftField[] = [];
  const group = groupOf(text(file['apiVersion']) ?? '');
  // Kubernetes' own types leave out zero values when they are written; custom resources keep them.
  const dropsZero = !group.includes('.') || group.endsWith('.k8s.io');
  const root = comparable(file);
  const applied = isSecret(live) ? undefined : lastApplied(live);
  const walk: Walk = { found, dropsZero };
  compareObjects(walk, root, comparable(live), [], fieldOwners(live), applied);
  return { same: found.length === 0, fields: found };
}

interface Walk {
  readonly found: DriftField[];
  readonly dropsZero: boolean;
}

/** Name and version say which object it is, not what is in it. */
function comparable(object: KubeObject): KubeObject {
  const { apiVersion: _apiVersion, kind: _kind, metadata, ...rest } = normalise(object);
  const { name: _name, namespace: _namespace, ...written } = fields(metadata);
  return { metadata: written, ...rest };
}

function lastApplied(live: KubeObject): KubeObject | undefined {
  const annotation = text(fields(live, 'metadata', 'annotations')[LAST_APPLIED]);
  const value = annotation === undefined ? undefined : parseJson(annotation);
  return isFields(value) ? comparable(value) : undefined;
}

function compareValues(
  walk: Walk,
  file: unknown,
  live: unknown,
  path: FieldPath,
  owners: readonly FieldOwner[],
  applied: unknown,
): void {
  if (isFields(file) && isFields(live)) compareObjects(walk, file, live, path, owners, applied);
  else if (Array.isArray(file) && Array.isArray(live)) compareLists(walk, file, live, path, owners, applied);
  else if (!equalLeaves(walk, file, live, path)) differ(walk, file, live, path, owners);
}

function equalLeaves(walk: Walk, file: unknown, live: unknown, path: FieldPath): boolean {
  if (isAbsent(live)) return isAbsent(file) || isEmpty(file) || (walk.dropsZero && isZero(file));
  return equalScalars(file, live, path);
}

function isAbsent(value: unknown): boolean {
  return value === undefined || value === null;
}

/** Empty maps and lists say nothing; a map of empty maps, too. */
function isEmpty(value: unknown): boolean {
  if (Array.isArray(value)) return value.length === 0;
  return isFields(value) && Object.values(value).every((item) => item === null || (isFields(item) && isEmpty(item)));
}

function compareObjects(
  walk: Walk,
  file: KubeObject,
  live: KubeObject,
  path: FieldPath,
  owners: readonly FieldOwner[],
  applied: unknown,
): void {
  const before = fields(applied);
  for (const [key, value] of Object.entries(file)) {
    if (value === null) continue;
    compareValues(walk, value, own(live, key), [...path, key], ownersOf(owners, key), own(before, key));
  }
  for (const [key, value] of Object.entries(live)) {
    // A null in a file asks for the default, as if the field were not there.
    if (!isAbsent(own(file, key))) continue;
    removed(walk, value, [...path, key], ownersOf(owners, key), own(before, key));
  }
}

/** A field that is not in the file: reports the parts of it that the file's own managers had applied. */
function removed(walk: Walk, live: unknown, path: FieldPath, owners: readonly FieldOwner[], applied: unknown): void {
  const ours = owners.filter(({ manager, applies }) => applies && APPLIERS.has(manager));
  if (isAbsent(live) || (applied === undefined && ours.length === 0)) return;
  if (isFields(live)) {
    const partly = ours.every(({ tree }) => Object.keys(tree).some((segment) => segment !== '.'));
    if (partly && (ours.length > 0 || isFields(applied))) {
      const before = walk.found.length;
      for (const [key, value] of Object.entries(live)) {
        removed(walk, value, [...path, key], ownersOf(owners, key), own(fields(applied), key));
      }
      if (walk.found.length > before) return;
    }
  }
  if (isEmpty(live)) return;
  differ(walk, undefined, live, path, owners, applied === undefined ? undefined : CLIENT_SIDE_APPLY);
}

function compareLists(
  walk: Walk,
  file: readonly unknown[],
  live: readonly unknown[],
  path: FieldPath,
  owners: readonly FieldOwner[],
  applied: unknown,
): void {
  const keys = listKeys(owners);
  const before = Array.isArray(applied) ? applied : [];
  if (keys === undefined) {
    if (file.length !== live.length) return differ(walk, file, live, path, owners);
    file.forEach((item, index) =>
      compareValues(walk, item, live[index], [...path, index], ownersOfItem(owners, live[index]), before[index]),
    );
    return;
  }
  const left = new Set(live.keys());
  const matches = (wanted: unknown, index: number) => isSameItem(keys, wanted, live[index]);
  file.forEach((item, index) => {
    const at = [...left].find((candidate) => matches(item, candidate));
    if (at === undefined) return differ(walk, item, undefined, [...path, index], []);
    left.delete(at);
    const liveItem = live[at];
    const appliedItem = before.find((candidate) => isSameItem(keys, candidate, liveItem));
    compareValues(walk, item, liveItem, [...path, index], ownersOfItem(owners, liveItem), appliedItem);
  });
  for (const at of left) {
    const appliedItem: unknown = before.find((candidate) => isSameItem(keys, candidate, live[at]));
    const itemOwners = ownersOfItem(owners, live[at]);
    const ours = itemOwners.some(({ manager, applies }) => applies && APPLIERS.has(manager));
    if (ours || appliedItem !== undefined) differ(walk, undefined, live[at], [...path, at], itemOwners);
  }
}

/** A key field that the file leaves out was defaulted by the server (`protocol: TCP` of a port). */
function isSameItem(keys: readonly string[], file: unknown, live: unknown): boolean {
  if (keys.length === 0) return equalScalars(file, live, []);
  return (
    isFields(file) &&
    isFields(live) &&
    keys.every((key) => file[key] === undefined || equalScalars(file[key], live[key], []))
  );
}

function differ(
  walk: Walk,
  file: unknown,
  live: unknown,
  path: FieldPath,
  owners: readonly FieldOwner[],
  otherwise?: string,
): void {
  const owner = ownerNames(owners) ?? otherwise;
  walk.found.push({
    path: formatPath(path),
    ...(file === undefined ? {} : { file: shown(file) }),
    ...(live === undefined ? {} : { live: shown(live) }),
    ...(owner === undefined ? {} : { owner }),
  });
}

/** A string as it is, all else as JSON. */
function shown(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}

function own(object: KubeObject, key: string): unknown {
  return Object.hasOwn(object, key) ? object[key] : undefined;
}
