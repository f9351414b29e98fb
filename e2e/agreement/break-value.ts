import type { Structural } from '../../shared/manifests/schema/structural.ts';
import { Raw } from './manifest-text.ts';
import { makeValue, type Path, type Plain } from './make-value.ts';
import type { Random } from './random.ts';

/** One change of a value that may break one rule of its schema. */
export interface Breakage {
  readonly what: string;
  readonly path: Path;
  /** The changed value; `undefined` takes the field away. */
  readonly value: unknown;
}

/** Texts that break rules on texts, each at another place. */
const HOSTILE_TEXTS = [
  '', ' ', 'x', '/../a', '/a/..', 'http://', 'http://[::1', 'http://a b', '//a', '%zz', 'https://a/%zz', 'mailto:a@b',
  'ftp://a', '1.2', '01.2.3', '0s', '10000h', '-1m', '1', 'soon', '9223372036854775808ns', '1d', 'a\nb', '\u0001', '😀', 'A.b',
  '-a', 'http://a:b', 'http://a:99999', '?x', '#x', 'HTTPS://A', 'ldap:/x',
]; // prettier-ignore
/** Plain scalars whose type depends on the version of YAML. */
const RAW = [
  'yes', 'No', 'on', 'OFF', 'y', 'N', 'TRUE', 'False', '~', 'Null', '0777', '0o17', '0x1F', '0b101', '1_000', '1e3', '1e+3',
  '.5', '5.', '+12', '-0', '1:30', '2026-01-02', '.inf', '12345678901234567890', '9223372036854775807', '18446744073709551616', '1.0', '08', '"yes"',
  '!!str 5', '!!int "5"', '0.1e1', '-.5', '+.inf', '0X1F', '_1', '1__0', '=', '<<', '-0x1', '0o8',
]; // prettier-ignore
const TYPES: readonly unknown[] = ['text', 5, 1.5, true, null, [], {}, ['a'], { a: 1 }];

/** All changes that are worth a try at every place of a value. */
export function breakages(schema: Structural, value: unknown, random: Random, path: Path = []): Breakage[] {
  const out: Breakage[] = [];
  const add = (what: string, at: Path, changed: unknown): void => void out.push({ what, path: at, value: changed });

  add('another type', path, random.pick(TYPES));
  if (schema.enum !== undefined) add('not of the enumeration', path, 'none-of-these');
  if (Array.isArray(value)) {
    const item = value[0] ?? makeValue(schema.items ?? {}, random);
    add('no entries', path, []);
    add('the same twice', path, [...value, item, item]);
    if (schema.maxItems !== undefined && schema.maxItems <= 100)
      add(
        'too many entries',
        path,
        Array.from({ length: schema.maxItems + 1 }, (_, at) => numbered(item, at)),
      );
    add('an entry of nothing', path, [...value, null]);
    for (const [at, child] of value.entries()) out.push(...breakages(schema.items ?? {}, child, random, [...path, at]));
  } else if (typeof value === 'object' && value !== null) {
    out.push(...ofObject(schema, { ...value }, random, path));
  } else if (typeof value === 'string') {
    add('a text that is not meant', path, random.pick(HOSTILE_TEXTS));
    add('another text that is not meant', path, random.pick(HOSTILE_TEXTS));
    if (schema.maxLength !== undefined && schema.maxLength < 10_000) {
      add('too long', path, `${value}${'x'.repeat(schema.maxLength)}`);
      add('too long by one of two bytes', path, 'ü'.repeat(schema.maxLength));
    }
    add('a plain scalar', path, new Raw(random.pick(RAW)));
    add('another plain scalar', path, new Raw(random.pick(RAW)));
  } else if (typeof value === 'number') {
    add('a number that is not meant', path, random.pick([-1, 0, 1e9, 2 ** 31, 2 ** 40, 1.5, -0.5]));
    add('a plain scalar', path, new Raw(random.pick(RAW)));
  } else if (typeof value === 'boolean') {
    add('a plain scalar', path, new Raw(random.pick(RAW)));
  }
  return out;
}

function ofObject(schema: Structural, value: Plain, random: Random, path: Path): Breakage[] {
  const out: Breakage[] = [];
  const properties = Object.entries(schema.properties ?? {});
  const add = (what: string, at: Path, changed: unknown): void => void out.push({ what, path: at, value: changed });
  add('an unknown field', [...path, 'unheardOf'], 1);
  add('an unknown field beside a null', path, { ...value, other: null, unheardOf: { a: 1 } });
  add('no fields', path, {});
  if (properties.length > 1)
    add('every field', path, Object.fromEntries(properties.map(([key, child]) => [key, value[key] ?? makeValue(child, random, key, 3)]))); // prettier-ignore
  for (const [key, child] of properties) {
    if (key in value) {
      add('a field taken away', [...path, key], undefined);
      add('a field of nothing', [...path, key], null);
      out.push(...breakages(child, value[key], random, [...path, key]));
    } else if (random.chance(0.5)) {
      const made = makeValue(child, random, key, 2);
      add('a field more', [...path, key], made);
      // What is broken may well be optional: each place is visited once in a while.
      if (random.chance(0.5)) {
        for (const deeper of breakages(child, made, random, [...path, key]))
          if (random.chance(0.3))
            add(deeper.what, [...path, key], withValue(made, deeper.path.slice(path.length + 1), deeper.value));
      }
    }
  }
  if (typeof schema.additionalProperties === 'object') {
    add('an entry of another type', [...path, 'X-Other'], random.pick(TYPES));
    for (const [key, child] of Object.entries(value))
      if (!(key in (schema.properties ?? {})))
        out.push(...breakages(schema.additionalProperties, child, random, [...path, key]));
  }
  return out;
}

/** A copy of a value with another one at a path. */
export function withValue(value: unknown, path: Path, changed: unknown): unknown {
  const [head, ...rest] = path;
  if (head === undefined) return changed;
  if (Array.isArray(value)) return value.map((item, at) => (at === head ? withValue(item, rest, changed) : item));
  const from: Plain = typeof value === 'object' && value !== null ? { ...value } : {};
  const inner = withValue(from[head], rest, changed);
  if (inner === undefined) delete from[head];
  else from[head] = inner;
  return from;
}

function numbered(item: unknown, at: number): unknown {
  return typeof item === 'object' && item !== null && 'name' in item ? { ...item, name: `n${at}` } : item;
}
