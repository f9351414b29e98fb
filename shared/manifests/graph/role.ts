import { ADIT, CORE, GATEWAY, HUB, NETWORKING, TRAEFIK } from '../kinds.ts';
import type { GraphRole } from '../types.ts';

const ROLES: ReadonlyMap<string, GraphRole> = new Map<string, GraphRole>([
  [`${NETWORKING}/Ingress`, 'route'],
  [`${TRAEFIK}/IngressRoute`, 'route'],
  [`${GATEWAY}/HTTPRoute`, 'route'],
  [`${GATEWAY}/GRPCRoute`, 'route'],
  [`${GATEWAY}/Gateway`, 'other'],
  [`${ADIT}/Preview`, 'other'],
  [`${TRAEFIK}/Middleware`, 'middleware'],
  [`${TRAEFIK}/TraefikService`, 'service'],
  [`${CORE}/Service`, 'service'],
  [`${CORE}/Secret`, 'secret'],
  [`${HUB}/API`, 'api'],
  [`${HUB}/APIVersion`, 'version'],
  [`${HUB}/APIAuth`, 'auth'],
  [`${HUB}/APIPlan`, 'plan'],
  [`${HUB}/ManagedSubscription`, 'subscription'],
  [`${HUB}/ManagedApplication`, 'application'],
]);

/** The part that an object plays; undefined for objects that have none in the way of a request. */
export function roleOf(sort: string): GraphRole | undefined {
  return ROLES.get(sort) ?? (sort.startsWith(`${HUB}/`) ? 'other' : undefined);
}
