import { bundledCrds } from '../../shared/crds/index.ts';
import { fields } from '../../shared/manifests/field.ts';
import { findSchema, bundledSchemas } from '../../shared/manifests/schema/schema-set.ts';
import type { KindSchema } from '../../shared/manifests/schema/kind-schema.ts';
import type { Structural } from '../../shared/manifests/schema/structural.ts';
import { breakages, withValue } from './break-value.ts';
import { makeValue, type Path, type Plain } from './make-value.ts';
import { manifestText, Raw } from './manifest-text.ts';
import { seeded, type Random } from './random.ts';

export interface Manifest {
  /** What was done to a manifest that fits, or `fits`. */
  readonly what: string;
  readonly kind: KindSchema;
  /** Path of the collection at the API server. */
  readonly collection: string;
  readonly text: string;
}

/** Changes of what every object has. */
const METADATA: readonly (readonly [string, Path, unknown])[] = [
  ['no name', ['metadata', 'name'], undefined],
  ['a name in capitals', ['metadata', 'name'], 'Pets'],
  ['a name that is a number', ['metadata', 'name'], 5],
  ['a name of a hundred', ['metadata', 'name'], 'a'.repeat(100)],
  ['a name of three hundred', ['metadata', 'name'], 'a'.repeat(300)],
  ['a name with a dot', ['metadata', 'name'], 'a.b'],
  [
    'a label that is too long',
    ['metadata', 'labels'],
    { a: 'x'.repeat(64), ['k'.repeat(64)]: 'v', '/x': 'y', 'A/x': 'y', 'x/': 'z' },
  ],
  ['a name with a dash at its end', ['metadata', 'name'], 'pets-'],
  ['a label that is a number', ['metadata', 'labels'], { a: 1 }],
  ['a label with a bad value', ['metadata', 'labels'], { a: 'no spaces please' }],
  ['a label with a bad key', ['metadata', 'labels'], { 'a b': 'c' }],
  ['a label that a reader may take for a boolean', ['metadata', 'labels'], { a: new Raw('yes') }],
  ['an annotation with a bad key', ['metadata', 'annotations'], { 'a/b/c': 'x' }],
  ['an annotation that is a boolean', ['metadata', 'annotations'], { a: true }],
  ['labels that are a list', ['metadata', 'labels'], ['a']],
  ['an unknown field of metadata', ['metadata', 'lables'], { a: 'b' }],
  ['a finalizer without a domain', ['metadata', 'finalizers'], ['x y']],
  ['metadata of nothing', ['metadata'], null],
  ['a kind of another type', ['unheardOf'], 1],
];

/** Manifests of every kind that we define: some that fit, and for each some that are broken at one place. */
export function makeManifests(count: number, seed: number): Manifest[] {
  const random = seeded(seed);
  const kinds = bundledCrds().map((crd) => {
    const spec = fields(crd, 'spec');
    const version = `${String(spec['group'])}/v1alpha1`;
    const known = findSchema(bundledSchemas(), version, String(fields(spec, 'names')['kind']));
    if (known === undefined) throw new Error(`no schema for ${version}`);
    const place = known.scope === 'Cluster' ? '' : 'namespaces/default/';
    return { known, collection: `/apis/${version}/${place}${String(fields(spec, 'names')['plural'])}` };
  });
  const manifests: Manifest[] = [];
  for (let round = 0; manifests.length < count; round += 1) {
    const { known, collection } = kinds[round % kinds.length] ?? random.pick(kinds);
    const object = fitting(known, random);
    const made: [string, unknown][] = [['fits', object]];
    const schema = known.schema.properties?.['spec'] ?? {};
    const broken = breakages(schema, object['spec'], random, ['spec']);
    for (let at = 0; at < 7 && broken.length > 0; at += 1) {
      const { what, path, value } = random.pick(broken);
      made.push([`${what}: ${path.join('.')}`, withValue(object, path, value)]);
    }
    if (round % 4 === 0) {
      const [what, path, value] = random.pick(METADATA);
      made.push([what, withValue(object, path, value)]);
    }
    for (const [what, value] of made)
      manifests.push({ what, kind: known, collection, text: `${manifestText(value)}\n` });
  }
  return manifests.slice(0, count);
}

function fitting(known: KindSchema, random: Random): Plain {
  const spec: Structural = known.schema.properties?.['spec'] ?? {};
  return {
    apiVersion: `${known.group}/${known.version}`,
    kind: known.kind,
    metadata: { name: `m${random.below(1_000)}`, ...(known.scope === 'Cluster' ? {} : { namespace: 'default' }) },
    spec: makeValue(spec, random),
  };
}
