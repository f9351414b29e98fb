import { expect, test } from 'vitest';
import { backoffMs } from './backoff.ts';

test('waits longer after each failure, never more than ten seconds', () => {
  const waits = [0, 1, 2, 3, 10, 1000].map((failures) => backoffMs(failures, () => 1));
  expect(waits).toEqual([250, 500, 1000, 2000, 10_000, 10_000]);
});

test('leaves half of the wait to chance, so that pages do not come back all at once', () => {
  expect(backoffMs(2, () => 0)).toBe(500);
});
