import { expect, test } from 'vitest';

import type { Candidate } from './choose-brokers.ts';
import { chooseBrokers } from './choose-brokers.ts';

function candidate(id: string, region: string, rttMs?: number, draining = false): Candidate {
  return { record: { id, region, tunnel: `wss://${id}/tunnel`, address: '', sessions: 0, draining }, rttMs };
}
const ids = (candidates: Candidate[], inUse: string[], count: number): string[] =>
  chooseBrokers(candidates, inUse, count).map(({ id }) => id);

test('the nearest of each region comes before the second of any', () => {
  const all = [candidate('a1', 'a', 5), candidate('a2', 'a', 1), candidate('b1', 'b', 80), candidate('c1', 'c', 40)];
  expect(ids(all, [], 3)).toEqual(['a2', 'c1', 'b1']);
  expect(ids(all, [], 4)).toEqual(['a2', 'c1', 'b1', 'a1']);
  expect(ids(all, ['a', 'c'], 2)).toEqual(['b1', 'a2']);
});

test('in one region the nearest come first, the unmeasured in the order of the directory after them', () => {
  expect(ids([candidate('x', 'r'), candidate('y', 'r'), candidate('z', 'r', 9)], [], 3)).toEqual(['z', 'x', 'y']);
});

test('a broker that drains is the last resort, also as the only one of its region', () => {
  expect(ids([candidate('x', 'r', 1, true), candidate('y', 's', 50), candidate('z', 's', 60)], [], 2)).toEqual([
    'y',
    'z',
  ]);
  expect(ids([candidate('x', 'r', 1, true)], [], 2)).toEqual(['x']);
});

test('a broker that does not answer comes after all that may, also as the only one of its region', () => {
  const all = [
    candidate('dead', 'a', Infinity),
    candidate('x', 'b', 5),
    candidate('y', 'b'),
    candidate('gone', 'c', Infinity),
  ];
  expect(ids(all, [], 4)).toEqual(['x', 'y', 'dead', 'gone']);
});
