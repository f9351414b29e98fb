import { fields, isFields, items, text } from '../../shared/manifests/field.ts';
import { groupOf } from '../../shared/manifests/object-id.ts';
import type { KubeObject } from './port.ts';

/** Written by `kubectl apply`; of a Secret it holds the data in clear text. */
export const LAST_APPLIED = 'kubectl.kubernetes.io/last-applied-configuration';

/** What a person writes in `metadata`; all else there is the server's. */
const WRITTEN_METADATA = ['name', 'namespace', 'labels', 'annotations', 'finalizers', 'ownerReferences'];

/** An object without what the server manages: the part of it that a file can say. Of a Secret never its data. */
export function normalise(object: KubeObject): KubeObject {
  const written: Record<string, unknown> = {};
  const from = fields(object, 'metadata');
  for (const key of WRITTEN_METADATA) if (from[key] !== undefined) written[key] = from[key];
  if (isFields(written['annotations'])) {
    const { [LAST_APPLIED]: _applied, ...annotations } = written['annotations'];
    if (Object.keys(annotations).length > 0) written['annotations'] = annotations;
    else delete written['annotations'];
  }
  if (isSecret(object)) return { apiVersion: object['apiVersion'], kind: object['kind'], metadata: written };
  const { status: _status, ...rest } = object;
  return { ...rest, metadata: written };
}

export function isSecret(object: KubeObject): boolean {
  return object['kind'] === 'Secret' && groupOf(text(object['apiVersion']) ?? '') === '';
}

/** `value` with its keys in the order of `like`, so that a text diff shows only what differs. */
export function inOrderOf(value: unknown, like: unknown): unknown {
  if (Array.isArray(value)) return value.map((item, index) => inOrderOf(item, items(like)[index]));
  if (!isFields(value)) return value;
  const order = Object.keys(fields(like)).filter((key) => Object.hasOwn(value, key));
  const others = Object.keys(value).filter((key) => !order.includes(key));
  return Object.fromEntries([...order, ...others].map((key) => [key, inOrderOf(value[key], fields(like)[key])]));
}
