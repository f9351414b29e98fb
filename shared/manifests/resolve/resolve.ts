import { fields, text } from '../field.ts';
import type { FieldPath } from '../field-path.ts';
import { HUB } from '../kinds.ts';
import { nearNames } from '../near-names.ts';
import { placeIn, report } from '../report.ts';
import { TRAEFIK_DEFAULTS, type TraefikOptions } from '../traefik-options.ts';
import type { Diagnostic, ManifestDocument, ObjectId } from '../types.ts';
import { cycles } from './cycles.ts';
import { badBundles, resolveGrant, type Grant } from './grant.ts';
import { isGranted } from './reference-grant.ts';
import { joinedReferences } from './joined-names.ts';
import { wantedBy, type Wanted } from './wanted.ts';

export interface Reference {
  readonly from: ManifestDocument;
  readonly path: FieldPath;
  readonly to: ObjectId;
  readonly wanted: Pick<Wanted, 'group' | 'kind' | 'namespace' | 'name'>;
  /** Absent when it is not among the files. */
  readonly target?: ManifestDocument | undefined;
}

/** Documents with every reference followed. */
export interface Resolution {
  /** In the order of the files; of several with the same identity the first. */
  readonly documents: readonly ManifestDocument[];
  readonly byId: ReadonlyMap<ObjectId, ManifestDocument>;
  /** By `GROUP/KIND`. */
  readonly byKind: ReadonlyMap<string, readonly ManifestDocument[]>;
  /** By `GROUP/KIND/NAMESPACE`. */
  readonly byPlace: ReadonlyMap<string, readonly ManifestDocument[]>;
  readonly references: readonly Reference[];
  readonly referencesOf: ReadonlyMap<ManifestDocument, readonly Reference[]>;
  /** The APIs that list an APIVersion among their versions. */
  readonly parentsOfVersion: ReadonlyMap<ManifestDocument, readonly ManifestDocument[]>;
  /** The APIAuth in force, by namespace. */
  readonly auths: ReadonlyMap<string, ManifestDocument>;
  /** What each ManagedSubscription gives to whom; names, selectors and bundles resolved. */
  readonly grants: ReadonlyMap<ManifestDocument, Grant>;
  /** By which some references are refused. */
  readonly traefik: TraefikOptions;
  readonly diagnostics: readonly Diagnostic[];
}

export function resolve(all: readonly ManifestDocument[], traefik: TraefikOptions = TRAEFIK_DEFAULTS): Resolution {
  const diagnostics: Diagnostic[] = [];
  const byId = new Map<ObjectId, ManifestDocument>();
  const byKind = new Map<string, ManifestDocument[]>();
  const byPlace = new Map<string, ManifestDocument[]>();
  const documents: ManifestDocument[] = [];
  for (const document of all) {
    // Without a name nothing can refer to it; the schema says so.
    if (document.ref.name === '') continue;
    const first = byId.get(document.id);
    if (first !== undefined) {
      const at = placeIn(first, first.locate(['metadata', 'name']));
      const message = `${document.ref.kind} "${document.ref.name}" is defined twice${document.ref.namespace === '' ? '' : ` in namespace "${document.ref.namespace}"`}: also in ${at.file}:${at.line}`;
      diagnostics.push(
        report(document, 'duplicate-object', ['metadata', 'name'], message, {
          hint:
            first.rendered === undefined || document.rendered === undefined
              ? 'Remove one, or give it another name.'
              : 'Name the overlay or chart that is meant in `manifests:` of adit.yaml.',
        }),
      );
      continue;
    }
    byId.set(document.id, document);
    documents.push(document);
    append(byKind, document.sort, document);
    append(byPlace, document.place, document);
  }

  const references: Reference[] = [];
  const referencesOf = new Map<ManifestDocument, readonly Reference[]>();
  const names: Names = (group, kind, namespace) =>
    (byPlace.get(`${group}/${kind}/${namespace}`) ?? []).map(({ ref }) => ref.name);
  for (const document of documents) {
    const plain = plainReferences(document, byId);
    for (const { wanted, target } of plain) {
      if (wanted.crossNamespace === true && !traefik.allowCrossNamespace) {
        const message = `${wanted.kind} "${wanted.namespace}/${wanted.name}" is in another namespace, which Traefik refuses unless told otherwise`;
        const hint = `Define it in namespace "${document.ref.namespace}", or, if your Traefik allows it, set traefik.allowCrossNamespace in adit.yaml.`;
        diagnostics.push(report(document, 'reference-cross-namespace', wanted.path, message, { hint }));
      }
      if (target === undefined) diagnostics.push(missing(document, wanted, names));
      else if (wanted.needsGrant === true && !isGranted(document, wanted, byPlace)) {
        const message = `${wanted.kind} "${wanted.namespace}/${wanted.name}" is in another namespace, and no ReferenceGrant there lets ${document.ref.kind} objects of "${document.ref.namespace}" refer to it`;
        diagnostics.push(
          report(document, 'reference-cross-namespace', wanted.path, message, {
            hint: `Define a ReferenceGrant in namespace "${wanted.namespace}".`,
          }),
        );
      }
    }
    const joined = joinedReferences(document, byKind);
    for (const diagnostic of joined.diagnostics) diagnostics.push(diagnostic);
    const all = joined.references.length === 0 ? plain : [...plain, ...joined.references];
    if (all.length > 0) referencesOf.set(document, all);
    for (const reference of all) references.push(reference);
  }

  diagnostics.push(...cycles(documents, referencesOf));

  const parentsOfVersion = new Map<ManifestDocument, ManifestDocument[]>();
  for (const api of byKind.get(`${HUB}/API`) ?? []) {
    for (const version of new Set((referencesOf.get(api) ?? []).map(({ target }) => target)))
      if (version?.sort === `${HUB}/APIVersion`) append(parentsOfVersion, version, api);
  }

  const auths = defaultAuths(byKind.get(`${HUB}/APIAuth`) ?? [], diagnostics);
  diagnostics.push(...badBundles(byKind.get(`${HUB}/APIBundle`) ?? []));
  const grants = new Map<ManifestDocument, Grant>();
  for (const subscription of byKind.get(`${HUB}/ManagedSubscription`) ?? []) {
    const grant = resolveGrant(subscription, byId, byPlace);
    grants.set(subscription, grant);
    diagnostics.push(...grant.diagnostics);
  }
  return {
    documents,
    byId,
    byKind,
    byPlace,
    references,
    referencesOf,
    parentsOfVersion,
    auths,
    grants,
    traefik,
    diagnostics,
  };
}

interface PlainReference extends Reference {
  readonly wanted: Wanted;
}

const known = new WeakMap<ManifestDocument, readonly PlainReference[]>();

/** References by name; the same ones as before where they lead to the same objects as before. */
function plainReferences(
  document: ManifestDocument,
  byId: ReadonlyMap<ObjectId, ManifestDocument>,
): readonly PlainReference[] {
  const before = known.get(document);
  if (before !== undefined && before.every(({ to, target }) => byId.get(to) === target)) return before;
  const references = wantedBy(document).map((wanted): PlainReference => {
    const to = `${wanted.group}/${wanted.kind}/${wanted.namespace}/${wanted.name}`;
    return { from: document, path: wanted.path, to, wanted, target: byId.get(to) };
  });
  known.set(document, references);
  return references;
}

function append<K, V>(lists: Map<K, V[]>, key: K, value: V): void {
  const list = lists.get(key);
  if (list === undefined) lists.set(key, [value]);
  else list.push(value);
}

type Names = (group: string, kind: string, namespace: string) => readonly string[];

function missing(document: ManifestDocument, wanted: Wanted, names: Names): Diagnostic {
  const near = nearNames(wanted.name, names(wanted.group, wanted.kind, wanted.namespace));
  const message = `${wanted.kind} "${wanted.name}" does not exist in ${wanted.namespace === '' ? 'the files' : `namespace "${wanted.namespace}" of the files`}`;
  const fallback = wanted.hint ?? `Correct the name, or define the ${wanted.kind}.`;
  const hint = near.length > 0 ? `Did you mean ${near.map((name) => `"${name}"`).join(' or ')}?` : fallback;
  return report(document, 'reference-missing', wanted.path, message, { severity: wanted.severity, hint });
}

function defaultAuths(auths: readonly ManifestDocument[], diagnostics: Diagnostic[]): Map<string, ManifestDocument> {
  const chosen = new Map<string, ManifestDocument>();
  for (const auth of auths) {
    if (fields(auth.value, 'spec')['isDefault'] !== true) continue;
    const { namespace, name } = auth.ref;
    const first = chosen.get(namespace);
    if (first === undefined) {
      chosen.set(namespace, auth);
      continue;
    }
    const message = `APIAuth "${name}" is a second default for namespace "${namespace}": "${first.ref.name}" in ${first.file} is one already`;
    diagnostics.push(
      report(auth, 'default-auth-conflict', ['spec', 'isDefault'], message, {
        hint: 'Leave isDefault: true on one of them.',
      }),
    );
  }
  return chosen;
}

export function titleOf(document: ManifestDocument): string {
  return text(fields(document.value, 'spec')['title']) ?? document.ref.name;
}
