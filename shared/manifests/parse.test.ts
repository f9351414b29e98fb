import { describe, expect, it } from 'vitest';
import { formatPath } from './field-path.ts';
import { MAX_FILE_BYTES, parseFile } from './parse.ts';
import type { Range } from './types.ts';

function parse(text: string, path = 'a.yaml'): ReturnType<typeof parseFile> {
  return parseFile({ path, text }, 'shop');
}

function problems(text: string, path?: string): string[] {
  return parse(text, path).diagnostics.map(({ code, line, column, message }) => `${code} ${line}:${column} ${message}`);
}

function show({ start, end }: Range): string {
  return `${start.line}:${start.column}-${end.line}:${end.column}`;
}

const SERVICE = 'apiVersion: v1\nkind: Service\nmetadata:\n  name: a\n';

describe('objects of a file', () => {
  it('come from every document, with the namespace of the workspace where they name none', () => {
    const { documents, diagnostics } = parse(`---\n${SERVICE}---\n# nothing\n---\n${SERVICE}  namespace: other\n`);
    expect(diagnostics).toEqual([]);
    expect(documents.map(({ id, index }) => [id, index])).toEqual([['/Service/shop/a', 0], ['/Service/other/a', 2]]); // prettier-ignore
  });

  it('come from JSON', () => {
    const { documents } = parse('{"apiVersion": "v1", "kind": "Service", "metadata": {"name": "a"}}', 'a.json');
    expect(documents.map(({ id }) => id)).toEqual(['/Service/shop/a']);
  });

  it('come from the items of a List, with positions in it', () => {
    const { documents } = parse(
      `apiVersion: v1\nkind: List\nitems:\n  - apiVersion: v1\n    kind: Secret\n    metadata:\n      name: s\n`,
    );
    expect(documents.map(({ id }) => id)).toEqual(['/Secret/shop/s']);
    expect(documents.map((document) => show(document.locate(['metadata', 'name'])))).toEqual(['7:13-7:14']);
  });

  it('have no namespace where their kind has none', () => {
    expect(parse('apiVersion: v1\nkind: Namespace\nmetadata: { name: a }').documents[0]?.id).toBe('/Namespace//a');
  });

  it('are read after a byte order mark, with the same positions', () => {
    expect(parse(`\uFEFF${SERVICE}`).documents.map((document) => show(document.locate(['kind'])))).toEqual([
      '2:7-2:14',
    ]);
  });

  it('are frozen, and keep a key named __proto__ as a key', () => {
    const [document] = parse(`${SERVICE}__proto__: { polluted: true }\n`).documents;
    expect(Object.isFrozen(document?.value) && Object.isFrozen(document?.value['metadata'])).toBe(true);
    expect(Object.keys(document?.value ?? {})).toContain('__proto__');
    expect(Reflect.get({}, 'polluted')).toBeUndefined();
  });

  it('have merge keys and aliases filled in', () => {
    const [document] = parse(`${SERVICE}x: &x { a: 1, b: 2 }\nu:\n  <<: *x\n  b: 3\nz: *x\n`).documents;
    expect(document?.value).toMatchObject({ u: { a: 1, b: 3 }, z: { a: 1, b: 2 } });
  });
});

describe('says nothing about files that are something else', () => {
  it.each([
    ['adit.yaml', 'name: x\nkind: 5\nspec: {}'],
    ['sub/kustomization.yaml', 'resources: [a.yaml]'],
    ['docker-compose.yml', 'services: {}'],
    ['values.yaml', 'kind: x\nspec: 1'],
    ['chart/templates/x.yaml', '{{ if .Values.x }}\nkind: Service\n{{ end }}'],
    ['.github/workflows/ci.yaml', '\tbroken'],
    ['notes.yaml', 'just: notes\nand: more\n'],
    ['list.yaml', '- 1\n- 2\n'],
    ['empty.yaml', ''],
    ['k.yaml', 'apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Component\n'],
  ])('%s', (path, text) => {
    expect(parse(text, path)).toEqual({ documents: [], diagnostics: [] });
  });
});

it('reads what lies beside the folder that one is in', () => {
  expect(parse('a: [1', '../shop/a.yaml').diagnostics).toHaveLength(1);
  expect(parse('a: [1', '../.shop/a.yaml').diagnostics).toEqual([]);
});

describe('what cannot be read becomes a diagnostic at its place', () => {
  it.each([
    ['a tab as indentation', 'a:\n\tb: 1\n', 'yaml-syntax 2:1'],
    ['an open list', 'a: [1, 2\nb: 3\n', 'yaml-syntax 2:1'],
    [
      'a duplicate key',
      `${SERVICE}spec:\n  type: a\n  type: b\n`,
      'yaml-duplicate-key 7:3 key "type" is already set in this map',
    ],
    ['an unknown alias', `${SERVICE}x: *nope\n`, 'yaml-alias 5:4 the anchor "nope" is not defined before it is used'],
    [
      'an object without kind',
      'apiVersion: v1\nmetadata: { name: a }\n',
      'not-a-manifest 1:1 skipped: it looks like a Kubernetes object but has no `kind`',
    ],
    ['text that is not text', 'a\u0000b', 'yaml-syntax 1:2 the file is not UTF-8 text'],
    ['a file of too many lines', '- a\n'.repeat(70_000), 'yaml-too-complex 1:1'],
    ['a file that is too large', 'x'.repeat(MAX_FILE_BYTES + 1), 'file-too-large 1:1'],
  ])('%s', (_, text, expected) => {
    const [first] = problems(text);
    expect(first?.slice(0, expected.length)).toBe(expected);
  });

  it('bounds aliases that grow without end', () => {
    const levels = Array.from(
      { length: 12 },
      (_, at) => `l${at}: &l${at} [${Array.from({ length: 9 }, () => (at === 0 ? 'x' : `*l${at - 1}`)).join(', ')}]`,
    );
    expect(problems(`${SERVICE}${levels.join('\n')}\n`)[0]).toContain('yaml-too-complex');
  });

  it('bounds an alias within itself', () => {
    expect(problems(`${SERVICE}x: &x\n  y: *x\n`)).toEqual(['yaml-alias 6:6 the alias "x" contains itself']);
  });

  it.each([['['], ['{a: '], ['- ']])('bounds nesting of %j', (open) => {
    const { documents, diagnostics } = parse(`${SERVICE}x: ${open === '- ' ? '\n  ' : ''}${open.repeat(20_000)}`);
    expect(documents.length).toBeLessThanOrEqual(1);
    expect(diagnostics.length).toBeGreaterThan(0);
  });

  it('reads the other documents of the file', () => {
    const { documents, diagnostics } = parse(`${SERVICE}---\na: [\n---\n${SERVICE.replace('name: a', 'name: b')}`);
    expect(documents.map(({ ref }) => ref.name)).toEqual(['a', 'b']);
    expect(diagnostics.length).toBeGreaterThan(0);
  });
});

describe('positions', () => {
  const [document] = parse(
    `${SERVICE}spec:\n  ports:\n    - port: 80\n      name: "http"\n    - port: 81\n  text: |\n    one\n    two\n`,
  ).documents;
  it.each<[string, (string | number)[], 'key' | 'value', string]>([
    ['a value', ['spec', 'ports', 0, 'port'], 'value', '7:13-7:15'],
    ['a quoted value', ['spec', 'ports', 0, 'name'], 'value', '8:13-8:19'],
    ['a key', ['spec', 'ports'], 'key', '6:3-6:8'],
    ['an entry of a list', ['spec', 'ports', 1], 'value', '9:7-9:15'],
    ['a text of several lines', ['spec', 'text'], 'value', '10:9-12:8'],
    ['the nearest that exists', ['spec', 'ports', 0, 'protocol', 'x'], 'value', '7:7-7:15'],
    ['the key of what lacks a field', ['spec', 'type'], 'value', '5:1-5:5'],
  ])('of %s', (_, path, what, expected) => {
    expect(document === undefined ? '' : show(document.locate(path, what))).toBe(expected);
  });

  it('have paths in the notation of Kubernetes', () => {
    expect(formatPath(['spec', 'openApiSpec', 'operationSets', 0, 'matchers', 1])).toBe(
      'spec.openApiSpec.operationSets[0].matchers[1]',
    );
    expect(formatPath(['metadata', 'annotations', 'hub.traefik.io/api'])).toBe(
      'metadata.annotations[hub.traefik.io/api]',
    );
  });
});
