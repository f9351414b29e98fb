import { jsonSchema, type JsonSchema } from './json-schema.ts';
import { apiVersionOf, type SchemaSet } from './schema-set.ts';

/**
 * One JSON Schema for the editor, in which each document of a file finds the schema of its own kind: completion and
 * hints by `apiVersion` and `kind`. Enumerations of both are offered before they are written.
 */
export function editorSchema(set: SchemaSet): JsonSchema {
  const kinds = [...set.kinds.values()];
  return {
    $schema: 'http://json-schema.org/draft-07/schema#',
    type: 'object',
    properties: {
      apiVersion: {
        type: 'string',
        description: 'Group and version of the object.',
        examples: [...new Set(kinds.map(apiVersionOf))],
      },
      kind: {
        type: 'string',
        description: 'Kind of the object.',
        examples: [...new Set(kinds.map(({ kind }) => kind))],
      },
    },
    allOf: kinds.map((known) => ({
      if: {
        properties: { apiVersion: { const: apiVersionOf(known) }, kind: { const: known.kind } },
        required: ['apiVersion', 'kind'],
      },
      // oxlint-disable-next-line unicorn/no-thenable -- JSON Schema calls it so
      then: jsonSchema(known.schema, { closed: true, descriptions: true }),
    })),
  };
}
