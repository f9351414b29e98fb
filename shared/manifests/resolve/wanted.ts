import { fields, items, text, textMap } from '../field.ts';
import type { FieldPath } from '../field-path.ts';
import {
  API_ANNOTATION,
  API_VERSION_ANNOTATION,
  CORE,
  groupKind,
  HUB,
  INGRESS_ANNOTATIONS,
  NETWORKING,
  TRAEFIK,
} from '../kinds.ts';
import type { ManifestDocument, Severity } from '../types.ts';

/** A reference by name, as written in a document; `hub-kinds` facts 1.2: none but Traefik's carries a namespace. */
export interface Wanted {
  readonly path: FieldPath;
  readonly group: string;
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
  /** How bad it is when the object is not among the files. */
  readonly severity: Severity;
  readonly hint?: string;
  /** Refused by Traefik as it is configured by default. */
  readonly crossNamespace?: boolean;
}

const SERVICE_HINT = 'Define the Service, or give its address under `upstreams:` in adit.yaml.';
const SECRET_HINT = 'Define the Secret; without it, calls with this credential are refused.';

const cache = new WeakMap<ManifestDocument, readonly Wanted[]>();

/** References of a document, read once. */
export function wantedBy(document: ManifestDocument): readonly Wanted[] {
  const known = cache.get(document);
  if (known !== undefined) return known;
  const wanted = read(document);
  cache.set(document, wanted);
  return wanted;
}

function read(document: ManifestDocument): readonly Wanted[] {
  switch (groupKind(document.ref)) {
    case `${NETWORKING}/Ingress`:
      return [...annotations(document), ...ingressServices(document)];
    case `${TRAEFIK}/IngressRoute`:
      return [...annotations(document), ...routeTargets(document)];
    case `${HUB}/API`:
      return names(document, ['spec', 'versions'], 'APIVersion');
    case `${HUB}/APIBundle`:
      return names(document, ['spec', 'apis'], 'API');
    case `${HUB}/APICatalogItem`:
      return grants(document);
    case `${HUB}/ManagedSubscription`:
      return [...grants(document), ...names(document, ['spec', 'managedApplications'], 'ManagedApplication')];
    case `${HUB}/ManagedApplication`:
      return items(fields(document.value, 'spec')['apiKeys']).flatMap((key, at) =>
        secret(document, ['spec', 'apiKeys', at, 'secretName'], fields(key)['secretName']),
      );
    case `${HUB}/APIAuth`: {
      const spec = fields(document.value, 'spec');
      return [
        ...secret(document, ['spec', 'jwt', 'signingSecretName'], fields(spec, 'jwt')['signingSecretName']),
        ...secret(document, ['spec', 'ldap', 'bindPasswordSecretName'], fields(spec, 'ldap')['bindPasswordSecretName']),
      ];
    }
    default:
      return [];
  }
}

function grants(document: ManifestDocument): Wanted[] {
  const plan = text(fields(document.value, 'spec', 'apiPlan')['name']);
  return [
    ...names(document, ['spec', 'apis'], 'API'),
    ...names(document, ['spec', 'apiBundles'], 'APIBundle'),
    ...(plan === undefined ? [] : [hub(document, ['spec', 'apiPlan', 'name'], 'APIPlan', plan)]),
  ];
}

function hub(document: ManifestDocument, path: FieldPath, kind: string, name: string): Wanted {
  return { path, group: HUB, kind, namespace: document.ref.namespace, name, severity: 'error' };
}

/** A list of `{ name }`. */
function names(document: ManifestDocument, path: readonly [string, string], kind: string): Wanted[] {
  return items(fields(document.value, path[0])[path[1]]).flatMap((entry, at) => {
    const name = text(fields(entry)['name']);
    return name === undefined ? [] : [hub(document, [...path, at, 'name'], kind, name)];
  });
}

function secret(document: ManifestDocument, path: FieldPath, name: unknown): Wanted[] {
  if (typeof name !== 'string' || name === '') return [];
  return [
    {
      path,
      group: CORE,
      kind: 'Secret',
      namespace: document.ref.namespace,
      name,
      severity: 'warning',
      hint: SECRET_HINT,
    },
  ];
}

function annotations(document: ManifestDocument): Wanted[] {
  const set = textMap(fields(document.value, 'metadata')['annotations']);
  const wanted: Wanted[] = [];
  for (const [key, kind] of [
    [API_ANNOTATION, 'API'],
    [API_VERSION_ANNOTATION, 'APIVersion'],
  ] as const) {
    const name = set[key];
    if (name !== undefined) wanted.push(hub(document, ['metadata', 'annotations', key], kind, name));
  }
  return wanted;
}

function ingressServices(document: ManifestDocument): Wanted[] {
  const { namespace } = document.ref;
  const wanted: Wanted[] = [];
  const add = (backend: unknown, path: FieldPath): void => {
    const name = text(fields(backend, 'service')['name']);
    if (name === undefined) return;
    wanted.push({
      path: [...path, 'service', 'name'],
      group: CORE,
      kind: 'Service',
      namespace,
      name,
      severity: 'warning',
      hint: SERVICE_HINT,
    });
  };
  const spec = fields(document.value, 'spec');
  add(spec['defaultBackend'], ['spec', 'defaultBackend']);
  for (const [rule, { http }] of items(spec['rules']).map(fieldsOf).entries()) {
    for (const [at, path] of items(fields(http)['paths']).entries()) {
      add(fields(path)['backend'], ['spec', 'rules', rule, 'http', 'paths', at, 'backend']);
    }
  }
  return wanted;
}

function routeTargets(document: ManifestDocument): Wanted[] {
  const wanted: Wanted[] = [];
  for (const [route, { services, middlewares }] of items(fields(document.value, 'spec')['routes'])
    .map(fieldsOf)
    .entries()) {
    for (const [at, service] of items(services).map(fieldsOf).entries()) {
      const kind = text(service['kind']) || 'Service';
      const target =
        kind === 'Service'
          ? { group: CORE, kind, severity: 'warning' as const, hint: SERVICE_HINT }
          : { group: TRAEFIK, kind, severity: 'error' as const };
      wanted.push(...traefik(document, ['spec', 'routes', route, 'services', at], service, target));
    }
    for (const [at, middleware] of items(middlewares).map(fieldsOf).entries()) {
      wanted.push(
        ...traefik(document, ['spec', 'routes', route, 'middlewares', at], middleware, {
          group: TRAEFIK,
          kind: 'Middleware',
          severity: 'error',
        }),
      );
    }
  }
  return wanted;
}

function traefik(
  document: ManifestDocument,
  path: FieldPath,
  reference: Readonly<Record<string, unknown>>,
  target: Pick<Wanted, 'group' | 'kind' | 'severity' | 'hint'>,
): Wanted[] {
  const name = text(reference['name']);
  // `NAME@PROVIDER` names something of another provider; the compiler says what becomes of it.
  if (name === undefined || name === '' || name.includes('@')) return [];
  const namespace = text(reference['namespace']) || document.ref.namespace;
  const crossNamespace = namespace !== document.ref.namespace;
  return [{ ...target, path: [...path, 'name'], namespace, name, crossNamespace }];
}

function fieldsOf(value: unknown): Readonly<Record<string, unknown>> {
  return fields(value);
}

/** Names in an Ingress' list of middlewares, `NAMESPACE-NAME@kubernetescrd` each. */
export function ingressMiddlewares(document: ManifestDocument): string[] {
  const list = textMap(fields(document.value, 'metadata')['annotations'])[`${INGRESS_ANNOTATIONS}router.middlewares`];
  return (list ?? '').split(',').map((name) => name.trim()).filter((name) => name !== ''); // prettier-ignore
}
