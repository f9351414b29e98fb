import { fields, text } from '../../shared/manifests/field.ts';
import type { ApiClient } from './api-client.ts';
import type { ApiKind } from './discovery.ts';
import { KindWatch } from './kind-watch.ts';
import { LiveObjects } from './live-objects.ts';
import type { LiveObject } from './port.ts';
import { PRODUCT_GROUPS } from './wanted-kinds.ts';

export const CRD_KIND: ApiKind = {
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  plural: 'customresourcedefinitions',
  namespaced: false,
  verbs: ['list', 'watch'],
};

/**
 * Calls `changed`, with the names of all (`apis.hub.traefik.io`), whenever a CRD of the product's groups comes, goes or changes. Reads only `metadata`, because a cluster
 * may have hundreds of large CRDs. Does nothing for a user who may not list them. Ends with `signal`.
 */
export async function watchCrds(
  client: ApiClient,
  signal: AbortSignal,
  changed: (names: readonly string[]) => void,
): Promise<void> {
  let known: string | undefined;
  const crds = new LiveObjects(() => {
    const seen = versions(crds);
    if (known !== undefined && known !== seen) changed(ours(crds).map(({ ref }) => ref.name));
    known = seen;
  });
  const watch = new KindWatch(client, CRD_KIND, undefined, crds);
  try {
    const listed = await watch.list(signal);
    if (!listed.ok) return;
    known = versions(crds);
    // That the server cannot be reached is told by the watches of the objects.
    await watch.follow(signal, { trouble: () => undefined, refused: () => undefined });
  } finally {
    crds.close();
  }
}

function ours(crds: LiveObjects): readonly LiveObject[] {
  return [...crds.all()].filter(({ ref }) => PRODUCT_GROUPS.includes(ref.name.slice(ref.name.indexOf('.') + 1)));
}

/** The condition `Established` changes the version, too: then the kind is served. */
function versions(crds: LiveObjects): string {
  return ours(crds)
    .map(({ ref, object }) => `${ref.name}@${text(fields(object, 'metadata')['resourceVersion'])}`)
    .join(' ');
}
