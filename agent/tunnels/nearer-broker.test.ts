import { expect, test } from 'vitest';

import { nearerBroker } from './nearer-broker.ts';

const free = (id: string, region: string, rttMs: number | undefined, draining = false) => ({
  record: { id, region, tunnel: `wss://${id}.test/tunnel`, address: '', sessions: 0, draining },
  rttMs,
});
const link = (name: string, region: string, rttMs: number | undefined) => ({ link: name, region, rttMs });

test('takes the move that saves the most', () => {
  const links = [link('a', 'r1', 40), link('b', 'r2', 120), link('c', 'r3', 20)];
  expect(nearerBroker(links, [free('x', 'r4', 15), free('y', 'r5', 30)])).toMatchObject({ from: 'b', to: { id: 'x' } });
});

test('stays where little is saved, where nothing is known, and where a broker drains', () => {
  expect(nearerBroker([link('a', 'r1', 15)], [free('x', 'r2', 6)])).toBeUndefined();
  expect(nearerBroker([link('a', 'r1', 100)], [free('x', 'r2', 80)])).toBeUndefined();
  expect(nearerBroker([link('a', 'r1', undefined)], [free('x', 'r2', 1)])).toBeUndefined();
  expect(nearerBroker([link('a', 'r1', 100)], [free('x', 'r2', undefined)])).toBeUndefined();
  expect(nearerBroker([link('a', 'r1', 100)], [free('x', 'r2', 1, true), free('y', 'r3', Infinity)])).toBeUndefined();
});

test('never gives up a region for a second link into another', () => {
  const links = [link('far', 'r1', 200), link('near', 'r2', 5)];
  expect(nearerBroker(links, [free('x', 'r2', 4)])).toBeUndefined();
  expect(nearerBroker(links, [free('x', 'r1', 4)])).toMatchObject({ from: 'far' });
});

test('goes to a region without a link before all else, from the farthest link of one that has two', () => {
  const links = [link('a', 'r1', 10), link('b', 'r1', 20), link('c', 'r2', 90)];
  const others = [free('unknown', 'r4', undefined), free('silent', 'r5', Infinity), free('near', 'r2', 1)];
  expect(nearerBroker(links, [...others, free('x', 'r3', 80), free('y', 'r3', 70)])).toMatchObject({
    from: 'b',
    to: { id: 'y' },
  });
  expect(nearerBroker(links, [...others, free('x', 'r3', 80, true)])).toMatchObject({ from: 'c', to: { id: 'near' } });
});
