import { groupKind } from './kinds.ts';
import { fields, isFields, items, text, type Fields } from './field.ts';
import type { FieldPath } from './field-path.ts';
import { groupOf, objectId } from './object-id.ts';
import { reportFile } from './report.ts';
import type { Diagnostic, ManifestDocument, ObjectRef, Range } from './types.ts';

/** A document of a file, and where its values stand. */
export interface Origin {
  readonly file: string;
  readonly index: number;
  /** Of objects that name none. */
  readonly namespace: string;
  locate(path: FieldPath, what: 'key' | 'value'): Range;
}

/** Kinds without a namespace, of those that people keep beside the ones we read. */
const CLUSTER_SCOPED = new Set([
  'Namespace', 'Node', 'PersistentVolume', 'StorageClass', 'ClusterRole', 'ClusterRoleBinding', 'CustomResourceDefinition',
  'IngressClass', 'GatewayClass', 'PriorityClass', 'AccessControlPolicy', 'APIService', 'ValidatingWebhookConfiguration',
  'MutatingWebhookConfiguration',
]); // prettier-ignore

export interface ObjectsFound {
  readonly documents: ManifestDocument[];
  readonly diagnostics: Diagnostic[];
}

/** Adds the objects that a value is, or that it lists; what looks like one and is none is said. */
export function objectsIn(origin: Origin, value: unknown, found: ObjectsFound, base: FieldPath = []): void {
  if (!isFields(value)) return;
  const apiVersion = text(value['apiVersion']);
  const kind = text(value['kind']);
  if (apiVersion === undefined || kind === undefined || apiVersion === '' || kind === '') {
    if (!looksLikeManifest(value, base)) return;
    const absent = apiVersion === undefined || apiVersion === '' ? 'apiVersion' : 'kind';
    const range = origin.locate([...base, absent === 'kind' ? 'apiVersion' : 'kind'], 'key');
    const message = `skipped: it looks like a Kubernetes object but has no \`${absent}\``;
    found.diagnostics.push(reportFile(origin.file, 'not-a-manifest', range, message, { hint: `Add \`${absent}:\`.` }));
    return;
  }
  if (kind.endsWith('List') && Array.isArray(value['items'])) {
    for (const [at, item] of items(value['items']).entries()) objectsIn(origin, item, found, [...base, 'items', at]);
    return;
  }
  if (groupOf(apiVersion) === 'kustomize.config.k8s.io') return;
  found.documents.push(manifestDocument(origin, value, apiVersion, kind, base));
}

function manifestDocument(
  origin: Origin,
  value: Fields,
  apiVersion: string,
  kind: string,
  base: FieldPath,
): ManifestDocument {
  const metadata = fields(value, 'metadata');
  const namespace = CLUSTER_SCOPED.has(kind) ? '' : text(metadata['namespace']) || origin.namespace;
  const ref: ObjectRef = Object.freeze({ apiVersion, kind, namespace, name: text(metadata['name']) ?? '' });
  const sort = groupKind(ref);
  return {
    id: objectId(ref),
    ref,
    sort,
    place: `${sort}/${namespace}`,
    file: origin.file,
    index: origin.index,
    range: origin.locate(base, 'value'),
    value,
    locate: (path, what = 'value') => origin.locate([...base, ...path], what),
  };
}

/** Two of the four fields that every object has; items of a list count as objects anyway. */
function looksLikeManifest(value: Fields, base: FieldPath): boolean {
  const present = ['apiVersion', 'kind', 'metadata', 'spec'].filter((field) => Object.hasOwn(value, field));
  return base.length > 0 || present.length >= 2;
}
