import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ReaderHold } from './reader-hold.ts';

const MIB = 2 ** 20;

test('one who reads nothing is held at the second look, and for as long as nothing moves', () => {
  const hold = new ReaderHold();
  hold.see(MIB, MIB, 0);
  expect(hold.isHeld).toBe(false);
  for (let now = 250; now < 5_000; now += 250) {
    hold.see(2 * MIB, 2 * MIB, now);
    expect(hold.isHeld).toBe(true);
  }
  expect(hold.unreadBytes).toBe(2 * MIB);
});

test('one who reads again gets more once little is left, and is never without bytes', () => {
  const hold = new ReaderHold();
  hold.see(4 * MIB, 4 * MIB, 0);
  hold.see(4 * MIB, 4 * MIB, 250);
  expect(hold.isHeld).toBe(true);
  // 4 MiB a second from now on.
  hold.see(3 * MIB, 4 * MIB, 500);
  expect(hold.isHeld).toBe(false);
  hold.see(0, 4 * MIB, 750);
  expect(hold.isHeld).toBe(false);
});

test('nobody is held whose kernel holds less than what he takes in a second, however long the looks are apart', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 100_000 }),
      fc.array(
        fc.record({ ms: fc.integer({ min: 10, max: 3_000 }), part: fc.double({ min: 0, max: 0.9, noNaN: true }) }),
      ),
      (bytesPerMs, looks) => {
        const hold = new ReaderHold();
        let now = 0;
        for (const { ms, part } of looks) {
          now += ms;
          const unread = Math.floor(part * bytesPerMs * 1_000);
          hold.see(unread, Math.floor(now * bytesPerMs) + unread, now);
          expect(hold.isHeld).toBe(false);
        }
      },
    ),
  );
});
