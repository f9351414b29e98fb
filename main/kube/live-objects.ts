import { fields, text } from '../../shared/manifests/field.ts';
import { groupOf, objectId } from '../../shared/manifests/object-id.ts';
import type { ObjectId, ObjectRef } from '../../shared/manifests/types.ts';
import type { ApiKind } from './discovery.ts';
import { isSecret, LAST_APPLIED } from './normalise.ts';
import type { KubeObject, LiveObject } from './port.ts';

/** Events of a watch that arrive within this time make one change. */
const BATCH_MS = 50;

/** Where a kind was read: in every namespace, or in some. */
export type Coverage = 'all' | ReadonlySet<string>;

/** The objects of a cluster as last seen, and what of it was looked at. */
export class LiveObjects {
  readonly #objects = new Map<ObjectId, LiveObject>();
  readonly #coverage = new Map<string, Coverage>();
  readonly #groups = new Set<string>();
  readonly #changed: () => void;
  #batch: NodeJS.Timeout | undefined;

  constructor(changed: () => void) {
    this.#changed = changed;
  }

  get(id: ObjectId): LiveObject | undefined {
    return this.#objects.get(id);
  }

  all(): Iterable<LiveObject> {
    return this.#objects.values();
  }

  /** Can this say whether the object exists? */
  covers(ref: ObjectRef): boolean {
    const coverage = this.#coverage.get(kindKey(ref));
    if (coverage === undefined) return this.#groups.has(groupOf(ref.apiVersion));
    return coverage === 'all' || coverage.has(ref.namespace);
  }

  /** All kinds that the group has are read: an object of another kind is not there. */
  coverGroup(group: string): void {
    this.#groups.add(group);
  }

  cover(kind: { readonly apiVersion: string; readonly kind: string }, coverage: Coverage): void {
    this.#coverage.set(kindKey(kind), coverage);
    this.#touch();
  }

  /** The whole of a kind in a namespace, or in all when it is undefined. */
  replace(kind: ApiKind, namespace: string | undefined, objects: readonly KubeObject[]): void {
    const key = kindKey(kind);
    for (const { id, ref } of this.#objects.values()) {
      if (kindKey(ref) === key && (namespace === undefined || ref.namespace === namespace)) this.#objects.delete(id);
    }
    for (const object of objects) this.put(kind, object);
    this.#touch();
  }

  put(kind: ApiKind, object: KubeObject): void {
    const live = liveObject(kind, object);
    this.#objects.set(live.id, live);
    this.#touch();
  }

  delete(kind: ApiKind, object: KubeObject): void {
    this.#objects.delete(liveObject(kind, object).id);
    this.#touch();
  }

  close(): void {
    clearTimeout(this.#batch);
  }

  #touch(): void {
    this.#batch ??= setTimeout(() => {
      this.#batch = undefined;
      this.#changed();
    }, BATCH_MS);
  }
}

function kindKey(of: { readonly apiVersion: string; readonly kind: string }): string {
  return `${groupOf(of.apiVersion)}/${of.kind}`;
}

/** Items of a list do not say their kind. Of a Secret only `metadata` is kept. */
function liveObject(kind: ApiKind, object: KubeObject): LiveObject {
  const metadata = fields(object, 'metadata');
  const ref = {
    apiVersion: kind.apiVersion,
    kind: kind.kind,
    namespace: text(metadata['namespace']) ?? '',
    name: text(metadata['name']) ?? '',
  };
  const typed = { ...object, apiVersion: kind.apiVersion, kind: kind.kind };
  return { id: objectId(ref), ref, object: isSecret(typed) ? withoutData(kind, metadata) : typed };
}

function withoutData(kind: ApiKind, metadata: KubeObject): KubeObject {
  const { [LAST_APPLIED]: _applied, ...annotations } = fields(metadata, 'annotations');
  return { apiVersion: kind.apiVersion, kind: kind.kind, metadata: { ...metadata, annotations } };
}
