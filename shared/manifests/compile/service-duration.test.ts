import { expect, test } from 'vitest';
import { serviceDuration } from './service-duration.ts';

test.each([
  [5, 5000],
  ['5', 5000],
  ['1m30s', 90_000],
  ['-1s', -1000],
  ['soon', undefined],
  [{}, undefined],
])('%j is %j milliseconds', (written, ms) => {
  expect(serviceDuration(written)).toBe(ms);
});

test.each(['1000h', 3_600_000, '999999999999'])(
  '%j is as long as a timer takes, which ends at once otherwise',
  (written) => {
    expect(serviceDuration(written)).toBe(2 ** 31 - 1);
  },
);
