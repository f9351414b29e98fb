import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Limiter } from './limiter.ts';

/** Waits before each of a series of calls. */
const waits = fc.array(fc.integer({ min: 0, max: 400 }), { minLength: 1, maxLength: 300 });
const limits = fc.record({ limit: fc.integer({ min: 1, max: 20 }), periodMs: fc.integer({ min: 10, max: 2000 }) });

test('a quota never allows more than its limit in any window', () => {
  fc.assert(
    fc.property(waits, limits, (steps, limit) => {
      let now = 0;
      const limiter = new Limiter(() => now);
      const allowed: number[] = [];
      for (const step of steps) {
        now += step;
        if (limiter.takeQuota('k', limit).allowed) allowed.push(now);
      }
      for (const at of allowed) {
        const inWindow = allowed.filter((other) => other > at - limit.periodMs && other <= at).length;
        expect(inWindow).toBeLessThanOrEqual(limit.limit);
      }
    }),
  );
});

test('a rate limit never allows more than its burst and what flowed back since', () => {
  fc.assert(
    fc.property(waits, limits, (steps, limit) => {
      let now = 0;
      const limiter = new Limiter(() => now);
      const allowed: number[] = [];
      for (const step of steps) {
        now += step;
        if (limiter.takeToken('k', limit).allowed) allowed.push(now);
      }
      for (const [first, from] of allowed.entries()) {
        for (const [last, to] of allowed.entries()) {
          if (last < first) continue;
          const most = limit.limit + ((to - from) * limit.limit) / limit.periodMs;
          expect(last - first + 1).toBeLessThanOrEqual(most + 1e-6);
        }
      }
    }),
  );
});

test('a caller that waits as long as it was told is let through', () => {
  fc.assert(
    fc.property(waits, limits, fc.boolean(), (steps, limit, quota) => {
      let now = 0;
      const limiter = new Limiter(() => now);
      const take = () => (quota ? limiter.takeQuota('k', limit) : limiter.takeToken('k', limit));
      for (const step of steps) {
        now += step;
        const verdict = take();
        if (verdict.allowed) continue;
        now += verdict.retryAfterMs;
        expect(take().allowed).toBe(true);
      }
    }),
  );
});

test('refused calls and refunded tokens cost nothing', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 20 }), fc.integer({ min: 0, max: 50 }), (limit, refused) => {
      const limiter = new Limiter(() => 0);
      const plan = { limit, periodMs: 1000 };
      for (let call = 0; call < limit; call++) expect(limiter.takeToken('k', plan).allowed).toBe(true);
      for (let call = 0; call < refused; call++) expect(limiter.takeToken('k', plan).allowed).toBe(false);
      limiter.refundToken('k');
      expect(limiter.takeToken('k', plan)).toEqual({ allowed: true, remaining: 0 });
      expect(limiter.takeToken('k', plan).allowed).toBe(false);
    }),
  );
});

test('keys are bounded, and the idle one goes first', () => {
  const limiter = new Limiter(() => 0, 3);
  const plan = { limit: 1, periodMs: 1000 };
  limiter.takeToken('busy', plan);
  for (let key = 0; key < 10; key++) {
    limiter.takeToken(`k${key}`, plan);
    expect(limiter.takeToken('busy', plan).allowed).toBe(false);
  }
  expect(limiter.keys).toBe(3);
});
