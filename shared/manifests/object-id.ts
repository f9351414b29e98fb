import type { ObjectId, ObjectRef } from './types.ts';

/** `hub.traefik.io` of `hub.traefik.io/v1alpha1`; the core group (`v1`) is the empty string. */
export function groupOf(apiVersion: string): string {
  const slash = apiVersion.indexOf('/');
  return slash < 0 ? '' : apiVersion.slice(0, slash);
}

/** Traefik v3 renamed its group; objects of either name are one to those that refer to them. */
export function currentGroup(group: string): string {
  return group === 'traefik.containo.us' ? 'traefik.io' : group;
}

/** `GROUP/KIND/NAMESPACE/NAME`; the version is left out, because it does not change which object is meant. */
export function objectId(ref: ObjectRef): ObjectId {
  return `${currentGroup(groupOf(ref.apiVersion))}/${ref.kind}/${ref.namespace}/${ref.name}`;
}
