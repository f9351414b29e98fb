import type { BackendConfig } from '../../gateway/service.ts';
import { fields, integer, items, text } from '../field.ts';
import type { FieldPath } from '../field-path.ts';
import { CORE, TRAEFIK } from '../kinds.ts';
import { isGranted } from '../resolve/reference-grant.ts';
import type { ManifestDocument } from '../types.ts';
import { backend } from './backend.ts';
import { say, type Scope } from './scope.ts';
import { serviceReference } from './service-reference.ts';

/** What Traefik sends an HTTPRoute's requests to by the port's `appProtocol`; a GRPCRoute knows only some. */
const SCHEMES: Readonly<Record<string, 'http' | 'https' | 'h2c'>> = {
  http: 'http', https: 'https', 'kubernetes.io/h2c': 'h2c', 'kubernetes.io/ws': 'http', 'kubernetes.io/wss': 'https',
}; // prettier-ignore

/**
 * A backend of a Gateway API route. One that cannot be reached keeps its share, and the gateway answers for it; that is
 * said where the references do not say it already. Undefined: Traefik does not serve the rule at all.
 */
export function gatewayBackend(
  scope: Scope,
  document: ManifestDocument,
  entry: unknown,
  path: FieldPath,
): BackendConfig | undefined {
  const reference = fields(entry);
  const weight = integer(reference['weight']) ?? 1;
  const name = text(reference['name']) ?? '';
  const kind = text(reference['kind']) || 'Service';
  const group = text(reference['group']) || CORE;
  const namespace = text(reference['namespace']) || document.ref.namespace;
  const unserved = refusedBackend(document, `${namespace}/${name}`, weight);
  const refuse = (why: string, at: FieldPath): BackendConfig => {
    say(scope, document, 'route-invalid', at, `${why}: requests for this backend are answered with an error`, {
      severity: 'warning',
    });
    return unserved;
  };
  if (
    namespace !== document.ref.namespace &&
    !isGranted(document, { group, kind, namespace, name }, scope.resolution.byPlace)
  )
    return refuse(`no ReferenceGrant of namespace "${namespace}" allows it`, [...path, 'namespace']);
  if (group === TRAEFIK && kind === 'TraefikService' && document.ref.kind === 'HTTPRoute') {
    const service = serviceReference(scope, document, { kind, name, namespace }, path);
    // Traefik names it whether it is there or not, and then cannot make the route.
    return service === undefined ? undefined : { service, weight };
  }
  if (group !== CORE || kind !== 'Service')
    return refuse(`Traefik knows no backend of kind ${group}/${kind}`, [...path, 'kind']);
  const port = integer(reference['port']);
  if (port === undefined) return refuse('no port is given', path);
  const scheme = portScheme(scope, document, { namespace, name, port });
  if (typeof scheme !== 'string') return refuse(scheme.problem, [...path, 'port']);
  const target = { namespace, name, port, weight, scheme, passHostHeader: true, path: [...path, 'port'] };
  const made = backend(scope, document, target);
  // Traefik makes a service of what has no servers, which then has none to choose.
  if (made === undefined && scope.upstreams.get(`${namespace}/${name}:${port}`)?.servers?.length === 0)
    return { ...unserved, status: 503, grpcStatus: undefined };
  if (made === undefined) return unserved;
  // The workspace may say where a Service runs that is not among the files.
  return scope.resolution.byId.has(`${CORE}/Service/${namespace}/${name}`) ? made : { ...made, unknownStatus: 500 };
}

/** What Traefik answers for a backend, or for filters, that it cannot make anything of. */
export function refusedBackend(document: ManifestDocument, service: string, weight: number): BackendConfig {
  if (document.ref.kind !== 'GRPCRoute') return { service, weight, status: 500 };
  return { service, weight, status: 200, grpcStatus: { code: 14, message: 'Service Unavailable' } };
}

function portScheme(
  scope: Scope,
  document: ManifestDocument,
  { namespace, name, port }: { readonly namespace: string; readonly name: string; readonly port: number },
): 'http' | 'https' | 'h2c' | { readonly problem: string } {
  const grpc = document.ref.kind === 'GRPCRoute';
  const service = scope.resolution.byId.get(`${CORE}/Service/${namespace}/${name}`);
  const spec = fields(service?.value, 'spec');
  if (spec['type'] === 'ExternalName')
    return { problem: `Service "${name}" is an ExternalName, which routes cannot use` };
  const found = items(spec['ports']).map((one) => fields(one)).find((one) => one['port'] === port); // prettier-ignore
  if (service !== undefined && found === undefined) return { problem: `Service "${name}" has no port ${port}` };
  if ((found?.['protocol'] ?? 'TCP') !== 'TCP') return { problem: `port ${port} of Service "${name}" is not TCP` };
  const application = text(found?.['appProtocol'])?.toLowerCase();
  if (application === undefined)
    return grpc ? 'h2c' : port === 443 || text(found?.['name'])?.startsWith('https') === true ? 'https' : 'http';
  const scheme = Object.hasOwn(SCHEMES, application) ? SCHEMES[application] : undefined;
  if (scheme === undefined || (grpc && application !== 'https' && application !== 'kubernetes.io/h2c'))
    return { problem: `the appProtocol "${application}" of Service "${name}" is none that Traefik knows here` };
  return scheme;
}
