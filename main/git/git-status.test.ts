import fc from 'fast-check';
import { expect, test } from 'vitest';
import { parseStatus } from './git-status.ts';

test('reads whatever a path contains but NUL', () => {
  const name = fc.string({ minLength: 1 }).filter((text) => !text.includes('\0'));
  fc.assert(
    fc.property(fc.uniqueArray(name, { minLength: 1, maxLength: 8 }), (paths) => {
      const text = paths
        .map((path, index) => (index % 2 === 0 ? `? ${path}\0` : `1 .M N... 100644 100644 100644 aaaa bbbb ${path}\0`))
        .join('');
      expect(new Set(parseStatus(text, '').changes.map(({ path }) => path))).toEqual(new Set(paths));
    }),
  );
});

test('never throws on what is no status', () => {
  fc.assert(fc.property(fc.string(), (text) => parseStatus(text, '').state === 'ready'));
});

test('a file that came into the workspace from outside of it was added', () => {
  const text = '2 R. N... 100644 100644 100644 aaaa bbbb R100 shop/api.yaml\0old/api.yaml\0';
  expect(parseStatus(text, 'shop/').changes).toEqual([{ path: 'api.yaml', status: 'added' }]);
});
