import { isFields } from '../field.ts';
import type { Structural } from '../schema/structural.ts';

/**
 * A value as the API server checks it: fields set to `null` whose schema does not allow that are left out. The value
 * itself is returned where there are none.
 */
export function withoutNulls(schema: Structural, value: unknown): unknown {
  if (Array.isArray(value)) {
    const { items } = schema;
    if (items === undefined) return value;
    const out = value.map((item) => withoutNulls(items, item));
    return out.some((item, at) => item !== value[at]) ? out : value;
  }
  if (!isFields(value)) return value;
  const rest = typeof schema.additionalProperties === 'object' ? schema.additionalProperties : undefined;
  if (schema.properties === undefined && rest === undefined) return value;
  let changed = false;
  const out: Record<string, unknown> = {};
  for (const [key, child] of Object.entries(value)) {
    const known =
      schema.properties !== undefined && Object.hasOwn(schema.properties, key) ? schema.properties[key] : rest;
    if (child === null && known !== undefined && known.nullable !== true) {
      changed = true;
      continue;
    }
    const kept = known === undefined ? child : withoutNulls(known, child);
    if (kept !== child) changed = true;
    out[key] = kept;
  }
  return changed ? out : value;
}
