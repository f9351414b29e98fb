import { fields, items, text } from '../field.ts';
import type { FieldPath } from '../field-path.ts';
import { CORE, TRAEFIK } from '../kinds.ts';
import type { ManifestDocument } from '../types.ts';
import { SECRET_HINT, SERVICE_HINT, TLS_HINT } from './hints.ts';
import type { Wanted } from './wanted.ts';

/** References of Traefik's kinds: to services, middlewares, transports and Secrets. */
export function traefikWanted(document: ManifestDocument): Wanted[] {
  const spec = fields(document.value, 'spec');
  switch (document.sort) {
    case `${TRAEFIK}/IngressRoute`:
      return [
        ...items(spec['routes']).flatMap((route, at) => {
          const base = ['spec', 'routes', at] as const;
          const { services: to, middlewares } = fields(route);
          return [
            ...services(document, [...base, 'services'], to),
            ...middlewareList(document, [...base, 'middlewares'], middlewares),
          ];
        }),
        ...items(spec['parentRefs']).flatMap((entry, at) =>
          pointed(document, ['spec', 'parentRefs', at], fields(entry), PARENT),
        ),
        ...named(document, ['spec', 'tls', 'secretName'], fields(spec, 'tls')['secretName'], SECRET_FOR_TLS),
      ];
    case `${TRAEFIK}/Middleware`:
      return [
        // Of these Traefik takes any namespace.
        ...middlewareList(document, ['spec', 'chain', 'middlewares'], fields(spec, 'chain')['middlewares']).map(
          (wanted) => ({ ...wanted, crossNamespace: false }),
        ),
        ...(Object.hasOwn(spec, 'errors')
          ? service(document, ['spec', 'errors', 'service'], fields(spec, 'errors')['service'])
          : []),
        ...(['basicAuth', 'digestAuth'] as const).flatMap((type) =>
          named(document, ['spec', type, 'secret'], fields(spec, type)['secret'], SECRET),
        ),
        ...(['caSecret', 'certSecret'] as const).flatMap((field) =>
          named(document, ['spec', 'forwardAuth', 'tls', field], fields(spec, 'forwardAuth', 'tls')[field], SECRET),
        ),
      ];
    case `${TRAEFIK}/TraefikService`:
      return [
        ...services(document, ['spec', 'weighted', 'services'], fields(spec, 'weighted')['services']),
        ...(Object.hasOwn(spec, 'mirroring') ? service(document, ['spec', 'mirroring'], spec['mirroring']) : []),
        ...services(document, ['spec', 'mirroring', 'mirrors'], fields(spec, 'mirroring')['mirrors']),
        ...(['service', 'fallback'] as const).flatMap((field) =>
          service(document, ['spec', 'failover', field], fields(spec, 'failover')[field]),
        ),
      ];
    case `${TRAEFIK}/ServersTransport`:
      return (['rootCAsSecrets', 'certificatesSecrets'] as const).flatMap((field) =>
        items(spec[field]).flatMap((name, at) => named(document, ['spec', field, at], name, SECRET)),
      );
    default:
      return [];
  }
}

type Target = Pick<Wanted, 'group' | 'kind' | 'severity' | 'hint'>;

const SECRET: Target = { group: CORE, kind: 'Secret', severity: 'warning', hint: SECRET_HINT };
const SECRET_FOR_TLS: Target = { group: CORE, kind: 'Secret', severity: 'info', hint: TLS_HINT };
const MIDDLEWARE: Target = { group: TRAEFIK, kind: 'Middleware', severity: 'error' };
const PARENT: Target = { group: TRAEFIK, kind: 'IngressRoute', severity: 'error' };
const TRANSPORT: Target = { group: TRAEFIK, kind: 'ServersTransport', severity: 'error' };

function services(document: ManifestDocument, path: FieldPath, list: unknown): Wanted[] {
  return items(list).flatMap((entry, at) => service(document, [...path, at], entry));
}

function service(document: ManifestDocument, path: FieldPath, entry: unknown): Wanted[] {
  const from = fields(entry);
  const kind = text(from['kind']) || 'Service';
  const target: Target =
    kind === 'Service'
      ? { group: CORE, kind, severity: 'warning', hint: SERVICE_HINT }
      : { group: TRAEFIK, kind, severity: 'error' };
  const transport = text(from['serversTransport']);
  return [
    ...pointed(document, path, from, target),
    ...(transport === undefined || transport.includes('@')
      ? []
      : named(document, [...path, 'serversTransport'], transport, TRANSPORT)),
    ...middlewareList(document, [...path, 'middlewares'], from['middlewares']),
  ];
}

function middlewareList(document: ManifestDocument, path: FieldPath, list: unknown): Wanted[] {
  return items(list).flatMap((entry, at) => pointed(document, [...path, at], fields(entry), MIDDLEWARE));
}

/** `{ name, namespace }`. */
function pointed(
  document: ManifestDocument,
  path: FieldPath,
  reference: Readonly<Record<string, unknown>>,
  target: Target,
): Wanted[] {
  const name = text(reference['name']);
  // `NAME@PROVIDER` names something of another provider; the compiler says what becomes of it.
  if (name === undefined || name === '' || name.includes('@')) return [];
  const namespace = text(reference['namespace']) || document.ref.namespace;
  const crossNamespace = namespace !== document.ref.namespace;
  return [{ ...target, path: [...path, 'name'], namespace, name, crossNamespace }];
}

/** A name alone, of the same namespace. */
function named(document: ManifestDocument, path: FieldPath, name: unknown, target: Target): Wanted[] {
  if (typeof name !== 'string' || name === '') return [];
  return [{ ...target, path, namespace: document.ref.namespace, name }];
}
