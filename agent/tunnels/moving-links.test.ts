import pino from 'pino';
import { afterEach, beforeEach, expect, test } from 'vitest';

import type { BrokerRecord } from '../../shared/control/api.ts';
import type { PreviewEvent } from '../../shared/process/lines.ts';
import type { ByteChannel } from '../../shared/yamux/types.ts';

import { dialWebSocket } from './dial.ts';
import { HandClock } from './testing/hand-clock.ts';
import { TestBroker } from './testing/test-broker.ts';
import { TunnelSet } from './tunnel-set.ts';
import type { TunnelSetOptions } from './tunnel-set.ts';

/** Sessions are real; the time of the set is moved by hand. */
let brokers: TestBroker[];
let directory: BrokerRecord[];
let events: PreviewEvent[];
let set: TunnelSet | undefined;
let clock: HandClock;

beforeEach(() => {
  brokers = [];
  directory = [];
  events = [];
  clock = new HandClock();
});
afterEach(async () => {
  const closed = set?.close();
  await expect
    .poll(
      () => {
        clock.forward(20);
        return brokers.reduce((sum, one) => sum + one.sessions.size, 0);
      },
      { timeout: 10_000 },
    )
    .toBe(0);
  await closed;
  set = undefined;
  await Promise.all(brokers.map((one) => one.kill()));
});

async function broker(id: string, region = id): Promise<TestBroker> {
  const started = await TestBroker.start(id, { region });
  brokers.push(started);
  directory.push(started.record);
  return started;
}

function tunnels(more: Partial<TunnelSetOptions> = {}): TunnelSet {
  set = new TunnelSet({
    wanted: 1,
    agentId: 'agt-1',
    version: '0',
    token: () => 'good',
    hosts: () => ['h.localhost'],
    brokers: () => directory,
    onStream: () => undefined,
    onEvent: (event) => events.push(event),
    onLinks: () => undefined,
    log: pino({ level: 'silent' }),
    clock,
    random: () => 0.5,
    ...more,
  });
  return set;
}

const until = (what: () => unknown) => expect.poll(what, { timeout: 10_000, interval: 10 });
const upTo = (): string[] => (set?.links() ?? []).filter(({ state }) => state === 'up').map(({ broker: id }) => id);

test('a link whose broker asks to be relieved moves, and its open stream goes on until it ends', async () => {
  const first = await broker('b1');
  tunnels();
  await until(upTo).toEqual(['b1']);
  const second = await broker('b2');
  const served = first.only();
  const stream = served.session.open();
  stream.write(Buffer.from('x'));
  first.say(served, { type: 'rebalance', reason: 'too many sessions' });
  await until(upTo).toEqual(['b2']);
  expect(second.sessions.size).toBe(1);
  clock.forward(1_000);
  expect(first.sessions.size).toBe(1);
  stream.reset();
  await until(() => {
    clock.forward(20);
    return first.sessions.size;
  }).toBe(0);
});

test('without another broker it stays', async () => {
  const only = await broker('b1');
  tunnels();
  await until(upTo).toEqual(['b1']);
  only.say(only.only(), { type: 'rebalance', reason: 'too many sessions' });
  only.say(only.only(), { type: 'host-removed', host: 'h.localhost', reason: 'because' });
  await until(() => events.some(({ event }) => event === 'host-removed')).toBe(true);
  expect(upTo()).toEqual(['b1']);
});

/** What is sent arrives later: a broker that is far away. */
function far(channel: ByteChannel, delayMs: number): ByteChannel {
  return {
    get queuedBytes() {
      return channel.queuedBytes;
    },
    send: (chunks, sent) => void setTimeout(() => channel.send(chunks, sent), delayMs),
    attach: (receiver) => channel.attach(receiver),
    close: () => void setTimeout(() => channel.close(), delayMs),
    destroy: (reason) => channel.destroy(reason),
  };
}

test('moves to a broker that is clearly nearer', async () => {
  const distant = await broker('b1');
  tunnels({
    dial: async (target) => {
      const channel = await dialWebSocket(target);
      return target.url === distant.record.tunnel ? far(channel, 60) : channel;
    },
  });
  await until(upTo).toEqual(['b1']);
  await until(() => (set?.links()[0]?.rttMs ?? 0) >= 50).toBe(true);
  await broker('b2');
  clock.forward(60_000);
  await until(upTo).toEqual(['b2']);
  await until(() => {
    clock.forward(20);
    return distant.sessions.size;
  }).toBe(0);
});

test('after all brokers of a region were away, a link goes back there', async () => {
  for (const [id, region] of [
    ['b1', 'r1'],
    ['b2', 'r2'],
    ['b3', 'r1'],
  ] as const)
    await broker(id, region);
  const away = directory.splice(1, 1);
  tunnels({ wanted: 2 });
  await until(upTo).toEqual(['b1', 'b3']);
  directory.push(...away);
  clock.forward(60_000);
  await until(() => upTo().includes('b2')).toBe(true);
  expect(
    set
      ?.links()
      .filter(({ state }) => state === 'up')
      .map(({ region }) => region)
      .toSorted(),
  ).toEqual(['r1', 'r2']);
});

test('a host that a broker refuses is told, one that nobody wants is not', async () => {
  const one = await broker('b1');
  tunnels();
  await until(upTo).toEqual(['b1']);
  one.say(one.only(), { type: 'host-removed', host: 'old.localhost', reason: 'revoked' });
  one.say(one.only(), { type: 'host-removed', host: 'h.localhost', reason: 'revoked' });
  await until(() => events.filter(({ event }) => event === 'host-removed')).toEqual([
    { event: 'host-removed', broker: 'b1', host: 'h.localhost', reason: 'revoked' },
  ]);
});

test('a broker whose sessions end as soon as they are up gives its place to another after 30 s', async () => {
  const flapping = await broker('b1');
  await broker('b2');
  tunnels({ random: () => 1, probe: async (url) => (url === flapping.record.tunnel ? 1 : 50) });
  for (let awayMs = 0; !upTo().includes('b2') && awayMs < 60_000; awayMs += 250) {
    for (const { session } of flapping.sessions) {
      await until(() => set?.links()[0]?.state).not.toBe('connecting');
      session.destroy();
      await until(() => set?.links()[0]?.state).not.toBe('up');
    }
    clock.forward(250);
    // A dial that this began comes to its end.
    await until(() => set?.links().some(({ state }) => state === 'connecting')).toBe(false);
  }
  expect(upTo()).toEqual(['b2']);
  expect(flapping.dials.length).toBeGreaterThan(3);
});

test('a broker that drains each session as soon as it is up is dialled less and less often', async () => {
  const one = await broker('b1');
  tunnels({ random: () => 1 });
  const waits: number[] = [];
  for (let times = 0; times < 7; times += 1) {
    await until(upTo).toEqual(['b1']);
    const served = one.only();
    one.say(served, { type: 'drain', graceMs: 0, reason: 'a newer session of this agent is connected' });
    await served.session.close(0);
    await until(() => set?.links().length).toBe(0);
    let waitedMs = 0;
    for (; set?.links().length === 0; waitedMs += 250) {
      clock.forward(250);
      await new Promise((resolve) => setImmediate(resolve));
    }
    waits.push(waitedMs);
  }
  expect(waits).toEqual(waits.toSorted((a, b) => a - b));
  expect(waits[0]).toBeLessThanOrEqual(2_000);
  expect(waits.at(-1)).toBe(15_000);
  // One that holds is dialled soon after its next drain.
  await until(upTo).toEqual(['b1']);
  clock.forward(10_000);
  const served = one.only();
  one.say(served, { type: 'drain', graceMs: 0, reason: 'restart' });
  await served.session.close(0);
  await until(() => set?.links().length).toBe(0);
  clock.forward(1_000);
  await until(upTo).toEqual(['b1']);
});

test('the load is told when it has changed', async () => {
  const one = await broker('b1');
  let inFlight = 0;
  tunnels({ load: () => inFlight });
  await until(upTo).toEqual(['b1']);
  const loads = (): unknown[] => one.only().said.filter(({ type }) => type === 'load');
  clock.forward(5_000);
  inFlight = 7;
  clock.forward(5_000);
  clock.forward(5_000);
  inFlight = 2;
  clock.forward(5_000);
  await until(loads).toEqual([
    { type: 'load', inFlight: 7 },
    { type: 'load', inFlight: 2 },
  ]);
});

test('after the addresses changed a link that answers stays, and one that waits is dialled at once', async () => {
  const one = await broker('b1');
  let addresses = 'a';
  const refused: string[] = [];
  directory.push({ ...one.record, id: 'gone', tunnel: 'ws://127.0.0.1:1/tunnel', region: 'r9' });
  tunnels({
    wanted: 2,
    addresses: () => addresses,
    random: () => 1,
    dial: async (target) => {
      if (target.url.includes(':1/')) {
        refused.push(target.url);
        throw new Error('refused');
      }
      return dialWebSocket(target);
    },
  });
  await until(upTo).toEqual(['b1']);
  // Far into its backoff.
  for (let n = 0; n < 40; n += 1) {
    clock.forward(500);
    await new Promise((resolve) => setImmediate(resolve));
  }
  const before = refused.length;
  addresses = 'b';
  clock.forward(1_000);
  await until(() => refused.length).toBe(before + 1);
  expect(upTo()).toEqual(['b1']);
});
