import { expect, it } from 'vitest';
import { Deadlines } from './deadlines.ts';
import { ManualClock } from './testing/manual-clock.ts';

it('expires each item in its time, also when what expires puts another in', () => {
  const clock = new ManualClock();
  const expired: string[] = [];
  const deadlines = new Deadlines<string>(clock, 1_000, (item) => {
    expired.push(`${item} at ${clock.now()}`);
    if (item === 'first') deadlines.add('again');
  });
  deadlines.add('first');
  clock.advance(400);
  deadlines.add('second');
  clock.advance(2_000);
  expect(expired).toEqual(['first at 1000', 'second at 1400', 'again at 2000']);
  expect(clock.pending).toBe(0);
});

it('goes on with the others when the one that expires makes its owner throw', () => {
  const clock = new ManualClock();
  const expired: string[] = [];
  const deadlines = new Deadlines<string>(clock, 1_000, (item) => {
    expired.push(item);
    if (item === 'first') throw new Error('a defect');
  });
  deadlines.add('first');
  deadlines.add('second');
  expect(() => clock.advance(1_000)).toThrow('a defect');
  clock.advance(1);
  expect(expired).toEqual(['first', 'second']);
});
