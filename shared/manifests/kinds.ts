import { currentGroup, groupOf } from './object-id.ts';
import type { ObjectRef } from './types.ts';

export const HUB = 'hub.traefik.io';
export const TRAEFIK = 'traefik.io';
/** The group of the same kinds before Traefik v3. */
export const TRAEFIK_BEFORE = 'traefik.containo.us';
export const ADIT = 'adit.dev';
export const GATEWAY = 'gateway.networking.k8s.io';
export const NETWORKING = 'networking.k8s.io';
export const CORE = '';

export const API_ANNOTATION = 'hub.traefik.io/api';
export const API_VERSION_ANNOTATION = 'hub.traefik.io/api-version';
/** NAME@NAMESPACE of an APIPortal. */
export const API_PORTAL_ANNOTATION = 'hub.traefik.io/api-portal';
/** Deprecated. */
export const POLICY_ANNOTATION = 'hub.traefik.io/access-control-policy';
/** NAMESPACE-NAME, or exposeName, of Uplinks. */
export const UPLINKS_ANNOTATION = 'hub.traefik.io/router.uplinks';
/** Traefik's options on an Ingress and its Services. */
export const INGRESS_ANNOTATIONS = 'traefik.ingress.kubernetes.io/';

/** `GROUP/KIND`: what tells one sort of object from another whatever its version. */
export function groupKind(ref: Pick<ObjectRef, 'apiVersion' | 'kind'>): string {
  return `${currentGroup(groupOf(ref.apiVersion))}/${ref.kind}`;
}

/** Kinds of the hub and of Traefik that are known here, and what a preview does not do about them. */
export const UNSERVED: ReadonlyMap<string, string> = new Map([
  [`${HUB}/APICatalogItem`, 'it only shapes the portal; it changes no answer of a preview'],
  [`${HUB}/APIPortal`, 'a preview has no portal'],
  [`${HUB}/APIPortalAuth`, 'a preview has no portal'],
  [`${HUB}/ContentItem`, 'a preview has no portal'],
  [`${HUB}/Uplink`, 'a preview has no parent cluster'],
  [`${ADIT}/Preview`, 'it asks a cluster for a preview; this preview is started otherwise'],
]);

/** The same, where a preview answers otherwise than the cluster would. */
export const UNSERVED_ROUTING: ReadonlyMap<string, string> = new Map([
  [`${HUB}/APIRateLimit`, 'the kind is deprecated and a preview does not apply it'],
  [`${HUB}/AIService`, 'the kind is deprecated and a preview does not serve it'],
  [`${TRAEFIK}/MiddlewareTCP`, 'a preview serves HTTP only'],
  [`${TRAEFIK}/IngressRouteTCP`, 'a preview serves HTTP only'],
  [`${TRAEFIK}/IngressRouteUDP`, 'a preview serves HTTP only'],
  [`${TRAEFIK}/ServersTransportTCP`, 'a preview serves HTTP only'],
  [`${TRAEFIK}/TLSOption`, 'a preview has certificates of its own'],
  [`${TRAEFIK}/TLSStore`, 'a preview has certificates of its own'],
  [`${GATEWAY}/TLSRoute`, 'a preview serves HTTP only'],
  [`${GATEWAY}/TCPRoute`, 'a preview serves HTTP only'],
  [`${GATEWAY}/UDPRoute`, 'a preview serves HTTP only'],
]);
