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
