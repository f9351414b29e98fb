import { fields, text } from '../field.ts';
import type { RouteConfig } from '../../gateway/config.ts';
import { API_ANNOTATION, API_VERSION_ANNOTATION, HUB, POLICY_ANNOTATION } from '../kinds.ts';
import type { ManifestDocument } from '../types.ts';
import { keyOf, say, type Scope } from './scope.ts';

export type Attachment =
  | {
      readonly kind: 'attached';
      /** For every route of the object. */
      readonly fields: Pick<RouteConfig, 'api' | 'apiVersion' | 'policies'>;
    }
  /** The annotation leads nowhere: the route must not be served, or it would be open where the cluster's is not. */
  | { readonly kind: 'broken' };

/** The managed API and the policy of a route: by annotation, the API within its namespace (`hub-kinds` facts 2.1). */
export function attachment(scope: Scope, route: ManifestDocument): Attachment {
  const api = attachedApi(scope, route);
  const policy = text(fields(route.value, 'metadata', 'annotations')[POLICY_ANNOTATION]);
  if (api === 'broken') return { kind: 'broken' };
  if (policy === undefined) return { kind: 'attached', fields: api };
  const known = scope.resolution.byId.has(`${HUB}/AccessControlPolicy//${policy}`);
  return known ? { kind: 'attached', fields: { ...api, policies: [policy] } } : { kind: 'broken' };
}

function attachedApi(scope: Scope, route: ManifestDocument): Pick<RouteConfig, 'api' | 'apiVersion'> | 'broken' {
  const annotations = fields(route.value, 'metadata', 'annotations');
  const apiName = text(annotations[API_ANNOTATION]);
  const versionName = text(annotations[API_VERSION_ANNOTATION]);
  const { byId } = scope.resolution;
  const { namespace } = route.ref;
  if (apiName === undefined && versionName === undefined) return {};

  const api = apiName === undefined ? undefined : byId.get(`${HUB}/API/${namespace}/${apiName}`);
  if (apiName !== undefined && api === undefined) return 'broken';
  if (versionName === undefined) return api === undefined ? 'broken' : { api: keyOf(api) };

  const version = byId.get(`${HUB}/APIVersion/${namespace}/${versionName}`);
  if (version === undefined) return 'broken';
  const parents = scope.resolution.parentsOfVersion.get(version) ?? [];
  const parent = api ?? parents[0];
  if (parent === undefined || (api !== undefined && !parents.includes(api))) {
    const message =
      api === undefined
        ? `no API of namespace "${namespace}" lists APIVersion "${versionName}" among its versions`
        : `API "${api.ref.name}" does not list APIVersion "${versionName}" among its versions`;
    say(scope, route, 'reference-missing', ['metadata', 'annotations', API_VERSION_ANNOTATION], message, {
      hint: `Add { name: ${versionName} } to spec.versions of the API.`,
    });
    return 'broken';
  }
  return { api: keyOf(parent), apiVersion: keyOf(version) };
}
