import type { BackendConfig } from '../../gateway/config.ts';
import type { UpstreamScheme } from '../../gateway/service.ts';
import type { FieldPath } from '../field-path.ts';
import { TRAEFIK } from '../kinds.ts';
import type { ManifestDocument } from '../types.ts';
import { say, type Scope } from './scope.ts';
import { serviceAnnotations, type ServiceOptions } from './service-annotations.ts';
import { addService, traefikName } from './service-names.ts';
import { servicePort } from './service-port.ts';
import { stickyConfig } from './service-sticky.ts';
import { serversTransport } from './service-transport.ts';

/** A Service as a route names it. */
export interface ServiceTarget {
  readonly namespace: string;
  readonly name: string;
  /** Number or name of the port. */
  readonly port: string | number | undefined;
  readonly weight: number;
  readonly scheme?: string | undefined;
  readonly passHostHeader?: boolean | undefined;
  /** Field of the port, and of what holds it. */
  readonly path: FieldPath;
}

const PLAIN: ServiceOptions = { passHostHeader: true, nativeLb: false };
const PROVIDERS: Readonly<Record<string, string>> = {
  Ingress: 'kubernetes',
  HTTPRoute: 'kubernetesgateway',
  GRPCRoute: 'kubernetesgateway',
};

/**
 * Registers the Service's port as a service, as routes name it that say little of their own; an Ingress has its options on
 * the Service. Undefined, with a diagnostic, where Traefik would drop the route.
 */
export function backend(scope: Scope, route: ManifestDocument, target: ServiceTarget): BackendConfig | undefined {
  const { namespace, name, port, path, weight } = target;
  const service = scope.resolution.byId.get(`/Service/${namespace}/${name}`);
  const options = route.ref.kind === 'Ingress' ? serviceAnnotations(scope, service) : PLAIN;
  if (options === undefined) return undefined;
  const found = servicePort(scope, route, { namespace, name, port, nativeLb: options.nativeLb, path });
  if (found === undefined) return undefined;
  const written = target.scheme ?? options.scheme;
  const transport = options.transport === undefined ? undefined : namedTransport(scope, options.transport);
  if (options.transport !== undefined && transport === undefined) {
    const message = `there is no ServersTransport "${options.transport}": Traefik does not serve the path`;
    say(scope, route, 'route-invalid', path, message, { hint: 'Write it as NAMESPACE-NAME@kubernetescrd.' });
    return undefined;
  }
  const made = `${traefikName(namespace, name, port ?? '')}@${PROVIDERS[route.ref.kind] ?? 'kubernetescrd'}`;
  const key = addService(scope, {
    kind: 'load-balancer',
    name: made,
    upstream: found.upstream,
    scheme: schemeOf(written, found.scheme),
    passHostHeader: target.passHostHeader ?? options.passHostHeader,
    strategy: 'wrr',
    sticky: stickyConfig(options.sticky, made),
    transport,
  });
  return { service: key, weight };
}

/** By Traefik's name of it: `NAMESPACE-NAME@kubernetescrd`. */
function namedTransport(scope: Scope, written: string): string | undefined {
  const [name, provider] = written.split('@');
  if (provider !== 'kubernetescrd') return undefined;
  const document = scope.resolution.byKind
    .get(`${TRAEFIK}/ServersTransport`)
    ?.find(({ ref }) => traefikName(ref.namespace, ref.name) === name);
  return document === undefined ? undefined : serversTransport(scope, document.ref.namespace, document.ref.name);
}

function schemeOf(written: string | undefined, otherwise: UpstreamScheme): UpstreamScheme {
  return written === 'http' || written === 'https' || written === 'h2c' ? written : otherwise;
}
