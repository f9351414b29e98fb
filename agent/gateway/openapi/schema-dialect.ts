export type Dialect = 'swagger-2' | 'openapi-3.0' | 'json-schema';

/** Holds schemas by name, not keywords. */
const BY_NAME: ReadonlySet<string> = new Set([
  'properties',
  'patternProperties',
  'definitions',
  '$defs',
  'dependentSchemas',
]);
/** Hold values, not schemas. */
const VALUES: ReadonlySet<string> = new Set(['enum', 'const', 'default', 'example', 'examples', 'required']);
/** Say nothing of a value, or would let the document load or name others. */
const DROPPED: ReadonlySet<string> = new Set([
  'example',
  'examples',
  'xml',
  'externalDocs',
  'discriminator',
  '$id',
  '$schema',
  'id',
]);

/**
 * A schema of OpenAPI as JSON Schema 2020-12: `nullable` and exclusive bounds of the older ones rewritten, properties that
 * only answers have not required of requests.
 */
export function convertSchema(schema: unknown, dialect: Dialect): unknown {
  if (Array.isArray(schema)) return schema.map((entry) => convertSchema(entry, dialect));
  if (typeof schema !== 'object' || schema === null) return schema;
  const from = schema as Readonly<Record<string, unknown>>;
  // Before 3.1 nothing beside a reference counts.
  if (dialect !== 'json-schema' && typeof from['$ref'] === 'string') return { $ref: from['$ref'] };
  const to: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(from)) {
    if (DROPPED.has(key) || key.startsWith('x-')) continue;
    if (VALUES.has(key)) to[key] = value;
    else if (BY_NAME.has(key) && typeof value === 'object' && value !== null)
      to[key] = Object.fromEntries(Object.entries(value).map(([name, child]) => [name, convertSchema(child, dialect)]));
    else to[key] = convertSchema(value, dialect);
  }
  dropReadOnly(to, from);
  if (dialect === 'json-schema') return to;
  exclusive(to, 'minimum', 'exclusiveMinimum');
  exclusive(to, 'maximum', 'exclusiveMaximum');
  delete to['nullable'];
  const nullable = from['nullable'] === true || from['x-nullable'] === true;
  return nullable ? { anyOf: [to, { type: 'null' }] } : to;
}

function exclusive(schema: Record<string, unknown>, bound: string, word: string): void {
  if (schema[word] === true && typeof schema[bound] === 'number') {
    schema[word] = schema[bound];
    delete schema[bound];
  } else if (typeof schema[word] === 'boolean') delete schema[word];
}

function dropReadOnly(to: Record<string, unknown>, from: Readonly<Record<string, unknown>>): void {
  const { required, properties } = from;
  if (!Array.isArray(required) || typeof properties !== 'object' || properties === null) return;
  const readOnly = new Set(
    Object.entries(properties).flatMap(([name, property]: [string, unknown]) =>
      typeof property === 'object' && property !== null && 'readOnly' in property && property.readOnly === true
        ? [name]
        : [],
    ),
  );
  to['required'] = required.filter((name) => typeof name !== 'string' || !readOnly.has(name));
}
