import fc from 'fast-check';
import { expect, it } from 'vitest';
import { fieldName, lowerName, nameHash } from './field-name.ts';

const token = fc.stringMatching(/^[!#$%&'*+\-.^_`|~0-9A-Za-z]{1,60}$/);

function named(text: string, before = 3): string {
  const line = Buffer.from(`${' '.repeat(before)}${text}: value`, 'latin1');
  let hash = 0;
  for (let at = 0; at < text.length; at++) hash = nameHash(hash, text.charCodeAt(at));
  return fieldName(line, before, before + text.length, hash);
}

it('is the name that stands there, whatever came before', () => {
  fc.assert(
    fc.property(fc.array(token, { maxLength: 600 }), (names) => {
      for (const name of names) {
        expect(named(name)).toBe(name);
        expect(lowerName(named(name))).toBe(name.toLowerCase());
      }
    }),
    { numRuns: 100 },
  );
});

it('tells names of one hash and one length apart', () => {
  // 'Aa' and 'BB' have the same sum by 31.
  for (const name of ['X-Aa', 'X-BB', 'X-Aa']) {
    expect(named(name)).toBe(name);
    expect(lowerName(name)).toBe(name.toLowerCase());
  }
});

it('keeps nothing of the buffer that a name came in', () => {
  const line = Buffer.from('X-Kept: 1', 'latin1');
  let hash = 0;
  for (const byte of line.subarray(0, 6)) hash = nameHash(hash, byte);
  expect(fieldName(line, 0, 6, hash)).toBe('X-Kept');
  line.write('Y-Gone', 'latin1');
  expect(named('X-Kept')).toBe('X-Kept');
  expect(fieldName(line, 0, 6, hash)).toBe('Y-Gone');
});
