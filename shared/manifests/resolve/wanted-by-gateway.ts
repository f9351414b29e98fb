import { fields, items, text } from '../field.ts';
import type { FieldPath } from '../field-path.ts';
import { CORE, GATEWAY } from '../kinds.ts';
import { currentGroup } from '../object-id.ts';
import type { ManifestDocument } from '../types.ts';
import { SERVICE_HINT, TLS_HINT } from './hints.ts';
import type { Wanted } from './wanted.ts';

const GATEWAY_HINT = 'Define the Gateway; in a cluster the route is served by nothing without it.';

/** References of Gateway API objects: to gateways, backends, Secrets and extensions. */
export function gatewayWanted(document: ManifestDocument): Wanted[] {
  const spec = fields(document.value, 'spec');
  if (document.sort === `${GATEWAY}/Gateway`) {
    return items(spec['listeners']).flatMap((listener, at) =>
      items(fields(listener, 'tls')['certificateRefs']).flatMap((reference, index) =>
        one(document, ['spec', 'listeners', at, 'tls', 'certificateRefs', index], reference, 'Secret', {
          severity: 'info',
          hint: TLS_HINT,
        }),
      ),
    );
  }
  const wanted: Wanted[] = items(spec['parentRefs']).flatMap((reference, at) =>
    one(document, ['spec', 'parentRefs', at], { group: GATEWAY, ...fields(reference) }, 'Gateway', {
      severity: 'info',
      hint: GATEWAY_HINT,
      freely: true,
    }),
  );
  for (const [at, rule] of items(spec['rules']).entries()) {
    const base = ['spec', 'rules', at] as const;
    wanted.push(...filters(document, [...base, 'filters'], fields(rule)['filters']));
    for (const [index, backend] of items(fields(rule)['backendRefs']).entries()) {
      const path = [...base, 'backendRefs', index];
      wanted.push(...service(document, path, backend));
      wanted.push(...filters(document, [...path, 'filters'], fields(backend)['filters']));
    }
  }
  return wanted;
}

function filters(document: ManifestDocument, path: FieldPath, list: unknown): Wanted[] {
  return items(list).flatMap((filter, at) => {
    const from = fields(filter);
    const here = [...path, at];
    if (from['type'] === 'RequestMirror')
      return service(document, [...here, 'requestMirror', 'backendRef'], fields(from, 'requestMirror')['backendRef']);
    if (from['type'] !== 'ExtensionRef') return [];
    const { kind, name, group } = fields(from, 'extensionRef');
    if (typeof kind !== 'string' || typeof name !== 'string' || typeof group !== 'string') return [];
    const { namespace } = document.ref;
    return [
      { path: [...here, 'extensionRef', 'name'], group: currentGroup(group), kind, namespace, name, severity: 'error' },
    ];
  });
}

function service(document: ManifestDocument, path: FieldPath, reference: unknown): Wanted[] {
  return one(document, path, reference, 'Service', { severity: 'warning', hint: SERVICE_HINT });
}

interface Missing {
  readonly severity: Wanted['severity'];
  readonly hint: string;
  /** The other namespace decides by itself whom it lets in, without a ReferenceGrant. */
  readonly freely?: boolean;
}

function one(
  document: ManifestDocument,
  path: FieldPath,
  from: unknown,
  kindByDefault: string,
  missing: Missing,
): Wanted[] {
  const reference = fields(from);
  const name = text(reference['name']);
  if (name === undefined || name === '') return [];
  const kind = text(reference['kind']) || kindByDefault;
  const group = text(reference['group']) ?? CORE;
  const namespace = text(reference['namespace']) || document.ref.namespace;
  // What is of other groups is another program's to know.
  if (group !== CORE && group !== GATEWAY && !group.startsWith('traefik.')) return [];
  const grant = namespace === document.ref.namespace || missing.freely === true ? {} : { needsGrant: true };
  const { severity, hint } = missing;
  return [{ path: [...path, 'name'], group: currentGroup(group), kind, namespace, name, severity, hint, ...grant }];
}
