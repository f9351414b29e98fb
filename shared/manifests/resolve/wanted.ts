import { fields, items, text, textMap } from '../field.ts';
import type { FieldPath } from '../field-path.ts';
import {
  ADIT,
  API_ANNOTATION,
  API_PORTAL_ANNOTATION,
  API_VERSION_ANNOTATION,
  CORE,
  GATEWAY,
  HUB,
  INGRESS_ANNOTATIONS,
  NETWORKING,
  POLICY_ANNOTATION,
  TRAEFIK,
} from '../kinds.ts';
import type { ManifestDocument, Severity } from '../types.ts';
import { SECRET_HINT, SERVICE_HINT, TLS_HINT } from './hints.ts';
import { gatewayWanted } from './wanted-by-gateway.ts';
import { traefikWanted } from './wanted-by-traefik.ts';

/** A reference by name, as written in a document; `hub-kinds` facts 1.2: none of the hub's carries a namespace. */
export interface Wanted {
  readonly path: FieldPath;
  readonly group: string;
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
  /** How bad it is when the object is not among the files. */
  readonly severity: Severity;
  readonly hint?: string | undefined;
  /** Refused by Traefik unless its option `allowCrossNamespace` is on. */
  readonly crossNamespace?: boolean;
  /** Refused unless a ReferenceGrant of the other namespace allows it. */
  readonly needsGrant?: boolean;
}

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
  const spec = fields(document.value, 'spec');
  const sort = document.sort;
  switch (sort) {
    case `${NETWORKING}/Ingress`:
      return [...annotations(document), ...ingressServices(document)];
    case `${TRAEFIK}/IngressRoute`:
      return [...annotations(document), ...traefikWanted(document)];
    case `${GATEWAY}/HTTPRoute`:
    case `${GATEWAY}/GRPCRoute`:
      return [...annotations(document), ...gatewayWanted(document)];
    case `${GATEWAY}/Gateway`:
      return gatewayWanted(document);
    case 'discovery.k8s.io/EndpointSlice': {
      const name = textMap(fields(document.value, 'metadata')['labels'])[SERVICE_NAME];
      const path = ['metadata', 'labels', SERVICE_NAME];
      const { namespace } = document.ref;
      return name === undefined
        ? []
        : [{ path, group: CORE, kind: 'Service', namespace, name, severity: 'info', hint: SERVICE_HINT }];
    }
    case `${HUB}/API`:
      return names(document, ['spec', 'versions'], 'APIVersion');
    case `${HUB}/APIBundle`:
    case `${HUB}/APIRateLimit`:
      return names(document, ['spec', 'apis'], 'API');
    case `${HUB}/APICatalogItem`:
      return grants(document);
    case `${HUB}/ManagedSubscription`:
      return [...grants(document), ...names(document, ['spec', 'managedApplications'], 'ManagedApplication')];
    case `${HUB}/ManagedApplication`:
      return items(spec['apiKeys']).flatMap((key, at) =>
        secret(document, ['spec', 'apiKeys', at, 'secretName'], fields(key)['secretName']),
      );
    case `${HUB}/APIAuth`:
      return secretsAt(document, [
        ['jwt', 'signingSecretName'],
        ['ldap', 'bindPasswordSecretName'],
      ]);
    case `${HUB}/APIPortal`: {
      const name = text(fields(spec, 'auth')['name']);
      return name === undefined ? [] : [hub(document, ['spec', 'auth', 'name'], 'APIPortalAuth', name)];
    }
    case `${HUB}/APIPortalAuth`:
      return secretsAt(document, [
        ['oidc', 'secretName'],
        ['ldap', 'bindPasswordSecretName'],
      ]);
    case `${HUB}/ContentItem`: {
      const { kind, name } = fields(spec, 'parentRef');
      return typeof kind === 'string' && typeof name === 'string'
        ? [hub(document, ['spec', 'parentRef', 'name'], kind, name)]
        : [];
    }
    case `${HUB}/AIService`:
      return secretsAt(
        document,
        Object.keys(spec).flatMap((provider) =>
          ['token', 'apiKey', 'apiKeySecret'].map((field) => [provider, field, 'secretName']),
        ),
      );
    case `${HUB}/AccessControlPolicy`:
      return ['oidc', 'oidcGoogle'].flatMap((method) => {
        const { name, namespace } = fields(spec, method, 'secret');
        const found = secret(document, ['spec', method, 'secret', 'name'], name);
        // A policy has no namespace of its own: without one in the reference nothing can be said.
        return typeof namespace === 'string' ? found.map((wanted) => ({ ...wanted, namespace })) : [];
      });
    case `${ADIT}/Preview`:
      return previewed(document);
    default:
      return sort.startsWith(`${TRAEFIK}/`) ? traefikWanted(document) : [];
  }
}

const SERVICE_NAME = 'kubernetes.io/service-name';

function previewed(document: ManifestDocument): Wanted[] {
  const groups: Readonly<Record<string, string>> = { Ingress: NETWORKING, IngressRoute: TRAEFIK, HTTPRoute: GATEWAY };
  const { namespace } = document.ref;
  const routes = items(fields(document.value, 'spec')['routes']).flatMap((route, at): Wanted[] => {
    const { kind, name } = fields(route);
    const group = typeof kind === 'string' ? groups[kind] : undefined;
    if (group === undefined || typeof kind !== 'string' || typeof name !== 'string') return [];
    return [{ path: ['spec', 'routes', at, 'name'], group, kind, namespace, name, severity: 'error' }];
  });
  return [
    ...routes,
    ...names(document, ['spec', 'apis'], 'API'),
    ...secretsAt(document, [
      ['access', 'basicAuth', 'secretName'],
      ['access', 'token', 'secretName'],
    ]),
  ];
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

/** Names of Secrets at paths below `spec`. */
function secretsAt(document: ManifestDocument, paths: readonly (readonly string[])[]): Wanted[] {
  return paths.flatMap((path) => {
    const holder = fields(document.value, 'spec', ...path.slice(0, -1));
    return secret(document, ['spec', ...path], holder[path.at(-1) ?? '']);
  });
}

function secret(document: ManifestDocument, path: FieldPath, name: unknown): Wanted[] {
  if (typeof name !== 'string' || name === '') return [];
  const { namespace } = document.ref;
  return [{ path, group: CORE, kind: 'Secret', namespace, name, severity: 'warning', hint: SECRET_HINT }];
}

function annotations(document: ManifestDocument): Wanted[] {
  const set = textMap(fields(document.value, 'metadata')['annotations']);
  const wanted: Wanted[] = [];
  const at = (key: string): FieldPath => ['metadata', 'annotations', key];
  for (const [key, kind] of [
    [API_ANNOTATION, 'API'],
    [API_VERSION_ANNOTATION, 'APIVersion'],
  ] as const) {
    const name = set[key];
    if (name !== undefined) wanted.push(hub(document, at(key), kind, name));
  }
  const policy = set[POLICY_ANNOTATION];
  if (policy !== undefined)
    wanted.push({ ...hub(document, at(POLICY_ANNOTATION), 'AccessControlPolicy', policy), namespace: '' });
  const portal = set[API_PORTAL_ANNOTATION];
  if (portal !== undefined) {
    // The one reference of the hub that carries a namespace: NAME@NAMESPACE.
    const [name = '', namespace = document.ref.namespace] = portal.split('@', 2);
    wanted.push({ ...hub(document, at(API_PORTAL_ANNOTATION), 'APIPortal', name), namespace });
  }
  return wanted;
}

function ingressServices(document: ManifestDocument): Wanted[] {
  const { namespace } = document.ref;
  const wanted: Wanted[] = [];
  const add = (backend: unknown, path: FieldPath): void => {
    const name = text(fields(backend, 'service')['name']);
    // The portal answers for itself; its Service is the gateway's own.
    if (name === undefined || (name === 'apiportal' && hasPortal)) return;
    const at = [...path, 'service', 'name'];
    wanted.push({ path: at, group: CORE, kind: 'Service', namespace, name, severity: 'warning', hint: SERVICE_HINT });
  };
  const spec = fields(document.value, 'spec');
  const hasPortal = API_PORTAL_ANNOTATION in textMap(fields(document.value, 'metadata')['annotations']);
  add(spec['defaultBackend'], ['spec', 'defaultBackend']);
  for (const [rule, entry] of items(spec['rules']).entries()) {
    for (const [at, path] of items(fields(entry, 'http')['paths']).entries()) {
      add(fields(path)['backend'], ['spec', 'rules', rule, 'http', 'paths', at, 'backend']);
    }
  }
  for (const [at, entry] of items(spec['tls']).entries()) {
    const name = text(fields(entry)['secretName']);
    if (name === undefined || name === '') continue;
    const path = ['spec', 'tls', at, 'secretName'];
    wanted.push({ path, group: CORE, kind: 'Secret', namespace, name, severity: 'info', hint: TLS_HINT });
  }
  return wanted;
}

/** Names in an Ingress' list of middlewares, `NAMESPACE-NAME@kubernetescrd` each. */
export function ingressMiddlewares(document: ManifestDocument): string[] {
  return listed(document, `${INGRESS_ANNOTATIONS}router.middlewares`);
}

/** The entries of an annotation that is a list. */
export function listed(document: ManifestDocument, key: string): string[] {
  const list = text(fields(document.value, 'metadata', 'annotations')[key]);
  if (list === undefined) return [];
  return list.split(',').map((name) => name.trim()).filter((name) => name !== ''); // prettier-ignore
}
