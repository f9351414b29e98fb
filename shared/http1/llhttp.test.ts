import { expect, test } from 'vitest';
import { compareWithLlhttp } from '../../bench/fuzz-http1.ts';

test('what strict llhttp refuses is refused, and what both accept is read the same', async () => {
  const { accepted, refused } = await compareWithLlhttp(4000);
  expect(accepted).toBeGreaterThan(400);
  expect(refused).toBeGreaterThan(400);
}, 60_000);
