import { bundledCrds } from '../../crds/index.ts';
import { fields, isFields, items, text, type Fields } from '../field.ts';
import { groupOf } from '../object-id.ts';
import { ADIT, HUB, TRAEFIK, TRAEFIK_BEFORE } from '../kinds.ts';
import { coreSchemas } from './core.ts';
import { gatewaySchemas } from './gateway.ts';
import { ingressSchemas } from './ingress.ts';
import type { KindSchema } from './kind-schema.ts';
import { objectMeta } from './object-meta.ts';
import type { Structural } from './structural.ts';
import { traefikSchemas } from './traefik.ts';

/** Schemas by `APIVERSION KIND`. A set is a value: make a new one rather than change it. */
export interface SchemaSet {
  readonly kinds: ReadonlyMap<string, KindSchema>;
}

let bundledSet: SchemaSet | undefined;

/** Our own definitions of the hub's kinds, and of the Kubernetes and Traefik kinds beside them. Always the same value. */
export function bundledSchemas(): SchemaSet {
  bundledSet ??= setOf([...builtIn(), ...bundledCrds().flatMap((crd) => kindsOfCrd(crd, 'bundled'))]);
  return bundledSet;
}

/**
 * The definitions of a cluster (CustomResourceDefinition objects) in place of the bundled ones of the same group and
 * kind. What the cluster does not define stays as it is bundled; what is not a definition is passed over.
 */
export function schemasFromCrds(crds: readonly unknown[]): SchemaSet {
  const live = crds.flatMap((crd) => kindsOfCrd(crd, 'cluster'));
  const replaced = new Set(live.map(({ group, kind }) => `${group}/${kind}`));
  const kept = [...bundledSchemas().kinds.values()].filter(({ group, kind }) => !replaced.has(`${group}/${kind}`));
  return setOf([...kept, ...live]);
}

export function findSchema(set: SchemaSet, apiVersion: string, kind: string): KindSchema | undefined {
  const known = set.kinds.get(`${apiVersion} ${kind}`);
  if (known !== undefined || groupOf(apiVersion) !== TRAEFIK_BEFORE) return known;
  const now = set.kinds.get(`${apiVersion.replace(TRAEFIK_BEFORE, TRAEFIK)} ${kind}`);
  return now === undefined ? undefined : renamed(now);
}

export function apiVersionOf(schema: Pick<KindSchema, 'group' | 'version'>): string {
  return schema.group === '' ? schema.version : `${schema.group}/${schema.version}`;
}

/** True when the group is one whose kinds are all known, so that another kind is a mistake. */
export function isKnownGroup(set: SchemaSet, apiVersion: string): boolean {
  const group = groupOf(apiVersion);
  return (
    group === HUB ||
    group === ADIT ||
    (group === TRAEFIK && [...set.kinds.values()].some((known) => known.group === group))
  );
}

function builtIn(): KindSchema[] {
  return [...coreSchemas, ...ingressSchemas, ...gatewaySchemas, ...traefikSchemas].map((known) => ({
    ...known,
    schema: asObject(known.schema),
  }));
}

function setOf(kinds: readonly KindSchema[]): SchemaSet {
  return { kinds: new Map(kinds.map((known) => [`${apiVersionOf(known)} ${known.kind}`, known])) };
}

function kindsOfCrd(crd: unknown, source: 'bundled' | 'cluster'): KindSchema[] {
  const spec = fields(crd, 'spec');
  const group = text(spec['group']);
  const kind = text(fields(spec, 'names')['kind']);
  if (group === undefined || kind === undefined) return [];
  return items(spec['versions']).flatMap((entry) => {
    const version = text(fields(entry)['name']);
    const schema = fields(entry, 'schema')['openAPIV3Schema'];
    if (version === undefined || !isFields(schema) || fields(entry)['served'] === false) return [];
    return [
      {
        group,
        version,
        kind,
        names: group === HUB || group === ADIT ? 'label' : 'subdomain',
        scope: spec['scope'] === 'Cluster' ? 'Cluster' : 'Namespaced',
        deprecated:
          fields(entry)['deprecated'] === true ? deprecation(entry, apiVersionOf({ group, version }), kind) : undefined,
        source,
        schema: asObject(structural(schema)),
      },
    ];
  });
}

/** The words of the API server's warning. */
function deprecation(entry: unknown, apiVersion: string, kind: string): string {
  return text(fields(entry)['deprecationWarning']) ?? `${apiVersion} ${kind} is deprecated`;
}

const renamedKinds = new WeakMap<KindSchema, KindSchema>();

/** Traefik's kinds under the group that they had before v3; one value per kind, because checks are kept by it. */
function renamed(now: KindSchema): KindSchema {
  const known = renamedKinds.get(now);
  if (known !== undefined) return known;
  const apiVersion = `${TRAEFIK_BEFORE}/${now.version}`;
  const before: KindSchema = {
    ...now,
    group: TRAEFIK_BEFORE,
    deprecated: `${apiVersion} ${now.kind} is not read by Traefik v3; use ${apiVersionOf(now)}`,
  };
  renamedKinds.set(now, before);
  return before;
}

/** The edge at which a schema from outside enters: readers of it must bear a field of the wrong type. */
function structural(schema: Fields): Structural {
  return schema as Structural;
}

/** With the fields that every object has. */
function asObject(schema: Structural): Structural {
  return {
    ...schema,
    type: 'object',
    properties: {
      ...schema.properties,
      apiVersion: { description: 'Group and version of the schema of this object.', type: 'string' },
      kind: { description: 'Kind of this object.', type: 'string' },
      metadata: objectMeta,
    },
  };
}
