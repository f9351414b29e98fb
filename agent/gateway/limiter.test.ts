import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Limiter } from './limiter.ts';
import { longestDelayMs } from './plans/plan-store.ts';

/** Waits before each of a series of calls. */
const waits = fc.array(fc.integer({ min: 0, max: 400 }), { minLength: 1, maxLength: 300 });
const limits = fc.record({ limit: fc.integer({ min: 1, max: 20 }), periodMs: fc.integer({ min: 10, max: 2000 }) });

/** The moments at which calls go on. */
function passed(steps: readonly number[], demandAt: (step: number) => Parameters<Limiter['take']>[0]): number[] {
  let now = 0;
  const limiter = new Limiter(() => now);
  const moments: number[] = [];
  for (const [index, step] of steps.entries()) {
    now += step;
    const verdict = limiter.take(demandAt(index));
    if (verdict.kind === 'allowed') moments.push(now + verdict.delayMs);
  }
  return moments;
}

function mostWithin(moments: readonly number[], windowMs: number): number {
  return Math.max(0, ...moments.map((at) => moments.filter((other) => other > at - windowMs && other <= at).length));
}

test('a quota never allows more than its limit in any window', () => {
  fc.assert(
    fc.property(waits, limits, (steps, limit) => {
      const moments = passed(steps, () => ({ quota: { key: 'k', ...limit } }));
      expect(mostWithin(moments, limit.periodMs)).toBeLessThanOrEqual(limit.limit);
    }),
  );
});

test('a rate limit never lets more through than its burst and what flowed back since, and delays in order', () => {
  fc.assert(
    fc.property(waits, limits, (steps, limit) => {
      const moments = passed(steps, () => ({ rate: { key: 'k', ...limit } }));
      expect(moments).toEqual(moments.toSorted((a, b) => a - b));
      for (const [first, from] of moments.entries()) {
        for (const [last, to] of moments.entries()) {
          if (last < first) continue;
          const most = limit.limit + ((to - from) * limit.limit) / limit.periodMs;
          expect(last - first + 1).toBeLessThanOrEqual(most + 1e-6);
        }
      }
    }),
  );
});

test('a quota that changes allows no window more than the largest of its limits', () => {
  fc.assert(
    fc.property(waits, fc.array(limits, { minLength: 2, maxLength: 4 }), (steps, plans) => {
      const at = (index: number) =>
        plans[Math.floor((index * plans.length) / steps.length)] ?? { limit: 1, periodMs: 1 };
      const moments = passed(steps, (index) => ({ quota: { key: 'k', ...at(index) } }));
      const shortest = Math.min(...plans.map(({ periodMs }) => periodMs));
      expect(mostWithin(moments, shortest)).toBeLessThanOrEqual(Math.max(...plans.map(({ limit }) => limit)));
    }),
  );
});

test('a lower rate limit after a swap is reached within a period, and never passed', () => {
  fc.assert(
    fc.property(waits, fc.integer({ min: 21, max: 400 }), limits, (steps, many, limit) => {
      let now = 0;
      const limiter = new Limiter(() => now);
      for (let call = 0; call < many; call++) limiter.take({ rate: { key: 'k', limit: many, periodMs: 1000 } });
      const moments: number[] = [];
      for (const step of steps) {
        now += step;
        const verdict = limiter.take({ rate: { key: 'k', ...limit } });
        if (verdict.kind === 'allowed') moments.push(now + verdict.delayMs);
      }
      expect(mostWithin(moments, limit.periodMs)).toBeLessThanOrEqual(2 * limit.limit);
      now += 3 * limit.periodMs;
      expect(limiter.take({ rate: { key: 'k', ...limit } })).toMatchObject({ kind: 'allowed', delayMs: 0 });
    }),
  );
});

test('a caller that waits as long as it was told is let through', () => {
  fc.assert(
    fc.property(waits, limits, fc.boolean(), (steps, limit, quota) => {
      let now = 0;
      const limiter = new Limiter(() => now);
      const demand = { [quota ? 'quota' : 'rate']: { key: 'k', ...limit } };
      for (const step of steps) {
        now += step;
        const verdict = limiter.take(demand);
        if (verdict.kind === 'allowed') continue;
        now += verdict.retryAfterMs;
        expect(limiter.take(demand).kind).toBe('allowed');
      }
    }),
  );
});

test('no call waits longer than half the time of a token, or half a second', () => {
  fc.assert(
    fc.property(waits, limits, (steps, limit) => {
      let now = 0;
      const limiter = new Limiter(() => now);
      for (const step of steps) {
        now += step;
        const verdict = limiter.take({ rate: { key: 'k', ...limit } });
        if (verdict.kind === 'allowed') expect(verdict.delayMs).toBeLessThanOrEqual(longestDelayMs(limit));
      }
    }),
  );
});

test('what one half of a plan refuses costs nothing of the other', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 20 }), fc.integer({ min: 0, max: 50 }), (limit, refused) => {
      const limiter = new Limiter(() => 0);
      const rate = { key: 'r', limit: 100, periodMs: 60_000 };
      const demand = { rate, quota: { key: 'q', limit, periodMs: 60_000 } };
      for (let call = 0; call < limit; call++) expect(limiter.take(demand).kind).toBe('allowed');
      for (let call = 0; call < refused; call++) expect(limiter.take(demand)).toMatchObject({ by: 'quota' });
      expect(limiter.take({ rate })).toMatchObject({ rateLeft: 100 - limit - 1 });
    }),
  );
});

test('a refund gives back exactly one call', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 20 }), (limit) => {
      const limiter = new Limiter(() => 0);
      const demand = {
        rate: { key: 'k', limit, periodMs: 60_000 },
        quota: { key: 'k', limit, periodMs: 60_000 },
      };
      for (let call = 0; call < limit; call++) limiter.take(demand);
      limiter.refund(demand);
      expect(limiter.take(demand)).toEqual({ kind: 'allowed', delayMs: 0, rateLeft: 0, quotaLeft: 0 });
      expect(limiter.take(demand).kind).toBe('spent');
    }),
  );
});

test('what is written down and restored later allows no more than what ran on', () => {
  fc.assert(
    fc.property(waits, waits, limits, fc.nat({ max: 3000 }), (before, after, limit, away) => {
      let now = 0;
      const demand = { rate: { key: 'r', ...limit, limit: 1000 }, quota: { key: 'q', ...limit } };
      const first = new Limiter(() => now);
      const moments: number[] = [];
      const call = (limiter: Limiter, step: number) => {
        now += step;
        const verdict = limiter.take(demand);
        if (verdict.kind === 'allowed') moments.push(now);
      };
      for (const step of before) call(first, step);
      const kept = first.consumption(10, 8);
      now += away;
      const second = new Limiter(() => now);
      second.restore(kept, away);
      for (const step of after) call(second, step);
      expect(mostWithin(moments, limit.periodMs)).toBeLessThanOrEqual(limit.limit);
    }),
  );
});

test('keys are bounded, and the idle one goes first', () => {
  const limiter = new Limiter(() => 0, 3);
  const rate = (key: string) => ({ rate: { key, limit: 1, periodMs: 60_000 } });
  limiter.take(rate('busy'));
  for (let key = 0; key < 10; key++) {
    limiter.take(rate(`k${key}`));
    expect(limiter.take(rate('busy')).kind).toBe('spent');
  }
  expect(limiter.keys).toBe(3);
});
