import { expect, it } from 'vitest';
import { fuzzFrames } from './testing/fuzz-frames.ts';

it('refuses what ws refuses, reads the rest as ws does, and each reads what the other writes', () => {
  const ends = new Map<string, number>();
  for (let seed = 1; seed <= 1500; seed++) {
    const { end } = fuzzFrames(seed);
    ends.set(end, (ends.get(end) ?? 0) + 1);
  }
  // Worth something only if it gets deep: right input, and refusals of every kind.
  expect(ends.get('open')).toBeGreaterThan(150);
  expect(ends.get('closed')).toBeGreaterThan(20);
  expect(ends.size).toBeGreaterThan(11);
});
