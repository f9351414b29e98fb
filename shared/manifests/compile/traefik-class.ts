import { fields, text } from '../field.ts';
import { GATEWAY, NETWORKING } from '../kinds.ts';
import type { ManifestDocument } from '../types.ts';
import type { Scope } from './scope.ts';

const CLASS_ANNOTATION = 'kubernetes.io/ingress.class';

/** What Traefik is told to serve, and how a class in the files says that it is Traefik's. */
const CONTROLLERS = {
  IngressClass: { group: NETWORKING, field: 'controller', name: 'traefik.io/ingress-controller' },
  GatewayClass: { group: GATEWAY, field: 'controllerName', name: 'traefik.io/gateway-controller' },
} as const;

/**
 * Whether a class is Traefik's. Classes come with the installation and are seldom among the files: one that is not there
 * is taken for what its name says.
 */
export function isTraefikClass(scope: Scope, kind: keyof typeof CONTROLLERS, name: string): boolean {
  const { group, field, name: controller } = CONTROLLERS[kind];
  const found = scope.resolution.byKind.get(`${group}/${kind}`)?.find(({ ref }) => ref.name === name);
  return found === undefined ? name.startsWith('traefik') : text(fields(found.value, 'spec')[field]) === controller;
}

/** The class that the annotation names, when Traefik leaves objects of it to others. */
export function foreignAnnotatedClass(document: ManifestDocument): string | undefined {
  const named = text(fields(document.value, 'metadata', 'annotations')[CLASS_ANNOTATION]) ?? '';
  return named === '' || named === 'traefik' ? undefined : named;
}

export const classAnnotationPath = ['metadata', 'annotations', CLASS_ANNOTATION] as const;
