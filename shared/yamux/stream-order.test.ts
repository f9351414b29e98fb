import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { StreamOrder } from './stream-order.ts';

describe('the order of stream ids', () => {
  it('takes each id once, in any order within what can be in flight', () => {
    fc.assert(
      fc.property(fc.shuffledSubarray(Array.from({ length: 200 }, (_, index) => index * 2 + 1)), (ids) => {
        const order = new StreamOrder(true);
        for (const id of ids) expect(order.open(id)).toBe(true);
        for (const id of ids) expect([order.open(id), order.wasOpened(id)]).toEqual([false, true]);
      }),
    );
  });

  it('refuses the other parity and 0', () => {
    expect([new StreamOrder(true).open(2), new StreamOrder(false).open(1), new StreamOrder(false).open(0)]).toEqual([
      false,
      false,
      false,
    ]);
  });

  it('forgets what was passed over long ago, so that a jump costs nothing', () => {
    const order = new StreamOrder(true);
    expect(order.open(0xffff_ffff)).toBe(true);
    expect(order.open(1)).toBe(false);
    expect(order.open(0xffff_ffff - 2)).toBe(true);
  });
});
