import type { BackendConfig } from '../../gateway/config.ts';
import type { ServiceConfig, UpstreamScheme } from '../../gateway/service.ts';
import { fields, flag, integer, items, text } from '../field.ts';
import type { FieldPath } from '../field-path.ts';
import { INGRESS_ANNOTATIONS } from '../kinds.ts';
import type { ManifestDocument } from '../types.ts';
import { say, type Scope } from './scope.ts';

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

/** Registers the Service's port as a service. Undefined, with a diagnostic, where Traefik would drop the route. */
export function backend(scope: Scope, route: ManifestDocument, target: ServiceTarget): BackendConfig | undefined {
  const service = scope.resolution.byId.get(`/Service/${target.namespace}/${target.name}`);
  const { port } = target;
  if (port === undefined || port === '' || port === 0) {
    const hint = service === undefined ? undefined : `Service "${target.name}" has ${portList(service)}.`;
    say(scope, route, 'service-port-missing', target.path, `no port is given for Service "${target.name}"`, { hint });
    return undefined;
  }
  const spec = fields(service?.value, 'spec');
  const external = text(spec['type']) === 'ExternalName';
  const match = items(spec['ports']).find(
    (entry) => fields(entry)[typeof port === 'number' ? 'port' : 'name'] === port,
  );
  if (service !== undefined && match === undefined && !(external && typeof port === 'number')) {
    const message = `Service "${target.name}" has no port ${JSON.stringify(port)}`;
    say(scope, route, 'service-port-missing', target.path, message, { hint: `It has ${portList(service)}.` });
    return undefined;
  }

  const key = `${target.namespace}/${target.name}:${port}`;
  const number = typeof port === 'number' ? port : (integer(fields(match)['port']) ?? 80);
  const portName = text(fields(match)['name']) ?? '';
  const annotations = fields(service?.value, 'metadata', 'annotations');
  const scheme = schemeOf(
    target.scheme ?? text(annotations[`${INGRESS_ANNOTATIONS}service.serversscheme`]),
    number === 443 || portName.startsWith('https') ? 'https' : 'http',
  );
  if (!scope.upstreams.has(key)) {
    const host = external ? text(spec['externalName']) : undefined;
    scope.upstreams.set(key, {
      namespace: target.namespace,
      service: target.name,
      port: String(port),
      ...(host === undefined || host === '' ? {} : { servers: [{ address: `${host}:${number}` }] }),
      ...(service === undefined ? { missing: true } : {}),
      source: service?.ref ?? { apiVersion: 'v1', kind: 'Service', namespace: target.namespace, name: target.name },
    });
  }
  const passHostHeader = target.passHostHeader ?? annotatedPassHost(service);
  const name = `${normalize(key)}@${route.ref.kind === 'Ingress' ? 'kubernetes' : 'kubernetescrd'}`;
  const made: ServiceConfig = {
    kind: 'load-balancer',
    name,
    upstream: key,
    scheme,
    passHostHeader,
    strategy: 'wrr',
  };
  return { service: addService(scope, made), weight: target.weight };
}

/** Under Traefik's name of it. What has the same name there, but is not the same, gets a key of its own. */
function addService(scope: Scope, made: ServiceConfig): string {
  const text = JSON.stringify(made);
  for (let count = 1; ; count++) {
    const key = count === 1 ? made.name : `${made.name}#${count}`;
    const known = scope.services.get(key);
    if (known === undefined) scope.services.set(key, made);
    if (known === undefined || JSON.stringify(known) === text) return key;
  }
}

/** Traefik's names: letters and digits, and one dash for whatever stands between. */
function normalize(name: string): string {
  return name
    .split(/[^\p{L}\p{N}]+/u)
    .filter((part) => part !== '')
    .join('-');
}

function schemeOf(written: string | undefined, otherwise: UpstreamScheme): UpstreamScheme {
  return written === 'http' || written === 'https' || written === 'h2c' ? written : otherwise;
}

function annotatedPassHost(service: ManifestDocument | undefined): boolean {
  const value = fields(service?.value, 'metadata', 'annotations')[`${INGRESS_ANNOTATIONS}service.passhostheader`];
  return value !== 'false' && flag(value) !== false;
}

function portList(service: ManifestDocument): string {
  const ports = items(fields(service.value, 'spec')['ports']).map((entry) => {
    const { port, name } = fields(entry);
    return typeof name === 'string' && name !== '' ? `${String(port)} (${name})` : String(port);
  });
  if (ports.length === 0) return 'no ports';
  return `${ports.length === 1 ? 'port' : 'ports'} ${ports.join(', ')}`;
}
