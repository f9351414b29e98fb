import fc from 'fast-check';
import { expect, test } from 'vitest';
import { EarliestDeadline } from './earliest-deadline.ts';

const weights = fc.array(fc.integer({ min: 0, max: 9 }), { minLength: 1, maxLength: 6 });

function entriesOf(list: readonly number[]): { entry: number; weight: number }[] {
  return list.map((weight, entry) => ({ entry, weight }));
}

test('every round gives each entry exactly its weight, however many rounds there were, and weight 0 nothing', () => {
  fc.assert(
    fc.property(weights, fc.integer({ min: 1, max: 20 }), (list, rounds) => {
      const turns = new EarliestDeadline(entriesOf(list));
      const total = list.reduce((sum, weight) => sum + weight, 0);
      if (total === 0) expect(turns.next(() => true)).toBeUndefined();
      for (let round = 0; round < rounds; round++) {
        const counts = list.map(() => 0);
        for (let call = 0; call < total; call++) counts[turns.next(() => true) ?? -1]! += 1;
        expect(counts).toEqual(list);
      }
    }),
  );
});

test('at any moment no entry is more than one turn away from its share of the time', () => {
  fc.assert(
    fc.property(weights, fc.integer({ min: 1, max: 100 }), (list, calls) => {
      fc.pre(list.some((weight) => weight > 0));
      const turns = new EarliestDeadline(entriesOf(list));
      const counts = list.map(() => 0);
      for (let call = 0; call < calls; call++) counts[turns.next(() => true) ?? -1]! += 1;
      const latest = Math.max(...list.map((weight, at) => (weight === 0 ? 0 : counts[at]! / weight)));
      for (const [at, weight] of list.entries())
        if (weight > 0) expect((counts[at]! + 1) / weight).toBeGreaterThanOrEqual(latest);
    }),
  );
});

test('entries that may not be chosen are passed over, and the others keep their shares', () => {
  fc.assert(
    fc.property(weights, fc.nat(5), (list, down) => {
      fc.pre(list.some((weight, at) => weight > 0 && at !== down));
      const turns = new EarliestDeadline(entriesOf(list));
      const counts = list.map(() => 0);
      const calls = list.reduce((sum, weight, at) => (at === down ? sum : sum + weight), 0);
      for (let call = 0; call < calls; call++) counts[turns.next((entry) => entry !== down) ?? -1]! += 1;
      expect(counts).toEqual(list.map((weight, at) => (at === down ? 0 : weight)));
    }),
  );
});

test('among those that are due at once the order is that of Traefik', () => {
  const order = (list: readonly number[], calls: number): string => {
    const turns = new EarliestDeadline(entriesOf(list));
    return Array.from({ length: calls }, () => turns.next(() => true)).join('');
  };
  // Seen of Traefik v3.6.12 for weights 2:1, 1:1 and 3:1 (e2e/conformance).
  expect(order([2, 1], 9)).toBe('010010010');
  expect(order([1, 1], 4)).toBe('0101');
});
