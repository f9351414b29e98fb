import { parse } from 'yaml';
import { AgentError } from '../../errors.ts';
import { convertSchema, type Dialect } from './schema-dialect.ts';

/** A request body as an operation wants it. */
export interface BodyRule {
  readonly required: boolean;
  /** Media range → pointer to its schema in `schemas`; undefined: any content. */
  readonly content: ReadonlyMap<string, object | undefined>;
}

export interface OpenApiOperation {
  readonly method: string;
  readonly path: string;
  readonly body?: BodyRule | undefined;
}

export interface OpenApiDocument {
  /** Paths of the servers, without a slash at the end. */
  readonly bases: readonly string[];
  readonly operations: readonly OpenApiOperation[];
  /** The named schemas, as JSON Schema 2020-12, under the names by which `$ref` calls them. */
  readonly root: object;
}

type Fields = Readonly<Record<string, unknown>>;

const METHODS = ['get', 'put', 'post', 'delete', 'options', 'head', 'patch', 'trace', 'query'];
const MAX_OPERATIONS = 10_000;
const MAX_NODES = 500_000;
const MAX_DEPTH = 200;
const MAX_REFS = 16;

/** Swagger 2.0 and OpenAPI 3.x, JSON or YAML. Throws AgentError `openapi-unreadable`. */
export function readOpenApi(text: string): OpenApiDocument {
  const root = parseText(text);
  if (!isFields(root)) throw unreadable('it is no object');
  checkSize(root);
  const dialect = dialectOf(root);
  const reader = new Reader(root, dialect);
  const operations: OpenApiOperation[] = [];
  for (const [path, given] of Object.entries(fieldsOf(root['paths']))) {
    if (!path.startsWith('/')) continue;
    const item = reader.resolve(given);
    for (const method of METHODS) {
      if (!isFields(item[method])) continue;
      operations.push({ method: method.toUpperCase(), path, body: reader.body(item, item[method]) });
      if (operations.length > MAX_OPERATIONS) throw unreadable(`it has more than ${MAX_OPERATIONS} operations`);
    }
  }
  return { bases: basesOf(root, dialect), operations, root: reader.schemas() };
}

function parseText(text: string): unknown {
  try {
    return /^\s*\{/.test(text) ? JSON.parse(text) : parse(text, { maxAliasCount: 100, logLevel: 'silent' });
  } catch (error) {
    throw unreadable(error instanceof Error ? (error.message.split('\n', 1)[0] ?? '') : String(error));
  }
}

class Reader {
  readonly #root: Fields;
  readonly #dialect: Dialect;

  constructor(root: Fields, dialect: Dialect) {
    this.#root = root;
    this.#dialect = dialect;
  }

  /** What a `$ref` into the same document leads to; nothing is fetched for one that leads elsewhere. */
  resolve(given: unknown): Fields {
    let at = fieldsOf(given);
    for (let step = 0; typeof at['$ref'] === 'string'; step += 1) {
      const ref = at['$ref'];
      if (!ref.startsWith('#/')) throw unreadable(`$ref ${JSON.stringify(ref)} leads out of the document`);
      if (step >= MAX_REFS) throw unreadable(`$ref ${JSON.stringify(ref)} leads in a circle`);
      let found: unknown = this.#root;
      for (const part of ref.slice(2).split('/')) {
        const key = decodeURIComponent(part).replaceAll('~1', '/').replaceAll('~0', '~');
        found =
          typeof found === 'object' && found !== null && Object.hasOwn(found, key) ? (found as Fields)[key] : undefined;
      }
      if (found === undefined) throw unreadable(`$ref ${JSON.stringify(ref)} leads nowhere`);
      at = fieldsOf(found);
    }
    return at;
  }

  body(item: Fields, operation: Fields): BodyRule | undefined {
    if (this.#dialect === 'swagger-2') return this.#swaggerBody(item, operation);
    if (operation['requestBody'] === undefined) return undefined;
    const body = this.resolve(operation['requestBody']);
    const content = new Map<string, object | undefined>();
    for (const [type, media] of Object.entries(fieldsOf(body['content'])))
      content.set(type.toLowerCase(), this.#schema(fieldsOf(media)['schema']));
    return { required: body['required'] === true, content };
  }

  schemas(): object {
    const from =
      this.#dialect === 'swagger-2' ? this.#root['definitions'] : fieldsOf(this.#root['components'])['schemas'];
    const named: Record<string, unknown> = {};
    for (const [name, schema] of Object.entries(fieldsOf(from))) named[name] = convertSchema(schema, this.#dialect);
    return this.#dialect === 'swagger-2' ? { definitions: named } : { components: { schemas: named } };
  }

  #swaggerBody(item: Fields, operation: Fields): BodyRule | undefined {
    const parameters = [...listOf(operation['parameters']), ...listOf(item['parameters'])].map((one) =>
      this.resolve(one),
    );
    const body = parameters.find((one) => one['in'] === 'body');
    if (body === undefined) return undefined;
    const types = listOf(operation['consumes'] ?? this.#root['consumes']).filter((type) => typeof type === 'string');
    const schema = this.#schema(body['schema']);
    const content = new Map(
      (types.length === 0 ? ['application/json'] : types).map((type) => [type.toLowerCase(), schema] as const),
    );
    return { required: body['required'] === true, content };
  }

  #schema(schema: unknown): object | undefined {
    const converted = convertSchema(schema, this.#dialect);
    return typeof converted === 'object' && converted !== null ? converted : undefined;
  }
}

function basesOf(root: Fields, dialect: Dialect): string[] {
  if (dialect === 'swagger-2') return typeof root['basePath'] === 'string' ? [trim(root['basePath'])] : [];
  return listOf(root['servers']).flatMap((server) => {
    const { url, variables } = fieldsOf(server);
    if (typeof url !== 'string') return [];
    const filled = url.replaceAll(/\{([^{}]+)\}/g, (_, name: string) =>
      wordOf(fieldsOf(fieldsOf(variables)[name])['default']),
    );
    const parsed = URL.parse(filled, 'http://public.invalid');
    return parsed === null ? [] : [trim(parsed.pathname)];
  });
}

function dialectOf(root: Fields): Dialect {
  const version = wordOf(root['openapi'] ?? root['swagger']);
  if (root['swagger'] !== undefined && version.startsWith('2')) return 'swagger-2';
  if (version.startsWith('3.0')) return 'openapi-3.0';
  if (version.startsWith('3.')) return 'json-schema';
  throw unreadable('it is neither Swagger 2.0 nor OpenAPI 3');
}

function checkSize(root: object): void {
  let nodes = 0;
  const left: [unknown, number][] = [[root, 0]];
  for (let next = left.pop(); next !== undefined; next = left.pop()) {
    const [value, depth] = next;
    if (typeof value !== 'object' || value === null) continue;
    nodes += 1;
    if (nodes > MAX_NODES || depth > MAX_DEPTH) throw unreadable('it is too large or too deep');
    for (const child of Object.values(value)) left.push([child, depth + 1]);
  }
}

function trim(path: string): string {
  return path.replace(/\/+$/, '');
}

function unreadable(why: string): AgentError {
  return new AgentError('openapi-unreadable', `The OpenAPI document cannot be used: ${why}.`);
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function fieldsOf(value: unknown): Fields {
  return isFields(value) ? value : {};
}

/** Versions are numbers where the YAML has no quotes. */
function wordOf(value: unknown): string {
  return typeof value === 'string' || typeof value === 'number' ? String(value) : '';
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}
