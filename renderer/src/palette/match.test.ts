import { expect, test } from 'vitest';
import { matchScore } from './match.ts';

test('a word at the start beats one in the middle beats scattered letters', () => {
  const [start, middle, letters] = ['Commit changes', 'Recommit all', 'Clone or move mine in tab'].map(
    (text) => matchScore(text, 'commit') ?? -1,
  );
  expect(start).toBeGreaterThan(middle ?? 0);
  expect(middle).toBeGreaterThan(letters ?? 0);
  expect(letters).toBeGreaterThan(0);
});

test('every word must be found', () => {
  expect(matchScore('Open folder', 'folder open')).not.toBeNull();
  expect(matchScore('Open folder', 'folder zebra')).toBeNull();
});
