import { isFields } from '../field.ts';
import type { FieldPath } from '../field-path.ts';
import { isClosed } from '../schema/json-schema.ts';
import type { Structural } from '../schema/structural.ts';

/** A field that the schema does not name, and the names that it does at that place. */
export interface UnknownField {
  readonly path: FieldPath;
  readonly known: readonly string[];
}

/** The schema of what has none. */
const NOTHING: Structural = {};

/** Fields that strict decoding refuses. */
export function unknownFields(schema: Structural, value: unknown): UnknownField[] {
  const found: UnknownField[] = [];
  walk(schema, value, [], found);
  return found;
}

function walk(schema: Structural, value: unknown, path: FieldPath, found: UnknownField[]): void {
  if (Array.isArray(value)) {
    const items = schema.items ?? (schema['x-kubernetes-preserve-unknown-fields'] === true ? undefined : NOTHING);
    if (items !== undefined) for (const [at, item] of value.entries()) walk(items, item, [...path, at], found);
    return;
  }
  if (!isFields(value)) return;
  const properties = schema.properties ?? {};
  const rest = typeof schema.additionalProperties === 'object' ? schema.additionalProperties : undefined;
  // Where the schema wants something else than an object, the server drops fields before it sees the wrong type.
  const closed = isClosed({ ...schema, type: 'object' });
  for (const [key, child] of Object.entries(value)) {
    const known = Object.hasOwn(properties, key) ? properties[key] : rest;
    if (known !== undefined) walk(known, child, [...path, key], found);
    else if (closed) found.push({ path: [...path, key], known: Object.keys(properties) });
  }
}
