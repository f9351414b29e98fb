import fc from 'fast-check';
import { expect, test } from 'vitest';
import { BodyPace, mayBeSilent } from './body-pace.ts';

test('what moves at the floor or faster is never too slow, what stays below it is, within two windows', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 10_000 }),
      fc.integer({ min: 100, max: 10_000 }),
      fc.array(fc.integer({ min: 1, max: 400 }), { minLength: 200, maxLength: 300 }),
      (floor, windowMs, steps) => {
        const [fast, slow] = [new BodyPace(floor, windowMs), new BodyPace(floor, windowMs)];
        let now = 1000;
        let [cutFast, cut] = [false, false];
        for (const step of steps) {
          cutFast ||= fast.tooSlow(now, true, (now * floor) / 999);
          cut ||= slow.tooSlow(now, true, (now * floor) / 1010);
          now += step;
        }
        expect(cutFast).toBe(false);
        expect(cut).toBe(now - 1000 > 2 * windowMs + 400 ? true : cut);
      },
    ),
  );
});

test('time in which nothing need move does not count', () => {
  const pace = new BodyPace(100, 1000);
  for (let now = 0; now < 100_000; now += 900) {
    expect(pace.tooSlow(now, true, 0)).toBe(false);
    expect(pace.tooSlow(now + 850, false, 0)).toBe(false);
  }
});

test('a floor of 0 is none', () => {
  const pace = new BodyPace(0, 10);
  for (let now = 0; now < 1000; now += 100) expect(pace.tooSlow(now, true, 0)).toBe(false);
});

test('only gRPC may be silent', () => {
  expect(mayBeSilent('application/grpc+proto')).toBe(true);
  expect(mayBeSilent('Application/gRPC')).toBe(true);
  expect(mayBeSilent('application/json')).toBe(false);
  expect(mayBeSilent(undefined)).toBe(false);
});
