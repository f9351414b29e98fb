import type { Structural } from './structural.ts';

export type JsonSchema = Readonly<Record<string, unknown>>;

export interface JsonSchemaOptions {
  /** Refuse fields that the schema does not name. Kubernetes does so beside the schema, when it decodes strictly. */
  readonly closed: boolean;
  readonly descriptions: boolean;
  /** Mark integers, by the keyword `int64`, for a reader that knows of their bounds. */
  readonly int64?: boolean;
}

const COPIED = [
  'format', 'enum', 'pattern', 'minLength', 'maxLength', 'minItems', 'maxItems', 'uniqueItems', 'minProperties',
  'maxProperties', 'multipleOf',
] as const; // prettier-ignore

/** A plain JSON Schema (draft 7) that says what a structural schema says, but for its CEL rules. */
export function jsonSchema(node: Structural, options: JsonSchemaOptions): JsonSchema {
  const out: Record<string, unknown> = {};
  const type = typeOf(node);
  if (type !== undefined) out['type'] = type;
  if (options.int64 === true && node.type === 'integer') out['int64'] = true;
  for (const field of COPIED) if (node[field] !== undefined) out[field] = node[field];
  if (options.descriptions && node.description !== undefined && node.description !== '')
    out['description'] = node.description;
  if (options.descriptions && node.default !== undefined) out['default'] = node.default;
  if (node.minimum !== undefined) out[node.exclusiveMinimum === true ? 'exclusiveMinimum' : 'minimum'] = node.minimum;
  if (node.maximum !== undefined) out[node.exclusiveMaximum === true ? 'exclusiveMaximum' : 'maximum'] = node.maximum;

  const { properties } = node;
  if (properties !== undefined) {
    out['properties'] = Object.fromEntries(
      Object.entries(properties).map(([name, child]) => [name, jsonSchema(child, options)]),
    );
  }
  // A required field with a default is filled in before it is missed.
  const required = (node.required ?? []).filter((name) => properties?.[name]?.default === undefined);
  if (required.length > 0) out['required'] = required;
  if (typeof node.additionalProperties === 'object')
    out['additionalProperties'] = jsonSchema(node.additionalProperties, options);
  else if (options.closed && isClosed(node)) out['additionalProperties'] = false;
  if (node.items !== undefined) out['items'] = jsonSchema(node.items, options);
  for (const combine of ['allOf', 'anyOf', 'oneOf'] as const) {
    // Of a port and the like the type says all: `anyOf` there is Kubernetes' way to write it.
    const parts = node['x-kubernetes-int-or-string'] === true ? undefined : node[combine];
    // The branches name fields that the schema around them defines, so that they are never closed.
    if (parts !== undefined) out[combine] = parts.map((part) => jsonSchema(part, { ...options, closed: false }));
  }
  if (node.not !== undefined) out['not'] = jsonSchema(node.not, { ...options, closed: false });
  return out;
}

/** Whether a field that an object's schema does not name is an error. */
export function isClosed(node: Structural): boolean {
  return (
    node.type === 'object' &&
    node['x-kubernetes-preserve-unknown-fields'] !== true &&
    node['x-kubernetes-embedded-resource'] !== true &&
    (node.additionalProperties === undefined || node.additionalProperties === false)
  );
}

function typeOf(node: Structural): string | readonly string[] | undefined {
  const type = node['x-kubernetes-int-or-string'] === true ? ['integer', 'string'] : node.type;
  if (type === undefined || node.nullable !== true) return type;
  return typeof type === 'string' ? [type, 'null'] : [...type, 'null'];
}
