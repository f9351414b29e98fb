import type { LoadBalancerConfig, Strategy, UpstreamScheme } from '../../gateway/service.ts';
import { flag, text, type Fields } from '../field.ts';
import type { FieldPath } from '../field-path.ts';
import type { ManifestDocument } from '../types.ts';
import { notEnforced, say, type Scope } from './scope.ts';
import { healthCheckConfig, passiveHealthCheckConfig } from './service-health.ts';
import { servicePort } from './service-port.ts';
import { stickyConfig } from './service-sticky.ts';
import { serversTransport } from './service-transport.ts';

/** Names that Traefik has for a strategy; the second is an old one. */
const STRATEGIES: Readonly<Record<string, Strategy>> = { wrr: 'wrr', RoundRobin: 'wrr', p2c: 'p2c', hrw: 'hrw', leasttime: 'leasttime' }; // prettier-ignore

/**
 * The balancer of a Service as Traefik's own kinds describe it. `name` is Traefik's name of the service, without its
 * provider. Undefined, with a diagnostic, where Traefik makes nothing of what names it.
 */
export function loadBalancer(
  scope: Scope,
  document: ManifestDocument,
  spec: Fields,
  path: FieldPath,
  at: { readonly namespace: string; readonly service: string; readonly name: string },
): LoadBalancerConfig | undefined {
  const refuse = (field: string, message: string): undefined => {
    say(scope, document, 'route-invalid', [...path, field], `${message}: Traefik does not serve the route`);
    return undefined;
  };
  const { port } = spec;
  const found = servicePort(scope, document, {
    namespace: at.namespace,
    name: at.service,
    port: typeof port === 'string' || typeof port === 'number' ? port : undefined,
    nativeLb: flag(spec['nativeLB']) ?? false,
    path: [...path, 'port'],
  });
  if (found === undefined) return undefined;

  const written = text(spec['scheme']) ?? '';
  if (!['', 'http', 'https', 'h2c'].includes(written))
    return refuse('scheme', `"${written}" is not a scheme that Traefik has`);
  const strategy = STRATEGIES[text(spec['strategy']) || 'wrr'];
  if (strategy === undefined)
    return refuse('strategy', `"${String(spec['strategy'])}" is not a strategy that Traefik has`);
  const healthCheck = healthCheckConfig(scope, document, spec['healthCheck'], [...path, 'healthCheck']);
  const passive = passiveHealthCheckConfig(scope, document, spec['passiveHealthCheck'], [
    ...path,
    'passiveHealthCheck',
  ]);
  if (healthCheck === undefined || passive === undefined) return undefined;
  if (healthCheck !== null && found.service !== undefined && !found.external)
    return refuse('healthCheck', `health checks are for ExternalName services only, and "${at.service}" is none`);
  if (flag(spec['nodePortLB']) === true)
    notEnforced(scope, document, [...path, 'nodePortLB'], 'a preview has no nodes; requests go to the service');
  if (Object.hasOwn(spec, 'responseForwarding'))
    notEnforced(scope, document, [...path, 'responseForwarding'], 'answers are passed on as they come', 'info');

  const transportName = text(spec['serversTransport']) ?? '';
  if (transportName.includes('@'))
    return refuse('serversTransport', `"${transportName}" belongs to a provider that a preview does not have`);
  const transport = transportName === '' ? undefined : serversTransport(scope, at.namespace, transportName);
  // Missing, it is told with the other references; Traefik does not serve the route.
  if (transportName !== '' && transport === undefined) return undefined;

  const name = `${at.name}@kubernetescrd`;
  return {
    kind: 'load-balancer',
    name,
    upstream: found.upstream,
    scheme: isScheme(written) ? written : found.scheme,
    passHostHeader: flag(spec['passHostHeader']) ?? true,
    strategy,
    sticky: stickyConfig(spec['sticky'], name),
    healthCheck: healthCheck ?? undefined,
    passiveHealthCheck: passive ?? undefined,
    transport,
  };
}

function isScheme(text: string): text is UpstreamScheme {
  return text === 'http' || text === 'https' || text === 'h2c';
}
