import path from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { isInside, pathProblem } from './workspace-path.ts';

test('a path without a problem always names something below the workspace', () => {
  const part = fc.oneof(
    fc.constantFrom('..', '.', '', '.git', 'node_modules', 'a', '...', 'C:'),
    fc.string({ maxLength: 5 }),
  );
  fc.assert(
    fc.property(fc.array(part, { minLength: 1, maxLength: 6 }), (parts) => {
      const relative = parts.join('/');
      if (pathProblem(relative) === undefined)
        expect(isInside('/work/shop', path.join('/work/shop', relative))).toBe(true);
    }),
  );
});

test('a sibling that begins with the same name is outside', () => {
  expect(isInside('/a', '/a/b')).toBe(true);
  expect(isInside('/a', '/a/..b')).toBe(true);
  for (const other of ['/a', '/a-evil', '/b', '/a/../b', '/'])
    expect(isInside('/a', path.normalize(other)), other).toBe(false);
});
