import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Bag, type Bagged } from './bag.ts';

const items = (count: number): Bagged[] => Array.from({ length: count }, () => ({ place: -1 }));

test('holds what a Set holds, whatever comes and goes', () => {
  const change = fc.tuple(fc.constantFrom('add', 'delete', 'clear'), fc.nat({ max: 9 }));
  fc.assert(
    fc.property(fc.array(change, { maxLength: 200 }), (changes) => {
      const all = items(10);
      const bag = new Bag<Bagged>();
      const set = new Set<Bagged>();
      for (const [what, index] of changes) {
        const item = all[index];
        if (item === undefined) continue;
        if (what === 'clear') {
          bag.clear();
          set.clear();
        } else if (what === 'add') {
          bag.add(item);
          set.add(item);
        } else expect(bag.delete(item)).toBe(set.delete(item));
        expect(bag.size).toBe(set.size);
        for (const one of all) expect(bag.has(one)).toBe(set.has(one));
        expect(new Set(bag)).toEqual(set);
      }
    }),
  );
});

test('what is taken out during a walk is not met, what is added is left for the next', () => {
  const [a, b, c, d] = items(4) as [Bagged, Bagged, Bagged, Bagged];
  const bag = new Bag<Bagged>();
  for (const item of [a, b, c]) bag.add(item);
  const met: Bagged[] = [];
  for (const item of bag) {
    met.push(item);
    if (item !== a) continue;
    bag.delete(a);
    bag.delete(b);
    bag.add(d);
  }
  expect(met).toEqual([a, c]);
  expect(new Set(bag)).toEqual(new Set([c, d]));
});
