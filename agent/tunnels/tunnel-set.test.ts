import { once } from 'node:events';

import { SignJWT } from 'jose';
import pino from 'pino';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';

import type { Link } from '../../shared/agent/api.ts';
import type { BrokerRecord } from '../../shared/control/api.ts';
import type { PreviewEvent } from '../../shared/process/lines.ts';
import type { YamuxStream } from '../../shared/yamux/types.ts';

import { TestBroker } from './testing/test-broker.ts';
import type { TestBrokerOptions } from './testing/test-broker.ts';
import { TunnelSet } from './tunnel-set.ts';
import type { TunnelSetOptions } from './tunnel-set.ts';

let brokers: TestBroker[];
let sets: TunnelSet[];
let events: PreviewEvent[];
let told: Link[][];
let streams: { stream: YamuxStream; link: { broker: string; region: string } }[];
let token: string;
let directory: BrokerRecord[];
let refusals: number;

beforeEach(() => {
  brokers = [];
  sets = [];
  events = [];
  told = [];
  streams = [];
  token = 'good';
  directory = [];
  refusals = 0;
});
afterEach(async () => {
  await Promise.all(sets.map((set) => set.close()));
  await Promise.all(brokers.map((broker) => broker.kill()));
});

async function broker(id: string, options: TestBrokerOptions = {}): Promise<TestBroker> {
  const started = await TestBroker.start(id, options);
  brokers.push(started);
  directory.push(started.record);
  return started;
}

async function dead(one: TestBroker): Promise<void> {
  brokers = brokers.filter((other) => other !== one);
  await one.kill();
}

function tunnels(more: Partial<TunnelSetOptions> = {}): TunnelSet {
  const set = new TunnelSet({
    wanted: 3,
    agentId: 'agt-1',
    version: '0.1.0',
    token: () => token,
    hosts: () => ['petstore-x.localhost'],
    brokers: () => directory,
    onStream: (stream, link) => streams.push({ stream, link }),
    onEvent: (event) => events.push(event),
    onLinks: (links) => told.push(links),
    onTokenRefused: () => refusals++,
    log: pino({ level: 'silent' }),
    random: () => 0.5,
    ...more,
  });
  sets.push(set);
  return set;
}

const upTo = (set: TunnelSet): string[] =>
  set
    .links()
    .filter(({ state }) => state === 'up')
    .map(({ broker: id }) => id)
    .toSorted();
const until = (what: () => unknown) => expect.poll(what, { timeout: 15_000, interval: 10 });
const eventsOf = (kind: PreviewEvent['event'], id: string): PreviewEvent[] =>
  events.filter((event) => event.event === kind && 'broker' in event && event.broker === id);

describe('links', () => {
  test('to three distinct brokers are made at once, and each broker hears who it is', async () => {
    const three = [await broker('b1'), await broker('b2'), await broker('b3')];
    const set = tunnels();
    await until(() => upTo(set)).toEqual(['b1', 'b2', 'b3']);
    for (const one of three) {
      await until(() => one.only().said.length).toBe(1);
      expect(one.only().said[0]).toMatchObject({ type: 'hello', agent: 'agt-1', hosts: ['petstore-x.localhost'] });
      expect(one.dials).toEqual(['good']);
    }
    await until(() => set.links().every(({ rttMs }) => rttMs !== undefined)).toBe(true);
    expect(told.at(-1)?.length).toBe(3);
    expect(events.map(({ event }) => event)).toEqual(['session-up', 'session-up', 'session-up']);
  });

  test('that come up do not wait for one that does not answer', async () => {
    await broker('b1');
    await broker('b2');
    directory.unshift({
      id: 'b0',
      region: 'r1',
      tunnel: 'ws://127.0.0.1:1/tunnel',
      address: '127.0.0.1:1',
      sessions: 0,
      draining: false,
    });
    const set = tunnels();
    await until(() => upTo(set)).toEqual(['b1', 'b2']);
    await until(() => set.links().find(({ broker: id }) => id === 'b0')?.error).toContain('ECONNREFUSED');
  });

  test('to a broker that was killed come back after it is back, and both are told', async () => {
    const [first] = [await broker('b1'), await broker('b2'), await broker('b3')];
    const set = tunnels();
    await until(() => upTo(set)).toEqual(['b1', 'b2', 'b3']);
    await dead(first);
    await until(() => eventsOf('session-down', 'b1').length).toBe(1);
    expect(upTo(set)).toEqual(['b2', 'b3']);
    const down = eventsOf('session-down', 'b1')[0];
    expect(down?.event === 'session-down' && down.retryInMs).toBeLessThanOrEqual(250);

    directory.shift();
    await broker('b1', { port: Number(first.record.address.split(':')[1]) });
    await until(() => upTo(set)).toEqual(['b1', 'b2', 'b3']);
    expect(eventsOf('session-up', 'b1')).toHaveLength(2);
  });

  test('follow a broker that came back on another port as soon as the directory says so', async () => {
    const first = await broker('b1');
    const set = tunnels({ wanted: 1 });
    await until(() => upTo(set)).toEqual(['b1']);
    await dead(first);
    await until(() => set.links()[0]?.state).toBe('waiting');
    directory.shift();
    await broker('b1');
    set.update();
    await until(() => upTo(set)).toEqual(['b1']);
  });

  test('never lead twice to the same broker, even when the directory names it twice', async () => {
    const one = await broker('b1');
    await broker('alias', { name: 'b1' });
    await broker('b2');
    const set = tunnels();
    await until(() => upTo(set)).toEqual(['b1', 'b2']);
    await until(() => brokers[1]?.sessions.size).toBe(0);
    expect(brokers[0]?.sessions.size).toBe(1);
    set.update();
    await until(() => set.links().length).toBe(2);
    expect(one.dials.length + (brokers[1]?.dials.length ?? 0)).toBe(2);
    expect(eventsOf('session-up', 'b1')).toHaveLength(1);
    // A hello would have made the second session the newer one, and the broker end the first.
    const heard = brokers.slice(0, 2).flatMap(({ heard: messages }) => messages.map(({ type }) => type));
    expect(heard).toEqual(['hello']);
  });

  test('are not dialled without a token or a host', async () => {
    const one = await broker('b1');
    token = '';
    const set = tunnels();
    set.update();
    expect(set.links()).toEqual([]);
    token = 'late';
    set.update();
    await until(() => upTo(set)).toEqual(['b1']);
    expect(one.dials).toEqual(['late']);
  });

  test('go to the nearest brokers of distinct regions', async () => {
    const rtt: Record<string, number> = { far: 90, near: 5, nearer: 2, other: 60 };
    const byUrl = new Map<string, number>();
    for (const id of ['far', 'near', 'nearer', 'other']) {
      const { record } = await broker(id, { region: id === 'other' || id === 'far' ? 'r2' : 'r1' });
      byUrl.set(record.tunnel, rtt[id] ?? 0);
    }
    const set = tunnels({ wanted: 2, probe: async (url) => byUrl.get(url) });
    await until(() => upTo(set)).toEqual(['nearer', 'other']);
  });
});

describe('a token', () => {
  test('that is refused is said, and replaced as soon as there is another', async () => {
    const one = await broker('b1', { judge: (bearer) => (bearer === 'good' ? 101 : 401) });
    token = 'stale';
    const set = tunnels({ wanted: 1 });
    await until(() => set.links()[0]?.state).toBe('waiting');
    expect(set.links()[0]?.error).toBe('the broker answered 401: the token is not good');
    expect(refusals).toBe(1);
    expect(eventsOf('session-down', 'b1')).toHaveLength(1);
    set.update();
    expect(set.links()[0]?.state).toBe('waiting');
    token = 'good';
    set.update();
    await until(() => upTo(set)).toEqual(['b1']);
    expect(one.dials).toEqual(['stale', 'good']);
  });

  test('that was renewed while its dial was under way, and is refused, is dialled with the new one at once', async () => {
    const one = await broker('b1', {
      judge: (bearer) => {
        token = 'good';
        set.update();
        return bearer === 'good' ? 101 : 401;
      },
    });
    token = 'stale';
    const set = tunnels({ wanted: 1 });
    await until(() => upTo(set)).toEqual(['b1']);
    expect(one.dials).toEqual(['stale', 'good']);
    expect(refusals).toBe(0);
  });

  test('that is renewed is sent on the running sessions, once', async () => {
    const one = await broker('b1');
    const set = tunnels();
    await until(() => upTo(set)).toEqual(['b1']);
    token = 'newer';
    set.update();
    set.update();
    await until(() => one.only().said.map(({ type }) => type)).toEqual(['hello', 'renew']);
    expect(one.only().said[1]).toEqual({ type: 'renew', token: 'newer' });
    expect(one.dials).toEqual(['good']);
  });
});

describe('a token of another agent', () => {
  const tokenOf = (sub: string): Promise<string> =>
    new SignJWT({}).setSubject(sub).setProtectedHeader({ alg: 'HS256' }).sign(new Uint8Array(32));

  test('makes new sessions, because a running one cannot change its agent', async () => {
    const one = await broker('b1');
    token = await tokenOf('agt-1');
    const set = tunnels();
    await until(() => upTo(set)).toEqual(['b1']);
    const before = one.only();
    token = await tokenOf('agt-2');
    set.update();
    await until(() => one.sessions.has(before)).toBe(false);
    await until(() => upTo(set)).toEqual(['b1']);
    expect(one.dials.at(-1)).toBe(token);
    expect(before.said.map(({ type }) => type)).toEqual(['hello']);
    await until(() => one.only().said.length).toBe(1);
    const [first, second] = [before.said[0], one.only().said[0]];
    if (first?.type !== 'hello' || second?.type !== 'hello') throw new Error('expected two hellos');
    expect(second.generation).toBeGreaterThan(first.generation);
  });
});

describe('streams', () => {
  test('go to the receiver with the broker that opened them; the control stream does not', async () => {
    const one = await broker('b1', { region: 'r7' });
    const set = tunnels();
    await until(() => upTo(set)).toEqual(['b1']);
    one.only().session.open().write(Buffer.from('GET'));
    await until(() => streams.length).toBe(1);
    expect(streams[0]?.link).toEqual({ broker: 'b1', region: 'r7' });
  });

  test('that are open finish while their broker drains; another broker is dialled, the same only afterwards', async () => {
    const leaving = await broker('b1');
    const set = tunnels({ wanted: 1 });
    await until(() => upTo(set)).toEqual(['b1']);
    const served = leaving.only();
    const stream = served.session.open();
    stream.write(Buffer.from('GET'));
    await until(() => streams.length).toBe(1);

    await broker('b2');
    leaving.say(served, { type: 'drain', graceMs: 60_000, reason: 'restart' });
    await until(() => upTo(set)).toEqual(['b2']);
    expect(set.links().find(({ broker: id }) => id === 'b1')?.state).toBe('draining');

    const answer = new Promise<string>((resolve) => {
      stream.attach({
        onData: (bytes) => resolve(Buffer.from(bytes).toString()),
        onEnd: () => undefined,
        onDrain: () => undefined,
        onClosed: () => undefined,
      });
    });
    streams[0]?.stream.write(Buffer.from('200 OK'));
    expect(await answer).toBe('200 OK');
    await served.session.close(0);
    await until(() => set.links().map(({ broker: id }) => id)).toEqual(['b2']);
    expect(eventsOf('session-down', 'b1')).toMatchObject([{ reason: 'drained', retryInMs: 0 }]);
  });

  test('to the only broker there is are served again once it has drained', async () => {
    const one = await broker('b1');
    const set = tunnels({ wanted: 1 });
    await until(() => upTo(set)).toEqual(['b1']);
    const served = one.only();
    one.say(served, { type: 'drain', graceMs: 60_000, reason: 'restart' });
    await until(() => set.links()[0]?.state).toBe('draining');
    expect(one.dials).toHaveLength(1);
    await served.session.close(0);
    await until(() => upTo(set)).toEqual(['b1']);
    expect(one.dials).toHaveLength(2);
  });

  test('finish before the agent leaves, and the broker is told to open no more', async () => {
    const one = await broker('b1');
    const set = tunnels();
    await until(() => upTo(set)).toEqual(['b1']);
    const { session } = one.only();
    const stream = session.open();
    stream.write(Buffer.from('GET'));
    await until(() => streams.length).toBe(1);
    const closed = set.drainAndClose(60_000);
    await until(() => session.canOpen).toBe(false);
    expect(one.sessions.size).toBe(1);
    stream.end();
    stream.reset();
    await closed;
    await until(() => one.sessions.size).toBe(0);
  });
});

describe('a broker that breaks the protocol', () => {
  test.each([
    ['sends no JSON', 'nonsense\n', 'not JSON'],
    ['sends a line without end', 'x'.repeat(70_000), 'more than 65536 bytes'],
  ])('and %s loses its session', async (_what, bytes, error) => {
    const one = await broker('b1');
    const set = tunnels();
    await until(() => upTo(set)).toEqual(['b1']);
    one.only().control.write(Buffer.from(bytes));
    await until(() => eventsOf('session-down', 'b1').length).toBe(1);
    const down = eventsOf('session-down', 'b1')[0];
    expect(down?.event === 'session-down' && down.reason).toContain(error);
  });

  test('by a message of a newer version keeps it', async () => {
    const one = await broker('b1');
    const set = tunnels();
    await until(() => upTo(set)).toEqual(['b1']);
    one.say(one.only(), { type: 'from-the-future' });
    one.only().session.open().write(Buffer.from('GET'));
    await until(() => streams.length).toBe(1);
    expect(upTo(set)).toEqual(['b1']);
  });
});

test('closing while a broker is dialled leaves nothing behind', async () => {
  const { createServer } = await import('node:net');
  const silent = createServer((socket) => socket.on('error', () => undefined));
  silent.listen(0, '127.0.0.1');
  await once(silent, 'listening');
  const bound = silent.address();
  const port = typeof bound === 'object' && bound !== null ? bound.port : 0;
  directory.push({
    id: 'b1',
    region: 'r1',
    tunnel: `ws://127.0.0.1:${port}/tunnel`,
    address: '',
    sessions: 0,
    draining: false,
  });
  const set = tunnels();
  const [socket] = await once(silent, 'connection');
  const cut = once(socket, 'close');
  socket.resume();
  await set.close();
  await cut;
  silent.close();
  expect(set.links()).toEqual([]);
});
