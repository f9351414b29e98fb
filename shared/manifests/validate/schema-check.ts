import { Ajv, type ErrorObject, type ValidateFunction } from 'ajv';
import addFormats from 'ajv-formats';
import { RE2JS } from 're2js';
import { isFields } from '../field.ts';
import { formatPath, type FieldPath } from '../field-path.ts';
import { isDuration } from '../openapi-duration.ts';
import { jsonSchema } from '../schema/json-schema.ts';
import type { KindSchema } from '../schema/kind-schema.ts';
import { withoutNulls } from './without-nulls.ts';
import { goTypeName, isHuge, shown, typeName } from './value-words.ts';

/** A way in which a value does not fit its schema, in the words and with the cause type of the API server. */
export interface Misfit {
  readonly type: string;
  readonly path: FieldPath;
  readonly message: string;
}

const compiled = new WeakMap<KindSchema, ValidateFunction>();

/** All misfits of an object; none when it fits. */
export function schemaCheck(schema: KindSchema, value: unknown): Misfit[] {
  const known = compiled.get(schema) ?? compile(schema);
  compiled.set(schema, known);
  const pruned = withoutNulls(schema.schema, value);
  if (known(pruned) === true) return [];
  const misfits: Misfit[] = [];
  for (const error of known.errors ?? []) {
    const misfit = words(error, pruned);
    if (misfit !== undefined) misfits.push(misfit);
  }
  return misfits;
}

function compile(schema: KindSchema): ValidateFunction {
  const ajv = new Ajv({
    allErrors: true,
    verbose: true,
    strict: false,
    logger: false,
    // A pattern of a CRD is one of Go's, and never runs in an engine that backtracks.
    code: { regExp: Object.assign((pattern: string) => new Pattern(pattern), { code: 'Pattern' }) },
  });
  addFormats.default(ajv, ['date-time', 'date', 'email', 'hostname', 'ipv4', 'ipv6', 'uri', 'uuid', 'byte']);
  ajv.addFormat('duration', { type: 'string', validate: isDuration });
  // A larger one is a float to the server.
  ajv.addKeyword({ keyword: 'int64', type: 'number', validate: (_: unknown, data: number) => !isHuge(data) });
  ajv.addFormat('int32', {
    type: 'number',
    validate: (data: number) => isHuge(data) || (data >= -(2 ** 31) && data < 2 ** 31),
  });
  return ajv.compile(jsonSchema(schema.schema, { closed: false, descriptions: false, int64: true }));
}

class Pattern {
  readonly #compiled: RE2JS;
  constructor(pattern: string) {
    this.#compiled = RE2JS.compile(pattern);
  }
  test(text: string): boolean {
    return this.#compiled.matcher(text).find();
  }
}

/** Messages of kube-openapi's `errors/schema.go` and apimachinery's `field/errors.go`. */
function words(error: ErrorObject, root: unknown): Misfit | undefined {
  const at = pathOf(error.instancePath, root);
  const name = formatPath(at);
  const { params, data, keyword } = error;
  const limit: unknown = params['limit'];
  const invalid = (value: unknown, detail: string): Misfit => ({
    type: 'FieldValueInvalid',
    path: at,
    message: `Invalid value: ${shown(value)}: ${name} in body ${detail}`,
  });
  switch (keyword) {
    case 'required':
      return {
        type: 'FieldValueRequired',
        path: [...at, String(params['missingProperty'])],
        message: 'Required value',
      };
    case 'type': {
      // The server speaks of the format, and in Go's types, unless a text or a list was given.
      const format = typeof data === 'string' || Array.isArray(data) ? undefined : schemaOf(error).format;
      const wanted = format ?? [params['type']].flat().filter((type) => type !== 'null').join(','); // prettier-ignore
      const actual = format === undefined ? typeName(data) : goTypeName(data);
      return {
        type: 'FieldValueTypeInvalid',
        path: at,
        message: `Invalid value: ${shown(actual)}: ${name} in body must be of type ${wanted}: ${shown(actual)}`,
      };
    }
    case 'int64': {
      const format = schemaOf(error).format;
      const [wanted, actual] = format === undefined ? ['integer', 'number'] : [format, 'float64'];
      return {
        type: 'FieldValueTypeInvalid',
        path: at,
        message: `Invalid value: ${shown(actual)}: ${name} in body must be of type ${wanted}: ${shown(actual)}`,
      };
    }
    case 'enum': {
      const values: readonly unknown[] = Array.isArray(params['allowedValues']) ? params['allowedValues'] : [];
      const supported = values.map((value) => shown(typeof value === 'string' ? value : shown(value))).join(', ');
      return {
        type: 'FieldValueNotSupported',
        path: at,
        message: `Unsupported value: ${shown(data)}: supported values: ${supported}`,
      };
    }
    case 'maxLength':
      return {
        type: 'FieldValueTooLong',
        path: at,
        message: `Too long: may not be more than ${String(limit)} ${limit === 1 ? 'byte' : 'bytes'}`,
      };
    case 'maxItems':
    case 'maxProperties': {
      const size = sizeOf(data);
      return {
        type: 'FieldValueTooMany',
        path: at,
        message: `Too many: ${size}: must have at most ${String(limit)} ${limit === 1 ? 'item' : 'items'}`,
      };
    }
    case 'minLength':
      return invalid(data, `should be at least ${String(limit)} chars long`);
    case 'minItems':
      return invalid(sizeOf(data), `should have at least ${String(limit)} items`);
    case 'minProperties':
      return invalid(sizeOf(data), `should have at least ${String(limit)} properties`);
    case 'minimum':
      return invalid(data, `should be greater than or equal to ${String(limit)}`);
    case 'maximum':
      return invalid(data, `should be less than or equal to ${String(limit)}`);
    case 'exclusiveMinimum':
      return invalid(data, `should be greater than ${String(limit)}`);
    case 'exclusiveMaximum':
      return invalid(data, `should be less than ${String(limit)}`);
    case 'multipleOf':
      return invalid(data, `should be a multiple of ${String(params['multipleOf'])}`);
    case 'pattern':
      return invalid(data, `should match '${String(params['pattern'])}'`);
    case 'format':
      if (typeof data === 'number')
        return {
          type: 'FieldValueInvalid',
          path: at,
          message: `Invalid value: "": Checked value must be of type integer with format ${String(params['format'])} in ${name}`,
        };
      return {
        ...invalid(data, `must be of type ${String(params['format'])}: ${shown(data)}`),
        type: 'FieldValueTypeInvalid',
      };
    case 'uniqueItems':
      return invalid(data, "shouldn't contain duplicates");
    case 'anyOf':
      return invalid(data, 'must validate at least one schema (anyOf)');
    case 'oneOf':
      return invalid(data, 'must validate one and only one schema (oneOf)');
    case 'not':
      return invalid(data, 'must not validate the schema (not)');
    case 'if':
      return undefined;
    default:
      return invalid(data, error.message ?? keyword);
  }
}

function schemaOf(error: ErrorObject): { readonly format?: string } {
  const parent: unknown = error.parentSchema;
  const format = isFields(parent) ? parent['format'] : undefined;
  return typeof format === 'string' ? { format } : {};
}

function sizeOf(data: unknown): number {
  if (Array.isArray(data)) return data.length;
  return typeof data === 'object' && data !== null ? Object.keys(data).length : 0;
}

/** Segments of a JSON pointer; those into lists become numbers. */
function pathOf(pointer: string, root: unknown): FieldPath {
  if (pointer === '') return [];
  let at: unknown = root;
  return pointer
    .slice(1)
    .split('/')
    .map((escaped) => {
      const key = escaped.replaceAll('~1', '/').replaceAll('~0', '~');
      const segment = Array.isArray(at) ? Number(key) : key;
      at = typeof at === 'object' && at !== null ? Reflect.get(at, key) : undefined;
      return segment;
    });
}
