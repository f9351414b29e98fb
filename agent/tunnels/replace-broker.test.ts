import pino from 'pino';
import { afterEach, expect, test } from 'vitest';

import type { BrokerRecord } from '../../shared/control/api.ts';

import { HandClock } from './testing/hand-clock.ts';
import { TunnelSet } from './tunnel-set.ts';
import type { TunnelSetOptions } from './tunnel-set.ts';

/** Dials fail at once and time moves by hand: what is tested is when which broker is dialled. */
const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
const sets: TunnelSet[] = [];
afterEach(async () => {
  await Promise.all(sets.splice(0).map((set) => set.close()));
});

function broker(id: string): BrokerRecord {
  return { id, region: 'r1', tunnel: `wss://${id}.test/tunnel`, address: '', sessions: 0, draining: false };
}

function failing(directory: BrokerRecord[], more: Partial<TunnelSetOptions> = {}) {
  const clock = new HandClock();
  const dials: string[] = [];
  const set = new TunnelSet({
    wanted: 1,
    agentId: 'agt-1',
    version: '0',
    token: () => 'good',
    hosts: () => ['h.localhost'],
    brokers: () => directory,
    onStream: () => undefined,
    onEvent: () => undefined,
    onLinks: () => undefined,
    log: pino({ level: 'silent' }),
    clock,
    random: () => 1,
    probe: async () => 1,
    dial: async ({ url }) => {
      dials.push(new URL(url).hostname.split('.')[0] ?? '');
      throw new Error('connection refused');
    },
    ...more,
  });
  sets.push(set);
  const forward = async (ms: number, stepMs = 250): Promise<void> => {
    for (let at = 0; at < ms; at += stepMs) {
      clock.forward(stepMs);
      await settle();
    }
  };
  return { set, clock, dials, forward };
}

test('a broker that stays away longer than 30 s gives its place to another', async () => {
  const { set, dials, forward } = failing([broker('b1'), broker('b2')]);
  await settle();
  expect(set.links().map(({ broker: id }) => id)).toEqual(['b1']);
  await forward(29_000);
  expect(new Set(dials)).toEqual(new Set(['b1']));
  await forward(3000);
  expect(set.links().map(({ broker: id }) => id)).toEqual(['b2']);
  expect(dials.at(-1)).toBe('b2');
  // The one that was replaced is left alone for a minute.
  await forward(62_000);
  expect(set.links().map(({ broker: id }) => id)).toEqual(['b1']);
});

test('brokers of an old directory give their places at once to those of the new one', async () => {
  const directory = [broker('old1'), broker('old2')];
  const { set, dials, forward } = failing(directory, { wanted: 2 });
  await forward(500);
  expect(new Set(dials)).toEqual(new Set(['old1', 'old2']));
  directory.splice(0, 2, broker('new1'), broker('new2'));
  set.update();
  await settle();
  expect(set.links().map(({ broker: id }) => id)).toEqual(['new1', 'new2']);
});

test('a broker that left the directory is dialled on where there is no other', async () => {
  const directory = [broker('b1'), broker('b2')];
  const { set, forward } = failing(directory, { wanted: 2 });
  await forward(500);
  directory.pop();
  set.update();
  await settle();
  expect(set.links().map(({ broker: id }) => id)).toEqual(['b1', 'b2']);
});

test('the only broker is dialled for ever, at least every 15 s', async () => {
  const { set, dials, forward } = failing([broker('b1')]);
  await settle();
  await forward(10 * 60_000);
  const before = dials.length;
  expect(before).toBeGreaterThan(40);
  await forward(15_000);
  expect(dials.length).toBeGreaterThan(before);
  expect(set.links()).toHaveLength(1);
});

test('after an end nothing is due any more', async () => {
  const { set, clock, forward } = failing([broker('b1'), broker('b2'), broker('b3')], { wanted: 3 });
  await settle();
  await forward(5000);
  expect(clock.due().length).toBeGreaterThan(0);
  await set.close();
  await settle();
  expect(clock.due()).toEqual([]);
  expect(set.links()).toEqual([]);
});
