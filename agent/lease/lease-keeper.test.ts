import { once } from 'node:events';
import { mkdtemp, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { decodeJwt } from 'jose';
import pino from 'pino';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';

import type { BrokerRecord } from '../../shared/control/api.ts';
import type { PreviewEvent } from '../../shared/process/lines.ts';
import { TestBroker } from '../tunnels/testing/test-broker.ts';
import { TunnelSet } from '../tunnels/tunnel-set.ts';

import type { CurrentLease } from './held-leases.ts';
import { LeaseKeeper } from './lease-keeper.ts';
import type { LeaseKeeperOptions } from './lease-keeper.ts';
import { AnswerHold } from './testing/answer-hold.ts';
import { ENROLMENT_KEY, controlProcess } from './testing/control-process.ts';
import type { ControlProcess } from './testing/control-process.ts';

let folder: string;
let controls: ControlProcess[];
let keepers: LeaseKeeper[];
let events: PreviewEvent[];
let changes: CurrentLease[];

/** For tests that neither end it nor care who else uses it. */
let lasting: ControlProcess;
let lastingFolder: string;
beforeAll(async () => {
  lastingFolder = await mkdtemp(join(tmpdir(), 'lease-'));
  lasting = await controlProcess(join(lastingFolder, 'control.db'));
});
afterAll(async () => {
  await lasting.kill();
  await rm(lastingFolder, { recursive: true });
});

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lease-'));
  controls = [];
  keepers = [];
  events = [];
  changes = [];
});
afterEach(async () => {
  await Promise.all(keepers.map((keeper) => keeper.stop({ keep: true })));
  await Promise.all(controls.map((control) => control.kill()));
  await rm(folder, { recursive: true });
});

async function control(port = 0, database = 'control.db'): Promise<ControlProcess> {
  const started = await controlProcess(join(folder, database), port);
  controls.push(started);
  return started;
}

function keeper(url: string, more: Partial<LeaseKeeperOptions> = {}): LeaseKeeper {
  const made = new LeaseKeeper({
    controlUrl: url,
    enrolmentKey: ENROLMENT_KEY,
    agentName: 'desk',
    stateDir: join(folder, 'state'),
    log: pino({ level: 'silent' }),
    onChange: (current) => changes.push(current),
    onEvent: (event) => events.push(event),
    ...more,
  });
  keepers.push(made);
  return made;
}

const kinds = (): string[] => events.map(({ event }) => event);
const until = (what: () => unknown) => expect.poll(what, { timeout: 15_000, interval: 10 });
const broker = (id: string): BrokerRecord => ({
  id,
  region: 'r1',
  tunnel: 'wss://127.0.0.1:1/tunnel',
  address: '127.0.0.1:2',
  sessions: 0,
  draining: false,
});

describe('hosts', () => {
  test('are leased for each name, in order, with a token for all of them', async () => {
    const kept = keeper(lasting.url);
    expect(kept.current()).toBeUndefined();
    await kept.start(['petstore', 'orders']);
    const current = kept.current();
    expect(current?.hosts.map((host) => host.split('-')[0])).toEqual(['petstore', 'orders']);
    expect(current?.urls).toEqual(current?.hosts.map((host) => `http://${host}:8080/`));
    expect(decodeJwt(current?.token ?? '')).toMatchObject({ sub: current?.agentId, hosts: current?.hosts });
    expect(changes.at(-1)).toEqual(current);
    expect(kept.status()).toEqual({ reachable: true });
  });

  test('of names that stay are kept when the names change; the others are given back', async () => {
    const kept = keeper(lasting.url);
    await kept.start(['petstore']);
    const petstore = kept.current()?.hosts[0];
    await kept.start(['orders', 'petstore']);
    const both = kept.current()?.hosts ?? [];
    expect(both[0]).toMatch(/^orders-/);
    expect(both[1]).toBe(petstore);
    await kept.start(['orders']);
    expect(kept.current()?.hosts).toEqual([both[0]]);
    await kept.start(['orders', 'orders']);
    expect(new Set(kept.current()?.hosts).size).toBe(2);
    expect(decodeJwt(kept.current()?.token ?? '')['hosts']).toEqual(kept.current()?.hosts);
  });

  test('are given back at the end, so that the next start has others', async () => {
    const { url } = lasting;
    const first = keeper(url);
    await first.start(['petstore']);
    const before = first.current();
    await first.stop();
    expect(first.current()).toBeUndefined();
    const second = keeper(url);
    await second.start(['petstore']);
    expect(second.current()?.agentId).toBe(before?.agentId);
    expect(second.current()?.hosts).not.toEqual(before?.hosts);
    expect(decodeJwt(second.current()?.token ?? '')['hosts']).toEqual(second.current()?.hosts);
  });

  test('that are granted while the keeper is stopped are given back', async () => {
    await using hold = await AnswerHold.before(lasting.url);
    const asked: string[] = [];
    hold.instead = (method, path) => void asked.push(`${method} ${path.replace(/lse-.*/, 'ID')}`);
    const kept = keeper(hold.url);
    await kept.start(['petstore']);
    const held = hold.holdNext();
    const started = expect(kept.start(['petstore', 'orders'])).rejects.toMatchObject({ code: 'lease-stopped' });
    await held.came;
    const stopped = kept.stop();
    held.release();
    await stopped;
    await started;
    expect(asked.filter((call) => call === 'DELETE /v1/leases/ID')).toHaveLength(2);
  });

  test('are not asked for any more when the keeper is stopped while it enrols, and the agent is not lost', async () => {
    await using hold = await AnswerHold.before(lasting.url);
    const asked: string[] = [];
    hold.instead = (method, path) => void asked.push(`${method} ${path}`);
    const kept = keeper(hold.url);
    const held = hold.holdNext();
    const started = expect(kept.start(['petstore'])).rejects.toMatchObject({ code: 'lease-stopped' });
    await held.came;
    const stopped = kept.stop();
    held.release();
    await stopped;
    await started;
    expect(asked).not.toContain('POST /v1/leases');
    await kept.start(['petstore']);
    expect(asked.filter((call) => call === 'POST /v1/agents')).toHaveLength(1);
  });

  test('are the same ones after the agent restarts, and its secret and token are readable for the owner only', async () => {
    const { url } = lasting;
    const first = keeper(url);
    await first.start(['petstore']);
    const before = first.current();
    await first.stop({ keep: true });
    for (const file of ['agent.json', 'lease.json']) {
      expect((await stat(join(folder, 'state', file))).mode & 0o777).toBe(0o600);
    }
    const second = keeper(url, { enrolmentKey: undefined });
    await second.start(['petstore']);
    expect(second.current()?.hosts).toEqual(before?.hosts);
    // The cached token is replaced by a fresh one at once.
    await until(() => second.current()?.token === before?.token).toBe(false);
    expect(second.current()?.hosts).toEqual(before?.hosts);
  });

  test('are leased anew for a new agent when the control plane has lost its database', async () => {
    const first = await control(0, 'one.db');
    const before = keeper(first.url);
    await before.start(['petstore']);
    const { hosts } = before.current() ?? {};
    await before.stop({ keep: true });
    await first.kill();
    const kept = keeper((await control(first.port, 'two.db')).url);
    await kept.start(['petstore']);
    await until(() => kept.current() !== undefined && kept.current()?.hosts[0] !== hosts?.[0]).toBe(true);
    await until(() => kept.status()).toEqual({ reachable: true });
  });

  test('are renewed before the token ends', async () => {
    let now = Date.now();
    const kept = keeper(lasting.url, { now: () => now, random: () => 0 });
    await kept.start(['petstore']);
    const { token, hosts } = kept.current() ?? {};
    // Half of its life has passed; the keeper looks at the clock when it is woken.
    now += 1_800_000;
    await kept.start(['petstore']);
    await until(() => kept.current()?.token === token).toBe(false);
    expect(kept.current()?.hosts).toEqual(hosts);
  });

  test('that are refused take no token from those that are leased', async () => {
    await using hold = await AnswerHold.before(lasting.url);
    let now = Date.now();
    const kept = keeper(hold.url, { now: () => now, random: () => 0 });
    await kept.start(['petstore']);
    const { token, hosts } = kept.current() ?? {};
    hold.instead = (method, path) => (method === 'POST' && path === '/v1/leases' ? 409 : undefined);
    await expect(kept.start(['orders', 'petstore'])).rejects.toMatchObject({ code: 'control-refused' });
    expect(kept.current()).toBeUndefined();
    expect(changes.at(-1)).toMatchObject({ names: ['petstore'], hosts, token });
    // Half of the life of the token.
    now += 1_800_000;
    await expect(kept.start(['orders', 'petstore'])).rejects.toMatchObject({ code: 'control-refused' });
    await until(() => changes.at(-1)?.token).not.toBe(token);
    expect(changes.at(-1)).toMatchObject({ names: ['petstore'], hosts });
    // Renewed once, not with each try.
    let renewals = 0;
    hold.instead = (method, path) => {
      if (path.endsWith('/renew')) renewals += 1;
      return method === 'POST' && path === '/v1/leases' ? 409 : undefined;
    };
    await expect(kept.start(['orders', 'petstore'])).rejects.toMatchObject({ code: 'control-refused' });
    expect(renewals).toBe(0);
  });
});

describe('the clock of the machine', () => {
  test('set back by hours delays no renewal', async () => {
    let now = Date.now() + 8 * 3_600_000;
    const looks: (() => void)[] = [];
    const kept = keeper(lasting.url, {
      now: () => now,
      random: () => 0,
      // One look at the clock after the other, by hand.
      pause: (_ms, signal) =>
        new Promise((resolve) => {
          signal.addEventListener('abort', () => resolve(), { once: true });
          looks.push(resolve);
        }),
    });
    await kept.start(['petstore']);
    const { token } = kept.current() ?? {};
    await until(() => looks.length).toBeGreaterThan(0);
    now -= 8 * 3_600_000;
    for (const look of looks.splice(0)) look();
    await until(() => kept.current()?.token === token).toBe(false);
  });
});

describe('the control plane', () => {
  test('that is not there yet is waited for', async () => {
    const first = await control();
    await first.kill();
    const kept = keeper(first.url);
    const started = kept.start(['petstore']);
    await until(kinds).toEqual(['control-unreachable']);
    expect(kept.status()).toMatchObject({ reachable: false, error: { code: 'control-unreachable' } });
    await control(first.port);
    await started;
    expect(kept.current()?.hosts).toHaveLength(1);
    await until(kinds).toEqual(['control-unreachable', 'control-reachable']);
  });

  test('that does not take the enrolment key is named, with what to do', async () => {
    const kept = keeper(lasting.url, { enrolmentKey: 'wrong' });
    await expect(kept.start(['petstore'])).rejects.toMatchObject({ code: 'enrolment-refused' });
    expect(kept.status().error?.hint).toContain('ADIT_ENROLMENT_KEY');
  });

  test('is followed for its brokers; a list that is empty after its restart changes nothing', async () => {
    const first = await control();
    const kept = keeper(first.url);
    await kept.start(['petstore']);
    expect(kept.current()?.brokers).toEqual([]);
    await first.heartbeat(broker('b1'));
    await until(() => kept.current()?.brokers.map(({ id }) => id)).toEqual(['b1']);
    await first.heartbeat(broker('b2'));
    await until(() => kept.current()?.brokers.map(({ id }) => id)).toEqual(['b1', 'b2']);
    await first.kill();
    await until(kinds).toContain('control-unreachable');
    const second = await control(first.port);
    await until(kinds).toContain('control-reachable');
    expect(kept.current()?.brokers.map(({ id }) => id)).toEqual(['b1', 'b2']);
    await second.heartbeat(broker('b3'));
    await until(() => kept.current()?.brokers.map(({ id }) => id)).toEqual(['b3']);
  });

  test('whose stream of brokers ends as soon as it is open is asked less and less often', async () => {
    const server = createServer((asked, reply) => {
      // Whoever asks for anything else waits.
      if (asked.url !== '/v1/brokers/events') return;
      reply.writeHead(200, { 'content-type': 'text/event-stream' });
      reply.end('event: brokers\ndata: {"brokers":[]}\n\n');
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const pauses: number[] = [];
    const kept = keeper(`http://127.0.0.1:${(server.address() as AddressInfo).port}`, {
      random: () => 1,
      pause: async (ms) => void pauses.push(ms),
    });
    const stopped = expect(kept.start(['petstore'])).rejects.toMatchObject({ code: 'lease-stopped' });
    await until(() => pauses.length).toBeGreaterThanOrEqual(7);
    await kept.stop();
    await stopped;
    server.close();
    server.closeAllConnections();
    expect(pauses.slice(0, 7)).toEqual([500, 1000, 2000, 4000, 8000, 15_000, 15_000]);
    expect(kinds()).toEqual([]);
  });

  test.each([
    ['a lease', 'no brokers', []],
    ['a lease', 'fewer brokers', ['b1', 'b2']],
    ['a renewal', 'no brokers', []],
    ['a renewal', 'fewer brokers', ['b1', 'b2']],
  ])('whose answer to %s, with %s, was overtaken by a directory undoes nothing of it', async (what, _fewer, before) => {
    const plane = await control();
    // The last one has the least to do, and so comes first in answers.
    for (const [at, id] of before.entries()) await plane.heartbeat({ ...broker(id), sessions: 9 - at });
    await using hold = await AnswerHold.before(plane.url);
    let now = Date.now();
    const kept = keeper(hold.url, { now: () => now, random: () => 0 });
    await kept.start(['petstore']);
    const knows = async (): Promise<readonly string[]> =>
      (await readFile(join(folder, 'state', 'lease.json'), 'utf8')).match(/(?<="id": ?")b\d(?=")/g)?.toSorted() ?? [];
    await until(knows).toEqual(before);
    const { token } = kept.current() ?? {};

    const held = hold.holdNext();
    // Half of the life of the token.
    if (what === 'a renewal') now += 1_800_000;
    const started = kept.start(what === 'a renewal' ? ['petstore'] : ['petstore', 'orders']);
    await held.came;
    for (const id of ['b3', 'b4']) await plane.heartbeat(broker(id));
    await until(knows).toEqual([...before, 'b3', 'b4']);
    const seen = changes.length;
    held.release();
    await started;
    await until(() => changes.at(-1)?.token).not.toBe(token);
    const lists = changes.slice(seen).map(({ brokers }) => brokers.map(({ id }) => id));
    expect(lists[0]).toEqual([...before.toReversed(), 'b3', 'b4']);
    for (const list of lists) expect(list.toSorted()).toEqual([...before, 'b3', 'b4']);
  });

  test('that is stopped disturbs no tunnel, and a restarted agent serves on with what it has on disk', async () => {
    const plane = await control();
    const brokers = await Promise.all(['b1', 'b2', 'b3'].map((id) => TestBroker.start(id)));
    const sets: TunnelSet[] = [];
    const tunnelsOf = (kept: LeaseKeeper): TunnelSet => {
      const set = new TunnelSet({
        wanted: 3,
        agentId: 'agt',
        version: '0',
        token: () => kept.current()?.token ?? '',
        hosts: () => kept.current()?.hosts ?? [],
        brokers: () => kept.current()?.brokers ?? [],
        onStream: () => undefined,
        onEvent: (event) => events.push(event),
        onLinks: () => undefined,
        log: pino({ level: 'silent' }),
      });
      sets.push(set);
      return set;
    };
    const up = (set: TunnelSet): number => set.links().filter(({ state }) => state === 'up').length;
    try {
      for (const { record } of brokers) await plane.heartbeat(record);
      const kept = keeper(plane.url);
      await kept.start(['petstore']);
      const first = tunnelsOf(kept);
      await until(() => up(first)).toBe(3);
      const before = kept.current();

      await plane.kill();
      await until(kinds).toContain('control-unreachable');
      expect(up(first)).toBe(3);
      expect(kinds()).not.toContain('session-down');
      await first.close();
      await kept.stop({ keep: true });

      const restarted = keeper(plane.url, { enrolmentKey: undefined });
      await restarted.start(['petstore']);
      expect(restarted.current()).toEqual(before);
      const second = tunnelsOf(restarted);
      await until(() => up(second)).toBe(3);
      for (const one of brokers) expect(one.dials).toEqual([before?.token, before?.token]);
    } finally {
      await Promise.all(sets.map((set) => set.close()));
      await Promise.all(brokers.map((one) => one.kill()));
    }
  });
});

describe('the state folder', () => {
  test('that can be written no more keeps no renewed token from the links', async () => {
    let now = Date.now();
    const kept = keeper(lasting.url, { now: () => now, random: () => 0 });
    await kept.start(['petstore']);
    const { token, hosts } = kept.current() ?? {};
    const state = join(folder, 'state');
    await rename(state, join(folder, 'before'));
    await writeFile(state, '');
    now += 1_800_000;
    await kept.start(['petstore']);
    await until(() => kept.status().error?.code).toBe('state-unwritable');
    expect(changes.at(-1)?.hosts).toEqual(hosts);
    expect(changes.at(-1)?.token).not.toBe(token);
    // It is written as soon as it can be.
    await rm(state);
    await kept.start(['petstore']);
    await until(() => readFile(join(state, 'lease.json'), 'utf8').catch(() => '')).toContain(changes.at(-1)?.token);
  });

  test('that can be written no more hinders no end', async () => {
    const kept = keeper(lasting.url);
    await kept.start(['petstore']);
    const state = join(folder, 'state');
    await rename(state, join(folder, 'before'));
    await writeFile(state, '');
    await kept.stop();
    expect(kept.current()).toBeUndefined();
  });

  test('that cannot be used makes one agent, not one with each try', async () => {
    const stateDir = join(folder, 'taken');
    await writeFile(stateDir, '');
    await using hold = await AnswerHold.before(lasting.url);
    let enrolled = 0;
    hold.instead = (_method, path) => void (enrolled += Number(path === '/v1/agents'));
    const kept = keeper(hold.url, { stateDir });
    for (let tries = 0; tries < 3; tries += 1)
      await expect(kept.start(['petstore'])).rejects.toMatchObject({ code: 'state-unwritable' });
    await until(() => enrolled).toBe(1);
    // The tries go on one after the other.
    await expect(kept.start(['petstore'])).rejects.toMatchObject({ code: 'state-unwritable' });
    expect(enrolled).toBe(1);
  });

  test('with a torn file is as good as empty', async () => {
    const { url } = lasting;
    const first = keeper(url);
    await first.start(['petstore']);
    await first.stop({ keep: true });
    const file = join(folder, 'state', 'lease.json');
    const whole = await readFile(file, 'utf8');
    await writeFile(file, whole.slice(0, whole.length / 2));
    const second = keeper(url);
    await second.start(['petstore']);
    expect(second.current()?.hosts).toHaveLength(1);
  });

  test('that is a file is refused by name', async () => {
    const stateDir = join(folder, 'taken');
    await writeFile(stateDir, '');
    const kept = keeper(lasting.url, { stateDir });
    await expect(kept.start(['petstore'])).rejects.toMatchObject({
      code: 'state-unwritable',
      message: expect.stringContaining(stateDir),
    });
  });
});
