import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { DEFAULT_RETRY, renewalTime, retryDelayMs } from './acme-schedule.ts';

const DAY_MS = 86_400_000;
const LIFE = { from: 0, to: 90 * DAY_MS };
const random = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });

describe('the schedule of certificates', () => {
  test('a certificate of 90 days is renewed after 60, give or take four and a half', () => {
    expect(renewalTime(LIFE, undefined, 0.5) / DAY_MS).toBeCloseTo(60);
    expect(renewalTime(LIFE, undefined, 0) / DAY_MS).toBeCloseTo(55.5);
    expect(renewalTime(LIFE, undefined, 1) / DAY_MS).toBeCloseTo(64.5);
  });

  test('a renewal is always within the second third and the last quarter of the life', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 2e12 }), fc.integer({ min: 1_000, max: 1e12 }), random, (from, life, r) => {
        const share = (renewalTime({ from, to: from + life }, undefined, r) - from) / life;
        expect(share).toBeGreaterThan(0.6);
        expect(share).toBeLessThan(0.75);
      }),
    );
  });

  test('an authority that wishes another time gets it, also when that has passed, but no later one than ours', () => {
    const day = (wish: { from: number; to: number }, random: number): number =>
      renewalTime(LIFE, { from: wish.from * DAY_MS, to: wish.to * DAY_MS }, random) / DAY_MS;
    expect([day({ from: 10, to: 20 }, 0), day({ from: 10, to: 20 }, 0.5)]).toEqual([10, 15]);
    expect(day({ from: -3, to: -2 }, 0.5)).toBe(-2.5);
    expect(day({ from: 80, to: 89 }, 0.5)).toBeCloseTo(64.5);
  });

  test('waits double from two minutes to six hours and no longer', () => {
    const whole = [1, 2, 3, 4, 20, 2_000].map((failures) => retryDelayMs(failures, DEFAULT_RETRY, 1) / 60_000);
    expect(whole).toEqual([2, 4, 8, 16, 360, 360]);
  });

  test('no wait is shorter than half of its step', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 10_000 }), random, (failures, r) => {
        const wait = retryDelayMs(failures, DEFAULT_RETRY, r);
        expect(wait).toBeGreaterThanOrEqual(DEFAULT_RETRY.firstMs / 2);
        expect(wait).toBeLessThanOrEqual(DEFAULT_RETRY.mostMs);
      }),
    );
  });
});
