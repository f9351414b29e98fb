import { formatPath, type FieldPath } from '../field-path.ts';
import { isFields } from '../field.ts';
import { HUB, TRAEFIK, TRAEFIK_BEFORE } from '../kinds.ts';
import { report } from '../report.ts';
import type { KindSchema } from '../schema/kind-schema.ts';
import type { Diagnostic, ManifestDocument } from '../types.ts';

/** Fields that still are read and should not be written any more: path, and what to write. */
const FIELDS: ReadonlyMap<string, readonly (readonly [string, string])[]> = new Map([
  [`${HUB}/ManagedSubscription`, [['spec.applications', 'Use managedApplications.']]],
  [`${HUB}/APIAuth`, [['spec.jwt.jwksUrl', 'Use trustedIssuers.']]],
  [
    `${TRAEFIK}/Middleware`,
    [
      ['spec.ipWhiteList', 'Use ipAllowList.'],
      ['spec.stripPrefix.forceSlash', 'Leave it out.'],
      ['spec.headers.sslRedirect', 'Use a Middleware of type redirectScheme.'],
      ['spec.headers.sslTemporaryRedirect', 'Use a Middleware of type redirectScheme.'],
      ['spec.headers.sslHost', 'Use a Middleware of type redirectRegex.'],
      ['spec.headers.sslForceHost', 'Use a Middleware of type redirectRegex.'],
      ['spec.headers.featurePolicy', 'Use permissionsPolicy.'],
      ['spec.contentType.autoDetect', 'Leave it out: the middleware being there is what counts.'],
    ],
  ],
]);

/** Warnings of a kind, or of its fields, that should not be used any more. */
export function deprecations(document: ManifestDocument, known: KindSchema): Diagnostic[] {
  const found: Diagnostic[] = [];
  if (known.deprecated !== undefined)
    found.push(
      report(document, 'deprecated', [known.group === TRAEFIK_BEFORE ? 'apiVersion' : 'kind'], known.deprecated),
    );
  for (const [pattern, hint] of FIELDS.get(document.sort) ?? []) {
    for (const path of matching(document.value, pattern.split('.'), [])) {
      found.push(report(document, 'deprecated', path, `${formatPath(path)} is deprecated`, { at: 'key', hint }));
    }
  }
  return found;
}

function matching(value: unknown, pattern: readonly string[], path: FieldPath): FieldPath[] {
  const [head, ...rest] = pattern;
  if (head === undefined) return [path];
  if (!isFields(value) || !Object.hasOwn(value, head) || value[head] === null) return [];
  return matching(value[head], rest, [...path, head]);
}
