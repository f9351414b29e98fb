import fc from 'fast-check';
import { expect, test } from 'vitest';
import { canonicalHost } from './canonical-host.ts';

const utf8 = (text: string): string => Buffer.from(text, 'utf8').toString('latin1');

test.each([
  ['Shop-X1.LOCALHOST', 'shop-x1.localhost', undefined],
  ['shop.example.', 'shop.example', undefined],
  ['shop.example.:8080', 'shop.example', 8080],
  ['shop.example:', 'shop.example', undefined],
  ['127.0.0.1:1', '127.0.0.1', 1],
  ['[::1]:80', '[::1]', 80],
  ['[0:0:0:0:0:0:0:1]', '[::1]', undefined],
  [utf8('Bücher.example'), 'xn--bcher-kva.example', undefined],
  ['XN--bcher-kva.example', 'xn--bcher-kva.example', undefined],
  ['a_b.example', 'a_b.example', undefined],
])('%s', (value, host, port) => {
  expect(canonicalHost(value)).toEqual({ ok: true, value: { host, port } });
});

test.each([
  '',
  '.',
  '..',
  'a..b',
  '.a',
  'a.b..',
  'a b',
  'a/b',
  'a?b',
  'a#b',
  'u@a',
  'a%2eb',
  'a\\b',
  'a:b',
  'a:1:2',
  'a:65536',
  'a:-1',
  'a:+1',
  'a,b',
  '[::1',
  '[::1]x',
  '[fe80::1%25eth0]',
  '[a]',
  '\xff\xfe',
  `${'a'.repeat(300)}`,
])('%s is refused', (value) => {
  expect(canonicalHost(value)).toMatchObject({ ok: false, error: { code: 'http1.bad-host' } });
});

test('the canonical form is its own canonical form, for any bytes', () => {
  fc.assert(
    fc.property(fc.stringMatching(/^[\x20-\xff]{0,40}$/), (value) => {
      const once = canonicalHost(value);
      if (once.ok)
        expect(canonicalHost(once.value.host)).toEqual({ ok: true, value: { host: once.value.host, port: undefined } });
    }),
    { numRuns: 2000 },
  );
});
