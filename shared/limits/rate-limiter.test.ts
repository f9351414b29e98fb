import fc from 'fast-check';
import { expect, test } from 'vitest';

import { RateLimiter } from './rate-limiter.ts';

test('never lets through more than the burst and what came back since, whatever the clock does', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 5 }),
      fc.array(fc.integer({ min: -500, max: 2000 }), { maxLength: 60 }),
      (burst, steps) => {
        const limiter = new RateLimiter({ perSecond: 2, burst });
        let now = 0;
        let forward = 0;
        let passed = 0;
        for (const step of steps) {
          now += step;
          forward += Math.max(0, step);
          if (limiter.take('a', now) === 0) passed++;
        }
        expect(passed).toBeLessThanOrEqual(burst + (forward / 1000) * 2);
      },
    ),
  );
});

test('says after how many seconds there is room, and then there is', () => {
  const limiter = new RateLimiter({ perSecond: 0.25, burst: 1 });
  expect(limiter.take('a', 0)).toBe(0);
  expect(limiter.take('b', 0)).toBe(0);
  expect(limiter.take('a', 0)).toBe(4);
  expect(limiter.take('a', 1000)).toBe(3);
  expect(limiter.take('a', 4000)).toBe(0);
});

test('forgets the key that was used longest ago when there are too many', () => {
  const limiter = new RateLimiter({ perSecond: 0.001, burst: 1 }, 2);
  for (const key of ['a', 'b']) expect(limiter.take(key, 0)).toBe(0);
  expect(limiter.take('a', 0)).toBeGreaterThan(0);
  expect(limiter.take('c', 0)).toBe(0);
  expect(limiter.take('a', 0)).toBeGreaterThan(0);
  expect(limiter.take('b', 0)).toBe(0);
});
