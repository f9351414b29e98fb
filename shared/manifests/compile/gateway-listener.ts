import { fields, isFields, items, text, type Fields } from '../field.ts';
import type { FieldPath } from '../field-path.ts';
import { CORE, GATEWAY } from '../kinds.ts';
import { readSelector, selects } from '../resolve/selector.ts';
import type { ManifestDocument } from '../types.ts';
import { notEnforced, say, type Scope } from './scope.ts';
import { isTraefikClass } from './traefik-class.ts';

/** A listener of a Gateway that routes may be attached to, as Traefik takes it. */
export interface GatewayListener {
  readonly gateway: { readonly namespace: string; readonly name: string };
  /** Undefined: of a Gateway that is not among the files, whose listeners are not known. */
  readonly name: string | undefined;
  readonly port: number | undefined;
  readonly hostname: string | undefined;
  readonly kinds: readonly string[];
  admits(namespace: string): boolean;
}

const ROUTE_KINDS = ['HTTPRoute', 'GRPCRoute'] as const;

/** The listeners of a Gateway that take HTTP; says why the others take nothing. */
export function gatewayListeners(scope: Scope, document: ManifestDocument): GatewayListener[] {
  const spec = fields(document.value, 'spec');
  const className = text(spec['gatewayClassName']) ?? '';
  if (!isTraefikClass(scope, 'GatewayClass', className)) {
    const why = `Traefik leaves Gateways of class "${className}" to others; routes of this one are not served`;
    notEnforced(scope, document, ['spec', 'gatewayClassName'], why);
    return [];
  }
  const taken = new Set<string>();
  return items(spec['listeners']).flatMap((entry, at) => {
    const path: FieldPath = ['spec', 'listeners', at];
    const listener = fields(entry);
    const made = oneListener(scope, document, listener, path);
    if (made === undefined) return [];
    const key = `${text(listener['protocol']) ?? ''}|${made.hostname ?? ''}|${made.port ?? ''}`;
    if (taken.has(key)) return refuse(scope, document, path, 'another listener has the same protocol, port and hostname');
    taken.add(key);
    const wrong = tlsProblem(listener);
    return wrong === undefined ? [made] : refuse(scope, document, [...path, 'tls'], wrong);
  }); // prettier-ignore
}

function oneListener(
  scope: Scope,
  document: ManifestDocument,
  listener: Fields,
  path: FieldPath,
): GatewayListener | undefined {
  const protocol = text(listener['protocol']) ?? '';
  if (protocol !== 'HTTP' && protocol !== 'HTTPS') {
    notEnforced(scope, document, [...path, 'protocol'], `a preview serves HTTP only, not ${protocol}`);
    return undefined;
  }
  const admits = admission(scope, document, fields(listener, 'allowedRoutes', 'namespaces'), [
    ...path,
    'allowedRoutes',
    'namespaces',
  ]);
  const kinds = allowedKinds(listener);
  if (admits === undefined) return undefined;
  if (kinds === undefined) {
    refuse(scope, document, [...path, 'allowedRoutes', 'kinds'], 'it allows a kind of routes that it cannot take');
    return undefined;
  }
  const port = listener['port'];
  return {
    gateway: document.ref,
    name: text(listener['name']) ?? '',
    port: typeof port === 'number' ? port : undefined,
    hostname: text(listener['hostname']),
    kinds,
    admits,
  };
}

/** One kind that is not supported makes Traefik refuse the listener. */
function allowedKinds(listener: Fields): readonly string[] | undefined {
  const wanted = items(fields(listener, 'allowedRoutes')['kinds']).map((entry) => fields(entry));
  if (wanted.length === 0) return ROUTE_KINDS;
  const known: readonly unknown[] = ROUTE_KINDS;
  if (wanted.some(({ group, kind }) => (group ?? GATEWAY) !== GATEWAY || !known.includes(kind))) return undefined;
  return wanted.map(({ kind }) => String(kind));
}

function admission(
  scope: Scope,
  document: ManifestDocument,
  namespaces: Fields,
  path: FieldPath,
): GatewayListener['admits'] | undefined {
  const from = text(namespaces['from']) ?? 'Same';
  if (from === 'All') return () => true;
  if (from === 'Same') return (namespace) => namespace === document.ref.namespace;
  if (from !== 'Selector') {
    refuse(scope, document, [...path, 'from'], `Traefik does not support "${from}"`);
    return undefined;
  }
  const selector = readSelector(namespaces['selector']);
  if (selector === undefined) return () => false;
  if ('problem' in selector) {
    refuse(scope, document, [...path, 'selector'], selector.problem);
    return undefined;
  }
  let said = false;
  return (namespace) => {
    const object = scope.resolution.byId.get(`${CORE}/Namespace//${namespace}`);
    const labels = { ...fields(object?.value, 'metadata', 'labels'), 'kubernetes.io/metadata.name': namespace };
    if (selects(selector.requirements, labels)) return true;
    if (object !== undefined || selector.requirements.every(({ key }) => key in labels)) return false;
    if (!said) {
      const why = `the labels of namespace "${namespace}" are not known, as it is not among the files; its routes are taken`;
      notEnforced(scope, document, [...path, 'selector'], why);
    }
    said = true;
    return true;
  };
}

/** Certificates are the edge's: only what makes Traefik refuse the listener counts. */
function tlsProblem(listener: Fields): string | undefined {
  const { tls } = listener;
  if (listener['protocol'] === 'HTTP')
    return isFields(tls) ? 'a listener of protocol HTTP must not have TLS' : undefined;
  if (!isFields(tls)) return 'a listener of protocol HTTPS needs TLS';
  if (tls['mode'] === 'Passthrough') return 'a listener of protocol HTTPS cannot pass TLS through';
  return items(tls['certificateRefs']).length === 0 ? 'a listener of protocol HTTPS needs a certificate' : undefined;
}

function refuse(scope: Scope, document: ManifestDocument, path: FieldPath, why: string): [] {
  say(scope, document, 'route-invalid', path, `Traefik refuses the listener: ${why}`, { severity: 'warning' });
  return [];
}
