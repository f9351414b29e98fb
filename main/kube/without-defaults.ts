import { isDeepStrictEqual } from 'node:util';
import { fields, isFields, items, text } from '../../shared/manifests/field.ts';
import { groupOf } from '../../shared/manifests/object-id.ts';
import type { KubeObject } from './port.ts';

/** The live object without the fields that the file leaves to the default of the CRD. Unchanged when no CRD defines its kind. */
export function withoutDefaults(live: KubeObject, file: KubeObject, crds: readonly KubeObject[]): unknown {
  return strip(live, file, schemaOf(live, crds));
}

function schemaOf(object: KubeObject, crds: readonly KubeObject[]): KubeObject {
  const apiVersion = text(object['apiVersion']) ?? '';
  const crd = crds.find((candidate) => {
    const spec = fields(candidate, 'spec');
    return spec['group'] === groupOf(apiVersion) && fields(spec, 'names')['kind'] === object['kind'];
  });
  const version = items(fields(crd, 'spec')['versions']).find((entry) =>
    apiVersion.endsWith(`/${text(fields(entry)['name'])}`),
  );
  return fields(version, 'schema', 'openAPIV3Schema');
}

function strip(live: unknown, file: unknown, schema: KubeObject): unknown {
  if (Array.isArray(live)) return live.map((item, index) => strip(item, items(file)[index], fields(schema, 'items')));
  if (!isFields(live)) return live;
  const kept = Object.entries(live).flatMap(([key, value]): [string, unknown][] => {
    const member = fields(schema, 'properties', key);
    const inFile = isFields(file) && Object.hasOwn(file, key);
    if (!inFile && member['default'] !== undefined && isDeepStrictEqual(value, member['default'])) return [];
    return [[key, strip(value, inFile ? file[key] : undefined, member)]];
  });
  return Object.fromEntries(kept);
}
