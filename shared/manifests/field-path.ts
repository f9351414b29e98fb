export type FieldPath = readonly (string | number)[];

const PLAIN_KEY = /^[A-Za-z_$][-A-Za-z0-9_$]*$/;

/**
 * Kubernetes' notation of a field: `spec.versions[0].name`, and `metadata.annotations[hub.traefik.io/api]` where a key
 * is not a plain word (apimachinery `field.Path`).
 */
export function formatPath(path: FieldPath): string {
  let text = '';
  for (const segment of path) {
    if (typeof segment === 'number') text += `[${segment}]`;
    else if (!PLAIN_KEY.test(segment)) text += `[${segment}]`;
    else text += text === '' ? segment : `.${segment}`;
  }
  return text;
}
