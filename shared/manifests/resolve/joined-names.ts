import { fields, text } from '../field.ts';
import type { FieldPath } from '../field-path.ts';
import { HUB, INGRESS_ANNOTATIONS, NETWORKING, TRAEFIK, UPLINKS_ANNOTATION } from '../kinds.ts';
import { nearNames } from '../near-names.ts';
import { report } from '../report.ts';
import type { Diagnostic, ManifestDocument } from '../types.ts';
import type { Reference } from './resolve.ts';
import { ingressMiddlewares, listed } from './wanted.ts';

/** One value each, because edges of the graph are kept by it. */
const MIDDLEWARES: FieldPath = ['metadata', 'annotations', `${INGRESS_ANNOTATIONS}router.middlewares`];
const UPLINKS: FieldPath = ['metadata', 'annotations', UPLINKS_ANNOTATION];
const PROVIDER = '@kubernetescrd';
const NO_NAMES: readonly string[] = [];
const NOTHING = { references: [], diagnostics: [] } as const;

type ByKind = ReadonlyMap<string, readonly ManifestDocument[]>;

/**
 * Annotations that name objects as NAMESPACE-NAME. As both parts may hold dashes, such a name can mean several objects;
 * that is said, and the first is followed.
 */
export function joinedReferences(
  document: ManifestDocument,
  byKind: ByKind,
): { references: readonly Reference[]; diagnostics: readonly Diagnostic[] } {
  const uplinkNames = listed(document, UPLINKS_ANNOTATION);
  const middlewareNames = document.sort === `${NETWORKING}/Ingress` ? ingressMiddlewares(document) : NO_NAMES;
  if (uplinkNames.length === 0 && middlewareNames.length === 0) return NOTHING;
  const references: Reference[] = [];
  const diagnostics: Diagnostic[] = [];

  function follow(full: string, kind: string, group: string, path: FieldPath, candidates: readonly ManifestDocument[]): void {
    const [target] = candidates;
    const { namespace } = document.ref;
    const name = full.startsWith(`${namespace}-`) ? full.slice(namespace.length + 1) : full;
    references.push({
      from: document, path, to: target?.id ?? `${group}/${kind}/${namespace}/${name}`,
      wanted: { group, kind, namespace, name }, target,
    });
    if (candidates.length < 2) return;
    const all = candidates.map(({ ref }) => `${ref.namespace}/${ref.name}`).join(', ');
    const message = `"${full}" can mean several objects of kind ${kind}: ${all}; the first is taken`;
    diagnostics.push(report(document, 'reference-ambiguous', path, message, { hint: 'Rename one of them.' }));
  } // prettier-ignore

  if (middlewareNames.length > 0) {
    const middlewares = byKind.get(`${TRAEFIK}/Middleware`) ?? [];
    for (const entry of new Set(middlewareNames)) {
      if (!entry.endsWith(PROVIDER)) {
        const message = `"${entry}" does not name a Middleware object: the form is NAMESPACE-NAME${PROVIDER}`;
        diagnostics.push(report(document, 'reference-missing', MIDDLEWARES, message));
        continue;
      }
      const full = entry.slice(0, -PROVIDER.length);
      const found = middlewares.filter((other) => joined(other) === full);
      follow(full, 'Middleware', TRAEFIK, MIDDLEWARES, found);
      if (found.length === 0) {
        const near = nearNames(full, middlewares.map(joined)).map((other) => `"${other}${PROVIDER}"`);
        diagnostics.push(absent(document, MIDDLEWARES, `Middleware "${full}" (NAMESPACE-NAME)`, near, 'a Middleware'));
      }
    }
  }
  const uplinks = byKind.get(`${HUB}/Uplink`) ?? [];
  for (const full of new Set(uplinkNames)) {
    const found = uplinks.filter((other) => exposedAs(other) === full);
    follow(full, 'Uplink', HUB, UPLINKS, found);
    if (found.length === 0) {
      const near = nearNames(full, uplinks.map(exposedAs)).map((other) => `"${other}"`);
      diagnostics.push(absent(document, UPLINKS, `Uplink "${full}"`, near, 'an Uplink'));
    }
  }
  return { references, diagnostics };
}

function joined({ ref }: ManifestDocument): string {
  return `${ref.namespace}-${ref.name}`;
}

function exposedAs(uplink: ManifestDocument): string {
  return text(fields(uplink.value, 'spec')['exposeName']) ?? joined(uplink);
}

function absent(
  document: ManifestDocument,
  path: FieldPath,
  what: string,
  near: readonly string[],
  one: string,
): Diagnostic {
  const hint = near.length > 0 ? `Did you mean ${near.join(' or ')}?` : `Define ${one}, or correct the name.`;
  return report(document, 'reference-missing', path, `${what} does not exist in the files`, { hint });
}
