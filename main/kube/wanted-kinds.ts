import { apiOk } from './api-error.ts';
import type { ApiResult } from './api-error.ts';
import type { ApiKind, Discovery } from './discovery.ts';

/** Every kind of these is read, and their CRDs give the editor's schemas. */
export const PRODUCT_GROUPS: readonly string[] = ['hub.traefik.io', 'traefik.io'];

/** Kinds read beside those of `hub.traefik.io`; only these, because a cluster may have very many of others. */
const WANTED = [
  { group: 'traefik.io', version: 'v1alpha1', kinds: ['IngressRoute', 'Middleware'] },
  { group: 'networking.k8s.io', version: 'v1', kinds: ['Ingress'] },
  { group: '', version: 'v1', kinds: ['Service', 'Secret'] },
] as const;
export const WHOLE_GROUP = 'hub.traefik.io';

/** Of these a cluster has many that are no business of the product: shown only when the files have them. */
const ONLY_WITH_FILE = new Set(['/Service', '/Secret']);

export interface WantedKinds {
  readonly present: readonly ApiKind[];
  /** Known not to be served: an object of such a kind is in no cluster. */
  readonly absent: readonly { readonly apiVersion: string; readonly kind: string }[];
}

export function isShownWithoutFile(group: string, kind: string): boolean {
  return !ONLY_WITH_FILE.has(`${group}/${kind}`);
}

export async function wantedKinds(
  discovery: Discovery,
  groups: ReadonlyMap<string, string>,
  signal: AbortSignal,
): Promise<ApiResult<WantedKinds>> {
  const present: ApiKind[] = [];
  const absent: { apiVersion: string; kind: string }[] = [];
  const whole = groups.get(WHOLE_GROUP);
  if (whole !== undefined) {
    const kinds = await discovery.kinds(whole, signal);
    if (!kinds.ok) return kinds;
    present.push(...kinds.value.filter(isWatchable));
  }
  for (const { group, version, kinds } of WANTED) {
    const apiVersion = group === '' ? version : (groups.get(group) ?? `${group}/${version}`);
    const served = await discovery.kinds(apiVersion, signal);
    if (!served.ok) return served;
    for (const kind of kinds) {
      const found = served.value.find((candidate) => candidate.kind === kind);
      if (found && isWatchable(found)) present.push(found);
      else absent.push({ apiVersion, kind });
    }
  }
  return apiOk({ present, absent });
}

function isWatchable(kind: ApiKind): boolean {
  return kind.verbs.includes('list') && kind.verbs.includes('watch');
}
