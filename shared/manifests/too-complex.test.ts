import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseFile } from './parse.ts';
import { tooComplex } from './too-complex.ts';

const SIZE = 2 * 1024 * 1024 - 64;
const fill = (part: string): string => part.repeat(Math.floor(SIZE / part.length));

function codes(text: string): string[] {
  return parseFile({ path: 'a.yaml', text }).diagnostics.map(({ code }) => code);
}

describe('a text that would hold the reader for minutes', () => {
  it.each([
    ['nested lists', fill('[')],
    ['nested maps', fill('{a: ')],
    ['lists in a row', fill('[]')],
    ['a list without end', `[${fill('a,').slice(8)}`],
    ['colons', fill(': ')],
    ['anchors', fill('&a ')],
    ['tags', fill('!a ')],
    ['quotes', fill('"" ')],
    ['carriage returns', fill('a: b\r')],
    ['closing brackets', fill('}x: yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy\n')],
    ['documents', '--- a\n'.repeat(20_000)],
    ['billion laughs', `a0: &a0 x\n${Array.from({ length: 50 }, (_, at) => `a${at + 1}: &a${at + 1} [${Array<string>(9).fill(`*a${at}`).join(', ')}]\n`).join('')}`],
  ])('is given up, with one diagnostic: %s', (_, text) => {
    expect(codes(text)).toEqual(['yaml-too-complex']);
  }); // prettier-ignore

  it('is told where it becomes one', () => {
    const text = `apiVersion: v1\nkind: X\n${'# about\n'.repeat(4_000)}a: ${'['.repeat(200)}`;
    expect(parseFile({ path: 'a.yaml', text }).diagnostics).toMatchObject([{ code: 'yaml-too-complex', line: 4003, column: 124 }]); // prettier-ignore
  });
});

describe('a large text that is well', () => {
  it.each([
    ['a long page of Markdown', `content: |\n${'  - [a](b) {c}: `d`, "e" &f *g !h\n'.repeat(50_000)}`],
    ['a long list in JSON', JSON.stringify({ items: Array.from({ length: 20_000 }, (_, at) => ({ name: `n${at}` })) })],
    ['many fields', Array.from({ length: 50_000 }, (_, at) => `key${at}: { a: 1, b: [x, y] }\n`).slice(0, 10_000).join('')],
    ['a long comment', `# ${'['.repeat(1_000_000)}\na: 1\n`],
  ])('is read: %s', (_, text) => {
    expect(tooComplex(text)).toBeUndefined();
  }); // prettier-ignore

  it('however its parts are put together', () => {
    const value = fc.jsonValue({ maxDepth: 5 });
    fc.assert(
      fc.property(fc.array(value, { minLength: 1, maxLength: 20 }), (values) => {
        const many = Array.from({ length: 200 }, () => values).flat();
        expect(tooComplex(JSON.stringify(many, null, 2))).toBeUndefined();
      }),
      { numRuns: 20 },
    );
  });
});

describe('a file that is not UTF-8', () => {
  it.each([
    ['UTF-16', Buffer.from('\uFEFFapiVersion: v1\nkind: X\n', 'utf16le')],
    ['Latin 1', Buffer.from('apiVersion: v1\nkind: Café\n', 'latin1')],
  ])('is told: %s', (_, bytes) => {
    expect(parseFile({ path: 'a.yaml', text: bytes.toString('utf8') }).diagnostics).toMatchObject([
      { code: 'yaml-syntax', message: 'the file is not UTF-8 text' },
    ]);
  });
});
