import { fields, items, text } from '../field.ts';
import type { FieldPath } from '../field-path.ts';
import { HUB } from '../kinds.ts';
import { report } from '../report.ts';
import type { Diagnostic, ManifestDocument, ObjectId } from '../types.ts';
import { readSelector, selects } from './selector.ts';

/** Who may call what: a ManagedSubscription with its names, selectors and bundles resolved. */
export interface Grant {
  readonly apis: readonly Granted[];
  readonly applications: readonly Granted[];
  /** Named by `applications[].appId`, and by no ManagedApplication of the files. */
  readonly appIds: readonly string[];
  readonly plan?: ManifestDocument | undefined;
  readonly diagnostics: readonly Diagnostic[];
}

const API_SELECTOR: FieldPath = ['spec', 'apiSelector'];
const APPLICATION_SELECTOR: FieldPath = ['spec', 'managedApplicationSelector'];

export interface Granted {
  readonly document: ManifestDocument;
  /** The field that selected it. */
  readonly path: FieldPath;
}

type ById = ReadonlyMap<ObjectId, ManifestDocument>;
/** By `GROUP/KIND/NAMESPACE`. */
type ByPlace = ReadonlyMap<string, readonly ManifestDocument[]>;

export function resolveGrant(subscription: ManifestDocument, byId: ById, byPlace: ByPlace): Grant {
  const diagnostics: Diagnostic[] = [];
  const spec = fields(subscription.value, 'spec');
  const { namespace } = subscription.ref;
  const find = (kind: string, name: string): ManifestDocument | undefined =>
    byId.get(`${HUB}/${kind}/${namespace}/${name}`);

  const apis = new Map<ObjectId, Granted>();
  const add = (into: Map<ObjectId, Granted>, document: ManifestDocument | undefined, path: FieldPath): void => {
    if (document !== undefined && !into.has(document.id)) into.set(document.id, { document, path });
  };
  const named = (list: unknown, kind: string, path: FieldPath): Granted[] =>
    items(list).flatMap((entry, at) => {
      const document = find(kind, text(fields(entry)['name']) ?? '');
      return document === undefined ? [] : [{ document, path: [...path, at, 'name'] }];
    });
  const selected = (holder: ManifestDocument, field: string, kind: string): ManifestDocument[] => {
    const selector = readSelector(fields(holder.value, 'spec')[field]);
    if (selector === undefined) return [];
    if ('problem' in selector) {
      // A bundle may be used by many subscriptions: `badBundles` reports it once.
      if (holder === subscription)
        diagnostics.push(report(holder, 'selector-invalid', ['spec', field], selector.problem));
      return [];
    }
    return (byPlace.get(`${HUB}/${kind}/${namespace}`) ?? []).filter((document) =>
      selects(selector.requirements, fields(document.value, 'metadata', 'labels')),
    );
  };

  for (const { document, path } of named(spec['apis'], 'API', ['spec', 'apis'])) add(apis, document, path);
  for (const document of selected(subscription, 'apiSelector', 'API')) add(apis, document, API_SELECTOR);
  for (const { document: bundle, path } of named(spec['apiBundles'], 'APIBundle', ['spec', 'apiBundles'])) {
    for (const { document } of named(fields(bundle.value, 'spec')['apis'], 'API', [])) add(apis, document, path);
    for (const document of selected(bundle, 'apiSelector', 'API')) add(apis, document, path);
  }

  const applications = new Map<ObjectId, Granted>();
  for (const { document, path } of named(spec['managedApplications'], 'ManagedApplication', [
    'spec',
    'managedApplications',
  ])) {
    add(applications, document, path);
  }
  for (const document of selected(subscription, 'managedApplicationSelector', 'ManagedApplication')) {
    add(applications, document, APPLICATION_SELECTOR);
  }
  const appIds = addByAppId(subscription, byPlace, (document, path) => add(applications, document, path), diagnostics);

  const plan = text(fields(spec, 'apiPlan')['name']);
  return {
    apis: [...apis.values()],
    applications: [...applications.values()],
    appIds,
    plan: plan === undefined ? undefined : find('APIPlan', plan),
    diagnostics,
  };
}

/** Bundles whose selector is not one. */
export function badBundles(bundles: readonly ManifestDocument[]): Diagnostic[] {
  return bundles.flatMap((bundle) => {
    const selector = readSelector(fields(bundle.value, 'spec')['apiSelector']);
    return selector !== undefined && 'problem' in selector
      ? [report(bundle, 'selector-invalid', API_SELECTOR, selector.problem)]
      : [];
  });
}

/** The deprecated `applications[].appId`, which names applications by what they are called outside of the cluster. */
function addByAppId(
  subscription: ManifestDocument,
  byPlace: ByPlace,
  add: (document: ManifestDocument, path: FieldPath) => void,
  diagnostics: Diagnostic[],
): string[] {
  const undeclared: string[] = [];
  for (const [at, entry] of items(fields(subscription.value, 'spec')['applications']).entries()) {
    const appId = text(fields(entry)['appId']);
    const path = ['spec', 'applications', at, 'appId'];
    const document = (byPlace.get(`${HUB}/ManagedApplication/${subscription.ref.namespace}`) ?? []).find(
      (app) => fields(app.value, 'spec')['appId'] === appId,
    );
    if (appId === undefined) continue;
    if (document !== undefined) add(document, path);
    else {
      undeclared.push(appId);
      const message = `no ManagedApplication of the files has appId "${appId}": only a token or a directory can name it, an API key cannot`;
      diagnostics.push(
        report(subscription, 'not-enforced', path, message, {
          severity: 'info',
          hint: 'Declare it as a ManagedApplication.',
        }),
      );
    }
  }
  return undeclared;
}
