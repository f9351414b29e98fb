import { checkRules } from '../cel/check-rules.ts';
import { fields, text } from '../field.ts';
import { formatPath, type FieldPath } from '../field-path.ts';
import { UNSERVED, UNSERVED_ROUTING } from '../kinds.ts';
import { nearNames } from '../near-names.ts';
import { groupOf } from '../object-id.ts';
import { report } from '../report.ts';
import type { KindSchema } from '../schema/kind-schema.ts';
import { apiVersionOf, findSchema, isKnownGroup, type SchemaSet } from '../schema/schema-set.ts';
import type { Diagnostic, ManifestDocument } from '../types.ts';
import { deprecations } from './deprecations.ts';
import { metadataCheck } from './metadata-check.ts';
import { nameProblems } from './name-check.ts';
import { schemaCheck } from './schema-check.ts';
import { unknownFields } from './unknown-fields.ts';
import { shown } from './value-words.ts';

/** Cause types after which the rules on the same value would say nothing of use. */
const BLOCKING = new Set([
  'FieldValueRequired',
  'FieldValueTypeInvalid',
  'FieldValueTooLong',
  'FieldValueTooMany',
  'FieldValueNotSupported',
]);

/**
 * What an API server would refuse about an object, all of it and in its words: strict decoding, schema, name, rules.
 * Kinds of groups that are not ours to know are let through.
 */
export function validateDocument(
  document: ManifestDocument,
  schemas: SchemaSet,
  options: { readonly strictNamespace?: boolean | undefined } = {},
): Diagnostic[] {
  const { ref } = document;
  const known = findSchema(schemas, ref.apiVersion, ref.kind);
  if (known === undefined) return unknownKind(document, schemas);
  const diagnostics: Diagnostic[] = [...deprecations(document, known)];

  for (const { path, known: names } of unknownFields(known.schema, document.value)) {
    const near = nearNames(String(path.at(-1)), names).map((name) => `"${name}"`);
    const message = `strict decoding error: unknown field "${formatPath(path)}"`;
    const hint = near.length > 0 ? `Did you mean ${near.join(' or ')}?` : knownFields(names);
    diagnostics.push(report(document, 'unknown-field', path, message, { at: 'key', hint }));
  }

  const misfits = [...metadataCheck(document.value), ...schemaCheck(known, document.value)];
  for (const { type, path, message } of misfits) {
    const required = type === 'FieldValueRequired';
    diagnostics.push(
      report(document, 'schema', path, message, {
        type,
        hint: hintFor(path, type, document),
        at: required ? 'key' : 'value',
      }),
    );
  }
  diagnostics.push(
    ...checkName(document, known.names),
    ...checkNamespace(document, known, options.strictNamespace === true),
  );

  const blocked = misfits
    .filter(({ type }) => BLOCKING.has(type))
    .map(({ path, type }) => (type === 'FieldValueRequired' ? path.slice(0, -1) : path));
  diagnostics.push(...checkRules(document, known.schema, blocked));
  return diagnostics;
}

function checkNamespace(document: ManifestDocument, known: KindSchema, strict: boolean): Diagnostic[] {
  const path = ['metadata', 'namespace'];
  const namespace = fields(document.value, 'metadata')['namespace'];
  const absent = namespace === undefined || namespace === null || namespace === '';
  if (known.scope === 'Cluster') {
    if (absent) return [];
    const message = 'Forbidden: not allowed on this type';
    return [
      report(document, 'schema', path, message, {
        type: 'FieldValueForbidden',
        hint: 'Remove it: the kind has no namespaces.',
      }),
    ];
  }
  if (absent) {
    if (!strict) return [];
    return [
      report(document, 'schema', path, 'Required value', {
        type: 'FieldValueRequired',
        at: 'key',
        hint: 'Add `namespace:`.',
      }),
    ];
  }
  if (typeof namespace !== 'string') return [];
  return nameProblems(namespace, 'label').map((words) =>
    report(document, 'name-invalid', path, `Invalid value: ${shown(namespace)}: ${words}`, {
      type: 'FieldValueInvalid',
    }),
  );
}

function checkName(document: ManifestDocument, names: 'label' | 'subdomain'): Diagnostic[] {
  const metadata = fields(document.value, 'metadata');
  const name = metadata['name'];
  if (name === undefined || name === null || name === '') {
    if (text(metadata['generateName']) !== undefined) return [];
    const message = 'Required value: name or generateName is required';
    return [report(document, 'schema', ['metadata', 'name'], message, { type: 'FieldValueRequired', at: 'key' })];
  }
  if (typeof name !== 'string') return [];
  return nameProblems(name, names).map((words) =>
    report(document, 'name-invalid', ['metadata', 'name'], `Invalid value: ${shown(name)}: ${words}`, {
      type: 'FieldValueInvalid',
    }),
  );
}

function unknownKind(document: ManifestDocument, schemas: SchemaSet): Diagnostic[] {
  const { apiVersion, kind } = document.ref;
  const sort = document.sort;
  // The compiler says what a preview does not do about these.
  if (UNSERVED.has(sort) || UNSERVED_ROUTING.has(sort)) return [];
  const group = groupOf(apiVersion);
  const sameKind = [...schemas.kinds.values()].find((other) => other.kind === kind && other.group === group);
  if (sameKind !== undefined) {
    const message = `no matches for kind "${kind}" in version "${apiVersion}"`;
    return [
      report(document, 'unknown-kind', ['apiVersion'], message, {
        hint: `Write apiVersion: ${apiVersionOf(sameKind)}.`,
      }),
    ];
  }
  if (!isKnownGroup(schemas, apiVersion)) return [];
  const kinds = [...schemas.kinds.values()].filter((other) => other.group === group).map((other) => other.kind);
  const near = nearNames(kind, kinds).map((name) => `"${name}"`);
  const hint = near.length > 0 ? `Did you mean ${near.join(' or ')}?` : `Known kinds of ${group}: ${kinds.join(', ')}.`;
  return [
    report(document, 'unknown-kind', ['kind'], `no matches for kind "${kind}" in version "${apiVersion}"`, { hint }),
  ];
}

function knownFields(names: readonly string[]): string | undefined {
  if (names.length === 0) return undefined;
  return names.length > 12 ? 'Remove it, or correct the name.' : `Known here: ${names.join(', ')}.`;
}

/** Unquoted `true`, `8080` and the like where a text is wanted are the commonest slip. */
function hintFor(path: FieldPath, type: string, document: ManifestDocument): string | undefined {
  if (type === 'FieldValueRequired') return `Add \`${String(path.at(-1))}:\`.`;
  if (type !== 'FieldValueTypeInvalid') return undefined;
  let value: unknown = document.value;
  for (const segment of path)
    value = typeof value === 'object' && value !== null ? Reflect.get(value, segment) : undefined;
  return typeof value === 'boolean' || typeof value === 'number'
    ? `If a text is meant, put it in quotes: "${String(value)}".`
    : undefined;
}
