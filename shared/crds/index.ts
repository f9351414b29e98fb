import { bundled } from './bundled.ts';

/** Our CustomResourceDefinitions of `hub.traefik.io/v1alpha1`, parsed; plain data. */
export function bundledCrds(): readonly unknown[] {
  return Object.values(bundled).map((text): unknown => JSON.parse(text));
}
