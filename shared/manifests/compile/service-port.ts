import type { ServerConfig, UpstreamScheme } from '../../gateway/service.ts';
import { fields, integer, items, text, type Fields } from '../field.ts';
import type { FieldPath } from '../field-path.ts';
import { CORE } from '../kinds.ts';
import type { ManifestDocument } from '../types.ts';
import { say, type Scope } from './scope.ts';

const ENDPOINT_SLICES = 'discovery.k8s.io/EndpointSlice';
const SERVICE_OF_SLICE = 'kubernetes.io/service-name';

/** A Service port as something names it. */
export interface PortTarget {
  readonly namespace: string;
  readonly name: string;
  /** Number or name of the port. */
  readonly port: string | number | undefined;
  /** One server: the Service's own address, which shares requests among the pods. */
  readonly nativeLb: boolean;
  /** Field of the port, and of what holds it. */
  readonly path: FieldPath;
}

export interface ServicePort {
  /** Key into `upstreams`. */
  readonly upstream: string;
  /** What Traefik speaks to it when nothing says otherwise. */
  readonly scheme: UpstreamScheme;
  readonly service: ManifestDocument | undefined;
  readonly external: boolean;
}

/** Registers a Service port as an upstream. Undefined, with a diagnostic, where Traefik makes nothing of what names it. */
export function servicePort(scope: Scope, document: ManifestDocument, target: PortTarget): ServicePort | undefined {
  const { namespace, name, port, nativeLb, path } = target;
  const service = scope.resolution.byId.get(`${CORE}/Service/${namespace}/${name}`);
  if (port === undefined || port === '' || port === 0) {
    const hint = service === undefined ? undefined : `Service "${name}" has ${portList(service)}.`;
    say(scope, document, 'service-port-missing', path, `no port is given for Service "${name}"`, { hint });
    return undefined;
  }
  const spec = fields(service?.value, 'spec');
  const external = spec['type'] === 'ExternalName';
  const match = items(spec['ports'])
    .map((entry) => fields(entry))
    .find((entry) => entry[typeof port === 'number' ? 'port' : 'name'] === port);
  if (service !== undefined && match === undefined && !(external && typeof port === 'number')) {
    const message = `Service "${name}" has no port ${JSON.stringify(port)}`;
    say(scope, document, 'service-port-missing', path, message, { hint: `It has ${portList(service)}.` });
    return undefined;
  }
  if (nativeLb && !external && spec['clusterIP'] === 'None') {
    const message = `Service "${name}" is headless, so that nativeLB has no address to use: Traefik does not serve the route`;
    say(scope, document, 'route-invalid', path, message);
    return undefined;
  }
  const number = typeof port === 'number' ? port : (integer(match?.['port']) ?? 80);
  const portName = text(match?.['name']) ?? '';
  const native = nativeLb && !external;
  const key = `${namespace}/${name}:${port}${native ? ' native' : ''}`;
  if (!scope.upstreams.has(key)) {
    const servers =
      service === undefined
        ? undefined
        : native
          ? clusterAddress(spec, number)
          : external
            ? externalAddress(spec, number)
            : sliceServers(scope, service, portName);
    scope.upstreams.set(key, {
      namespace,
      service: name,
      port: String(port),
      ...(servers === undefined ? {} : { servers }),
      ...(service === undefined ? { missing: true } : {}),
      source: service?.ref ?? { apiVersion: 'v1', kind: 'Service', namespace, name },
    });
  }
  if (scope.upstreams.get(key)?.servers?.length === 0) {
    const message = `no endpoint of Service "${name}" serves: Traefik does not serve the route unless it allows empty services`;
    say(scope, document, 'route-invalid', path, message, { severity: 'warning' });
    return undefined;
  }
  const scheme = number === 443 || portName.startsWith('https') ? 'https' : 'http';
  return { upstream: key, scheme, service, external };
}

function externalAddress(spec: Fields, port: number): ServerConfig[] | undefined {
  const host = text(spec['externalName']) ?? '';
  return host === '' ? undefined : [{ address: hostPort(host, port) }];
}

function clusterAddress(spec: Fields, port: number): ServerConfig[] | undefined {
  const address = text(spec['clusterIP']) ?? '';
  return address === '' ? undefined : [{ address: hostPort(address, port) }];
}

/** The endpoints of a Service; undefined when the files hold no EndpointSlice of it. */
function sliceServers(scope: Scope, service: ManifestDocument, portName: string): ServerConfig[] | undefined {
  const slices = (scope.resolution.byPlace.get(`${ENDPOINT_SLICES}/${service.ref.namespace}`) ?? []).filter(
    ({ value }) => fields(value, 'metadata', 'labels')[SERVICE_OF_SLICE] === service.ref.name,
  );
  if (slices.length === 0) return undefined;
  const servers = new Map<string, ServerConfig>();
  for (const { value } of slices) {
    const ports = items(value['ports']).map((entry) => fields(entry));
    const port = integer(ports.find((entry) => (text(entry['name']) ?? '') === portName)?.['port']) ?? 0;
    if (port === 0) continue;
    for (const endpoint of items(value['endpoints'])) {
      const conditions = fields(endpoint, 'conditions');
      if (conditions['serving'] === false) continue;
      for (const address of items(fields(endpoint)['addresses'])) {
        if (typeof address !== 'string' || servers.has(address)) continue;
        const fenced = conditions['terminating'] === true;
        servers.set(address, { address: hostPort(address, port), ...(fenced ? { fenced } : {}) });
      }
    }
  }
  return [...servers.values()];
}

function hostPort(host: string, port: number): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

function portList(service: ManifestDocument): string {
  const ports = items(fields(service.value, 'spec')['ports']).map((entry) => {
    const { port, name } = fields(entry);
    return typeof name === 'string' && name !== '' ? `${String(port)} (${name})` : String(port);
  });
  if (ports.length === 0) return 'no ports';
  return `${ports.length === 1 ? 'port' : 'ports'} ${ports.join(', ')}`;
}
