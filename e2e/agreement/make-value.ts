import type { Structural } from '../../shared/manifests/schema/structural.ts';
import type { Random } from './random.ts';

export type Path = readonly (string | number)[];
export type Plain = Record<string, unknown>;

/** Values of texts by the name of their field, such that the rules of our definitions hold more often than not. */
const TEXTS: readonly (readonly [RegExp, readonly string[]])[] = [
  [/^(jwksUrl)$/, ['https://issuer.example/keys', 'https://a.example:8443/k?x=1']],
  [/^(issuerUrl|href|logoUrl)$/, ['https://issuer.example', 'http://a/b#c', '/pages/1']],
  [/^(path|pathPrefix)$/, ['/', '/pets', '/a/b..c', '/ä']],
  [/^(release)$/, ['1.2.3', 'v0.1.0-rc.1+build', '10.20.30']],
  [/^(refreshInterval|ttl)$/, ['1m', '90s', '1h30m', '5 minutes']],
  [/^(period)$/, ['1s', '30m', '1h', '3600s', '10 sec']],
  [/^(exposeName|host)$/, ['a', 'pets-1']],
];

/** A value that fits a schema; optional fields come and go. Rules are kept to as far as the names of fields tell. */
export function makeValue(schema: Structural, random: Random, name = '', depth = 0): unknown {
  if (schema.enum !== undefined && schema.enum.length > 0) return random.pick(schema.enum);
  if (schema['x-kubernetes-int-or-string'] === true) return random.chance(0.5) ? random.below(60) : '10s';
  switch (schema.type) {
    case 'object':
      return makeObject(schema, random, depth);
    case 'array': {
      const least = schema.minItems ?? 0;
      const most = Math.min(schema.maxItems ?? 3, least + 2);
      const count = least + random.below(most - least + 1);
      return Array.from({ length: count }, (_, at) =>
        distinct(makeValue(schema.items ?? {}, random, name, depth + 1), at),
      );
    }
    case 'integer':
      return (schema.minimum ?? 0) + random.below(50);
    case 'number':
      return random.pick([0, 1, 0.5, 2.25]);
    case 'boolean':
      return random.chance(0.5);
    default:
      return text(schema, random, name);
  }
}

function makeObject(schema: Structural, random: Random, depth: number): Plain {
  const out: Plain = {};
  const required = new Set(schema.required);
  const entries = Object.entries(schema.properties ?? {});
  for (const [key, child] of entries) {
    if (required.has(key) || random.chance(depth < 2 ? 0.4 : 0.3)) out[key] = makeValue(child, random, key, depth + 1);
  }
  if ((schema.minProperties ?? 0) > Object.keys(out).length && entries.length > 0) {
    const [key, child] = random.pick(entries);
    out[key] = makeValue(child, random, key, depth + 1);
  }
  if (typeof schema.additionalProperties === 'object' && random.chance(0.5))
    out['X-Key'] = makeValue(schema.additionalProperties, random, 'x', depth + 1);
  return out;
}

function text(schema: Structural, random: Random, name: string): string {
  const rules = JSON.stringify(schema['x-kubernetes-validations'] ?? []);
  if (schema.format === 'date-time') return '2026-01-02T03:04:05Z';
  for (const [pattern, values] of TEXTS) if (pattern.test(name)) return random.pick(values);
  if (rules.includes('ldap://')) return random.pick(['ldap://ldap.example:389', 'ldaps://ldap.example']);
  if (rules.includes('isURL') || name === 'trustedUrls') return random.pick(['https://a.example/x', 'http://b', '/c']);
  if (schema.format === 'duration') return '10s';
  return random.pick(['a', 'pets', 'Some text: "quoted", ünïcode ✓', 'x-1']);
}

/** Entries of lists differ, because many must. */
function distinct(value: unknown, at: number): unknown {
  if (typeof value !== 'object' || value === null || !('name' in value) || typeof value.name !== 'string') return value;
  return { ...value, name: `${value.name.replaceAll(/[^a-z]/g, '')}${at}` };
}
