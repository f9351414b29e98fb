import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import { RE2JS } from 're2js';
import type { OpenApiDocument, OpenApiOperation } from './read-open-api.ts';

export interface Failure {
  /** JSON pointer into the body; empty: the body as a whole. */
  readonly pointer: string;
  readonly message: string;
}

export type Found =
  | { readonly kind: 'found'; readonly operation: OpenApiOperation }
  | { readonly kind: 'no-path' }
  | { readonly kind: 'no-method'; readonly allow: readonly string[] };

interface PathEntry {
  readonly segments: readonly (string | RE2JS)[];
  /** One character a segment: fixed before mixed before a parameter. */
  readonly rank: string;
  readonly methods: Map<string, OpenApiOperation>;
}

const MAX_FAILURES = 20;
/** Above, the first failure alone is told: a long array of wrong entries would make as many. */
const MAX_BYTES_FOR_ALL = 64 * 1024;
const ROOT = 'document';

/** An OpenAPI document, ready for requests. */
export class Contract {
  readonly #bases: readonly string[];
  /** By number of segments, the most fixed first. */
  readonly #paths = new Map<number, PathEntry[]>();
  readonly #first: Ajv2020;
  readonly #all: Ajv2020;
  readonly #checks = new Map<object, Partial<Record<'first' | 'all', ValidateFunction>>>();

  constructor(document: OpenApiDocument, bases: readonly string[] = document.bases) {
    this.#bases = [...new Set([...bases, ''])].toSorted((a, b) => b.length - a.length);
    const entries = new Map<string, PathEntry>();
    for (const operation of document.operations) {
      let entry = entries.get(operation.path);
      if (entry === undefined) {
        entry = pathEntry(operation.path);
        entries.set(operation.path, entry);
        const same = this.#paths.get(entry.segments.length) ?? [];
        same.push(entry);
        this.#paths.set(entry.segments.length, same);
      }
      entry.methods.set(operation.method, operation);
    }
    for (const same of this.#paths.values()) same.sort((a, b) => (a.rank < b.rank ? -1 : a.rank > b.rank ? 1 : 0));
    this.#first = validator(document.root, false);
    this.#all = validator(document.root, true);
  }

  /** Concrete paths come before templated ones (OpenAPI 3.1, Paths Object). `path`: without escapes. */
  find(method: string, path: string): Found {
    const allow = new Set<string>();
    for (const base of this.#bases) {
      if (base !== '' && path !== base && !path.startsWith(`${base}/`)) continue;
      const rest = path.slice(base.length);
      const segments = (rest === '' ? '/' : rest).split('/');
      for (const entry of this.#paths.get(segments.length) ?? []) {
        if (!entry.segments.every((part, at) => fits(part, segments[at] ?? ''))) continue;
        const operation = entry.methods.get(method) ?? (method === 'HEAD' ? entry.methods.get('GET') : undefined);
        if (operation !== undefined) return { kind: 'found', operation };
        for (const name of entry.methods.keys()) allow.add(name);
        break;
      }
    }
    return allow.size === 0 ? { kind: 'no-path' } : { kind: 'no-method', allow: [...allow].toSorted() };
  }

  /** What is wrong with a body; nothing, when the list is empty. Throws when a schema of the document is none. */
  bodyFailures({ body: rule }: OpenApiOperation, contentType: string, body: Buffer): readonly Failure[] {
    if (rule === undefined) return [];
    if (body.length === 0) return rule.required ? [{ pointer: '', message: 'a body is required' }] : [];
    const type = contentType.split(';', 1)[0]?.trim().toLowerCase() ?? '';
    const range = [type, `${type.split('/', 1)[0]}/*`, '*/*'].find((name) => rule.content.has(name));
    if (range === undefined)
      return [
        {
          pointer: '',
          message: `the content type is ${JSON.stringify(type)}, not ${[...rule.content.keys()].join(' or ')}`,
        },
      ];
    const schema = rule.content.get(range);
    if (schema === undefined || !/^application\/(?:.+\+)?json$/.test(type)) return [];
    let value: unknown;
    try {
      value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body));
    } catch (error) {
      return [
        { pointer: '', message: `the body is no JSON: ${error instanceof Error ? error.message : String(error)}` },
      ];
    }
    const check = this.#check(schema, body.length <= MAX_BYTES_FOR_ALL ? 'all' : 'first');
    if (check(value)) return [];
    return (check.errors ?? []).slice(0, MAX_FAILURES).map(({ instancePath, message = 'is wrong', params }) => {
      const named = params['additionalProperty'] ?? params['allowedValues'];
      const more = named === undefined ? '' : `: ${JSON.stringify(named)}`;
      return { pointer: instancePath, message: `${message}${more}` };
    });
  }

  #check(schema: object, how: 'first' | 'all'): ValidateFunction {
    const known = this.#checks.get(schema) ?? {};
    this.#checks.set(schema, known);
    return (known[how] ??= (how === 'all' ? this.#all : this.#first).compile(inRoot(schema)));
  }
}

function validator(root: object, allErrors: boolean): Ajv2020 {
  const regExp = Object.assign((pattern: string) => new BoundedPattern(pattern), { code: 'require("re2js")' });
  const ajv = new Ajv2020({ allErrors, strict: false, validateSchema: false, logger: false, code: { regExp } });
  addFormats.default(ajv);
  // Ajv's own compares each item with each other one, which visitors could make take minutes.
  ajv.removeKeyword('uniqueItems');
  ajv.addKeyword({
    keyword: 'uniqueItems',
    type: 'array',
    schemaType: 'boolean',
    validate: (unique: boolean, items: readonly unknown[]) => !unique || areUnique(items),
    error: { message: 'must NOT have duplicate items' },
  });
  ajv.addSchema(root, ROOT);
  return ajv;
}

function areUnique(items: readonly unknown[]): boolean {
  const seen = new Set<string>();
  for (const item of items) seen.add(JSON.stringify(item, inOrder));
  return seen.size === items.length;
}

/** Objects are the same whatever the order of their properties. */
function inOrder(_: string, value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1)));
}

/** Patterns of others, in time that grows with the text only. Throws for those that RE2 has not. */
class BoundedPattern {
  readonly #pattern: RE2JS;

  constructor(pattern: string) {
    this.#pattern = RE2JS.compile(pattern);
  }

  test(text: string): boolean {
    return this.#pattern.matcher(text).find();
  }
}

/** `#/…` of the document means the document, wherever the schema is compiled. */
function inRoot<T>(schema: T): T {
  const moved: unknown = JSON.parse(JSON.stringify(schema), (key, value: unknown) =>
    key === '$ref' && typeof value === 'string' && value.startsWith('#') ? `${ROOT}${value}` : value,
  );
  return moved as T;
}

function pathEntry(path: string): PathEntry {
  const parts = path.split('/');
  const segments = parts.map((part) => {
    if (!/\{[^{}]*\}/.test(part)) return part;
    const pattern = part.split(/\{[^{}]*\}/).map((text) => RE2JS.quote(text));
    return RE2JS.compile(`^${pattern.join('.+')}$`, RE2JS.DOTALL);
  });
  const rank = parts.map((part) => (!part.includes('{') ? 'a' : /^\{[^{}]*\}$/.test(part) ? 'c' : 'b')).join('');
  return { segments, rank, methods: new Map() };
}

function fits(part: string | RE2JS, segment: string): boolean {
  return typeof part === 'string' ? part === segment : part.matches(segment);
}
