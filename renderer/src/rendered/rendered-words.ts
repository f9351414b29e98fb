import type { ModelObject } from '../../../shared/contract/contract.ts';

/** Who makes a rendered object of what: `rendered from overlays/prod by kustomize`. */
export function renderedWords({ by, dir }: NonNullable<ModelObject['rendered']>): string {
  return `rendered from ${dir === '' ? 'this folder' : dir} by ${by}`;
}
