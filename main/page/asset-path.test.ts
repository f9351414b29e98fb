import path from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { assetPath } from './asset-path.ts';
import { contentType } from './content-type.ts';

const root = path.resolve('/srv/renderer');

test('names the files of the build, and the page for the root', () => {
  expect(assetPath(root, '/')).toBe(path.join(root, 'index.html'));
  expect(assetPath(root, '/assets/editor-1a2b.js')).toBe(path.join(root, 'assets/editor-1a2b.js'));
  expect(assetPath(root, '/assets/a%20b.js')).toBe(path.join(root, 'assets/a b.js'));
});

test('never leaves the build', () => {
  for (const wanted of [
    '/../secret',
    '/%2e%2e/secret',
    '/..%2fsecret',
    '/assets/../../renderer-evil/x',
    '/a%00b',
    '/..\\secret',
    '/%5c..%5csecret',
    '/.env',
    '/assets/.git/HEAD',
    '/%zz',
  ]) {
    expect(assetPath(root, wanted), wanted).toBeUndefined();
  }
});

test('whatever is asked for, the answer is below the build or none', () => {
  const part = fc.oneof(
    fc.constantFrom('..', '.', '%2e%2e', '%2f', '\\', '', 'assets', '...', '%00'),
    fc.string({ maxLength: 6 }),
  );
  fc.assert(
    fc.property(fc.array(part, { maxLength: 6 }), (parts) => {
      const file = assetPath(root, `/${parts.join('/')}`);
      expect(file === undefined || file.startsWith(root + path.sep)).toBe(true);
    }),
  );
});

test('what a browser runs has its type, what is not known has none that it runs', () => {
  expect(contentType('a.JS')).toContain('text/javascript');
  expect(contentType('a.wasm')).toBe('application/wasm');
  expect(contentType('a.woff2')).toBe('font/woff2');
  expect(contentType('a.css')).toContain('text/css');
  expect(contentType('a.js.map')).toContain('application/json');
  expect(contentType('a.unknown')).toBe('application/octet-stream');
});
