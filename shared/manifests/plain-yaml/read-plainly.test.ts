import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { parseAllDocuments } from 'yaml';
import type { FieldPath } from '../field-path.ts';
import { libraryPlaces, locate, plainPlaces } from '../locate.ts';
import { plainValue } from '../plain-value.ts';
import { readWhole } from '../read-whole.ts';
import { linesIn, type YamlText } from '../yaml-text.ts';
import { readPlain } from './read-plain.ts';
import { readPlainly } from './read-plainly.ts';
import { anyLines, changedTexts, manyDocuments } from './testing/yaml-texts.ts';

const ROOT = join(import.meta.dirname, '../../..');
const FILES = globSync('{examples,e2e,shared,deploy}/**/*.{yaml,yml}', { cwd: ROOT })
  .map((path) => readFileSync(join(ROOT, path), 'utf8'))
  .filter((text) => text.length < 40_000);

function sourceOf(text: string): YamlText {
  return { file: 'a.yaml', namespace: 'ns', text, lines: linesIn(text) };
}

/** Fields of a value, what holds them, and fields that are not there. */
function pathsIn(value: unknown, base: FieldPath = []): FieldPath[] {
  if (typeof value !== 'object' || value === null) return [base, [...base, 'absent'], [...base, 0]];
  const inside = Array.isArray(value)
    ? value.flatMap((item, at) => pathsIn(item, [...base, at]))
    : Object.entries(value).flatMap(([key, item]) => pathsIn(item, [...base, key]));
  return [base, [...base, 'absent', 'more'], [...base, 99], ...inside];
}

function frozen(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return true;
  return Object.isFrozen(value) && Object.values(value).every(frozen);
}

/** Undefined: the text is left to the library. Else the number of its documents, after all was compared. */
function compared(text: string): number | undefined {
  const roots = readPlain(text);
  const source = sourceOf(text);
  const plainly = readPlainly(source);
  expect(plainly === undefined).toBe(roots === undefined);
  if (roots === undefined || plainly === undefined) return undefined;

  const all = parseAllDocuments(text, { prettyErrors: false, strict: true, uniqueKeys: false, logLevel: 'silent' });
  const documents = Array.isArray(all) ? all : [];
  expect(documents.flatMap(({ errors }) => errors)).toEqual([]);
  // A text without anything is one empty document to the library.
  if (roots.length > 0 || documents.some(({ contents }) => contents !== null))
    expect(roots.length).toBe(documents.length);
  for (const [index, root] of roots.entries()) {
    const document = documents[index];
    if (document === undefined) throw new Error("one of the documents is not the library's");
    const { value, problems } = plainValue(document);
    expect(problems).toEqual([]);
    if (root === undefined) {
      expect(value).toBe(null);
      continue;
    }
    // As text too: that tells the order of fields.
    expect(JSON.stringify(root.value)).toBe(JSON.stringify(value));
    expect(isDeepStrictEqual(root.value, value)).toBe(true);
    expect(frozen(root.value)).toBe(true);
    const ours = plainPlaces(root);
    const theirs = libraryPlaces(document);
    const paths = pathsIn(value);
    // Of a great many, some.
    for (const path of paths.length < 2000 ? paths : [...paths.slice(0, 100), ...paths.slice(-100)])
      for (const what of ['key', 'value'] as const)
        expect([path, locate(ours, source, path, what)]).toEqual([path, locate(theirs, source, path, what)]);
  }

  const whole = readWhole(source);
  expect(plainly.diagnostics).toEqual(whole.diagnostics);
  const known = ({ documents: found }: typeof whole): unknown =>
    found.map(({ id, ref, index, range, value }) => ({ id, ref, index, range, value }));
  expect(isDeepStrictEqual(known(plainly), known(whole))).toBe(true);
  for (const [at, one] of plainly.documents.entries())
    for (const path of pathsIn(one.value).slice(0, 100))
      expect(one.locate(path)).toEqual(whole.documents[at]?.locate(path));
  return roots.length;
}

/** Runs a property, and gives the share of texts that were plain, so that it cannot hold for want of any. */
function shareOfPlain(texts: fc.Arbitrary<string>, numRuns: number): number {
  let plain = 0;
  fc.assert(
    fc.property(texts, (text) => {
      if ((compared(text) ?? 0) > 0) plain += 1;
    }),
    { numRuns },
  );
  return plain / numRuns;
}
/** More of each for a search that may take long: `RUNS=200000 npx vitest run shared/manifests/plain-yaml`. */
const RUNS = Number(process.env['RUNS'] ?? 2000);

test('documents as they are written are what the library makes of them, each field at its place', () => {
  expect(shareOfPlain(manyDocuments, RUNS)).toBeGreaterThan(0.2);
});

test('lines without sense are left to the library, or are what it makes of them', () => {
  expect(shareOfPlain(anyLines, RUNS * 5)).toBeGreaterThan(0.01);
});

test('files of this repository, changed here and there, are what the library makes of them', () => {
  expect(FILES.length).toBeGreaterThan(10);
  expect(shareOfPlain(changedTexts(FILES), RUNS / 10)).toBeGreaterThan(0.2);
});

const OBJECT = 'apiVersion: v1\nkind: Thing\n';

test.each<[string, string]>([
  ['a list of one line', `${OBJECT}a: [${'b, '.repeat(40_000)}b]\n`],
  ['lists of many', `${OBJECT}a:\n${'  - b\n'.repeat(20_000)}`],
  ['a long text', `${OBJECT}a: ${'b '.repeat(70_000)}b\n`],
  ['a long text in quotes', `${OBJECT}a: '${"b''".repeat(40_000)}'\n`],
  ['a long text in quotes that nothing ends', `${OBJECT}a: '${"b''".repeat(40_000)}\n`],
  ['lists in lists', `${OBJECT}a:\n  ${'- '.repeat(55)}b\n`],
  ['lists in more lists', `${OBJECT}a:\n  ${'- '.repeat(65)}b\n`],
  ['brackets in brackets', `${OBJECT}a: ${'['.repeat(39)}${']'.repeat(39)}\n`],
  ['brackets in more brackets', `${OBJECT}a: ${'['.repeat(60)}${']'.repeat(60)}\n`],
  ['many documents', `${OBJECT}---\n`.repeat(1900)],
  ['too many documents', '---\n'.repeat(6000)],
  ['many things that look like objects and are none', 'kind: A\nspec: b\n---\n'.repeat(60)],
  ['many blank lines', `${'\n'.repeat(50_000)}${OBJECT}`],
  ['many comments', `${'# c\n'.repeat(30_000)}${OBJECT}`],
  ['a key of the greatest length', `${OBJECT}${'k'.repeat(1024)}: a\n`],
  ['a key that is too long', `${OBJECT}${'k'.repeat(1025)}: a\n`],
  ['a key in brackets that is too long', `${OBJECT}a: { ${'k'.repeat(1025)}: a }\n`],
  ['more text than is read plainly', `${OBJECT}a: ${'b'.repeat(200_000)}\n`],
])('%s', (_, text) => {
  compared(text);
  const { documents, diagnostics } = readPlainly(sourceOf(text)) ?? readWhole(sourceOf(text));
  expect(documents.length + diagnostics.length).toBeGreaterThan(0);
});
