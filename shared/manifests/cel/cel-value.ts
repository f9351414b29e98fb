import { evaluate } from '@marcbachmann/cel-js';
import { isFields } from '../field.ts';
import { durationText } from '../openapi-duration.ts';
import type { Structural } from '../schema/structural.ts';

/** CEL's keywords, which Kubernetes lets rules write as `__keyword__`. */
const RESERVED = new Set([
  'true', 'false', 'null', 'in', 'as', 'break', 'const', 'continue', 'else', 'for', 'function', 'if', 'import', 'let', 'loop',
  'package', 'namespace', 'return', 'var', 'void', 'while',
]); // prettier-ignore

/**
 * A value as rules see it: integers as `int`, `format: duration` as durations, `date-time` as timestamps, defaults
 * filled in, fields that the schema does not name left out, names escaped as Kubernetes does.
 */
export function celValue(schema: Structural, value: unknown): unknown {
  if (value === null || value === undefined) return null;
  if (typeof value === 'number') {
    if (schema.type === 'number') return value;
    return Number.isSafeInteger(value) ? BigInt(value) : value;
  }
  if (typeof value === 'string') return stringValue(schema, value);
  if (Array.isArray(value)) return value.map((item) => celValue(schema.items ?? {}, item));
  if (!isFields(value)) return value;
  const out: Record<string, unknown> = {};
  const { properties } = schema;
  if (properties === undefined) {
    const rest = typeof schema.additionalProperties === 'object' ? schema.additionalProperties : {};
    for (const [key, child] of Object.entries(value)) out[key] = celValue(rest, child);
    return out;
  }
  for (const [key, child] of Object.entries(properties)) {
    const given = Object.hasOwn(value, key) ? value[key] : undefined;
    const filled = given === undefined ? child.default : given;
    if (filled !== undefined && filled !== null) out[escaped(key)] = celValue(child, filled);
  }
  return out;
}

function stringValue(schema: Structural, value: string): unknown {
  // What is not of the format is the schema's to report; as a text the rule fails with a type error.
  if (schema.format === 'duration') {
    const text = durationText(value);
    if (text !== undefined) return evaluate('duration(text)', { text });
  }
  if (schema.format === 'date-time' && !Number.isNaN(Date.parse(value))) return new Date(value);
  return value;
}

function escaped(name: string): string {
  if (RESERVED.has(name)) return `__${name}__`;
  if (/^[a-zA-Z_][a-zA-Z0-9_]*$/.test(name) && !name.includes('__')) return name;
  return name
    .replaceAll('__', '__underscores__')
    .replaceAll('.', '__dot__')
    .replaceAll('-', '__dash__')
    .replaceAll('/', '__slash__');
}
