import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { certificateAuthority } from '../testing/certificates.ts';
import { managed, ref } from '../testing/config.ts';
import { gatewayUnderTest, type UnderTest } from '../testing/gateway-under-test.ts';
import { freePort, RedisServer } from '../testing/redis-server.ts';
import type { Demand, Verdict } from './plan-store.ts';
import { RedisStore, type RedisStoreOptions } from './redis-store.ts';

let dir: string;
let server: RedisServer;
const stores: RedisStore[] = [];
const servers: RedisServer[] = [];

async function redis(port: number, settings: readonly string[] = []): Promise<RedisServer> {
  const running = await RedisServer.start(port, settings);
  servers.push(running);
  return running;
}

function store(port: number, more: Partial<RedisStoreOptions> = {}): RedisStore {
  const one = new RedisStore({
    url: `redis://127.0.0.1:${port}`,
    prefix: `${expect.getState().currentTestName}:`,
    timeoutMs: 5000,
    refuseWhenAway: true,
    ...more,
  });
  stores.push(one);
  return one;
}

const demand = (limit: number): Demand => ({ quota: { key: 'subscription shop/readers', limit, periodMs: 60_000 } });
const allowed = (verdicts: readonly Verdict[]) => verdicts.filter(({ kind }) => kind === 'allowed').length;

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'adit-redis-'));
  server = await redis(await freePort());
});
afterEach(() => {
  for (const one of stores.splice(0)) one.close();
});
afterAll(async () => {
  await Promise.all(servers.map((one) => one.stop()));
  await rm(dir, { recursive: true });
});

describe('plans in Redis', () => {
  test('two agents that share a server never let through more than the limit', async () => {
    const [one, two] = [store(server.port), store(server.port)];
    const calls = Array.from({ length: 120 }, (_, call) => (call % 2 === 0 ? one : two).take(demand(50)));
    expect(allowed(await Promise.all(calls))).toBe(50);
    expect(await one.take(demand(50))).toMatchObject({ kind: 'spent', by: 'quota' });
  });

  test('what is refused by the quota takes nothing of the rate, and a refund gives both back', async () => {
    const one = store(server.port);
    const both: Demand = { ...demand(2), rate: { key: 'r', limit: 1000, periodMs: 3_600_000 } };
    expect(await one.take(both)).toEqual({ kind: 'allowed', delayMs: 0, rateLeft: 999, quotaLeft: 1 });
    await one.take(both);
    expect(await one.take(both)).toMatchObject({ by: 'quota' });
    one.refund(both);
    expect(await one.take(both)).toEqual({ kind: 'allowed', delayMs: 0, rateLeft: 998, quotaLeft: 0 });
  });

  test('a call just over the rate is told to wait, one far over it how long', async () => {
    const one = store(server.port);
    const rate: Demand = { rate: { key: 'r', limit: 1, periodMs: 400 } };
    const slow: Demand = { rate: { key: 's', limit: 1, periodMs: 3_600_000 } };
    await one.take(slow);
    const spent = await one.take(slow);
    expect(spent).toMatchObject({ kind: 'spent', by: 'rate' });
    expect(spent.kind === 'spent' && spent.retryAfterMs).toBeGreaterThan(3_590_000);
    await one.take(rate);
    const delays = new Set<boolean>();
    await expect
      .poll(
        async () => {
          const verdict = await one.take(rate);
          if (verdict.kind === 'allowed') delays.add(verdict.delayMs > 0 && verdict.delayMs <= 250);
          return delays;
        },
        { interval: 30 },
      )
      .toContain(true);
  });

  test('a quota frees itself once its period is over', async () => {
    const one = store(server.port);
    const short: Demand = { quota: { key: 'q', limit: 1, periodMs: 300 } };
    await one.take(short);
    const spent = await one.take(short);
    if (spent.kind !== 'spent') throw new Error('the quota was not used up');
    await pause(spent.retryAfterMs + 1);
    expect(await one.take(short)).toMatchObject({ kind: 'allowed' });
  });

  test('a server that is away refuses calls, or lets them pass, and is found again when it is back', async () => {
    const port = await freePort();
    let own = await redis(port);
    const strict = store(port, { timeoutMs: 2000 });
    const lenient = store(port, { refuseWhenAway: false });
    expect(await strict.take(demand(5))).toMatchObject({ kind: 'allowed' });
    expect(await lenient.take(demand(5))).toMatchObject({ kind: 'allowed' });
    await own.stop();
    expect(await strict.take(demand(5))).toMatchObject({ kind: 'away', refuse: true });
    expect(await lenient.take(demand(5))).toMatchObject({ kind: 'away', refuse: false });
    own = await redis(port);
    await expect.poll(async () => (await strict.take(demand(5))).kind, { timeout: 10_000 }).toBe('allowed');
    await own.stop();
  });

  test('a server that takes connections and never answers costs a call no longer than its time', async () => {
    const silent: Server = createServer((socket) => void socket.on('error', () => socket.destroy()));
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
    const one = store((silent.address() as AddressInfo).port, { timeoutMs: 50 });
    expect(await one.take(demand(5))).toEqual({
      kind: 'away',
      refuse: true,
      reason: expect.stringMatching(/no answer of the Redis server at 127\.0\.0\.1:\d+ within 50 ms/),
    });
    one.close();
    silent.close();
  });

  test('a password is sent, and a wrong one is told', async () => {
    const own = await redis(await freePort(), ['requirepass right']);
    expect(await store(own.port, { password: 'right' }).take(demand(5))).toMatchObject({ kind: 'allowed' });
    const wrong = store(own.port, { password: 'wrong', timeoutMs: 1000 });
    await expect
      .poll(
        async () => {
          const verdict = await wrong.take(demand(5));
          return verdict.kind === 'away' ? verdict.reason : verdict.kind;
        },
        { timeout: 10_000 },
      )
      .toMatch(/WRONGPASS|password/);
    await own.stop();
  });

  test('TLS is checked against the certificates that are given', async () => {
    const { ca, issue } = await certificateAuthority();
    const { cert, key } = await issue([{ type: 'dns', value: 'localhost' }]);
    const files = { ca: join(dir, 'ca.pem'), cert: join(dir, 'cert.pem'), key: join(dir, 'key.pem') };
    await Promise.all([writeFile(files.ca, ca), writeFile(files.cert, cert), writeFile(files.key, key)]);
    const port = await freePort();
    const own = await redis(port, [
      `tls-port ${port}`,
      `tls-cert-file ${files.cert}`,
      `tls-key-file ${files.key}`,
      `tls-ca-cert-file ${files.ca}`,
      'tls-auth-clients no',
    ]);
    const url = `rediss://localhost:${port}`;
    expect(await store(port, { url, ca }).take(demand(5))).toMatchObject({ kind: 'allowed' });
    expect(await store(port, { url, timeoutMs: 1000 }).take(demand(5))).toMatchObject({ kind: 'away' });
    await own.stop();
  });

  test('two gateways on one server: as many calls reach upstreams as the plan has, and 503 while it is away', async () => {
    const own = await redis(await freePort());
    const quota = { limit: 10, periodMs: 60_000, bucket: 'subscription' } as const;
    const config = managed({ plans: { 'shop/small': { source: ref('APIPlan', 'small'), quota } } });
    const gateways: UnderTest[] = [];
    for (let agent = 0; agent < 2; agent++) {
      const one = await gatewayUnderTest(config);
      one.apply(config, { plans: store(own.port, { timeoutMs: 2000 }) });
      gateways.push(one);
    }
    const call = async (index: number) =>
      gateways[index % 2]?.ask('/pets', { headers: { Authorization: 'Bearer key-good' } });
    const answers = await Promise.all(Array.from({ length: 30 }, (_, index) => call(index)));
    expect(answers.filter((answer) => answer?.status === 200)).toHaveLength(10);
    expect(answers.filter((answer) => answer?.status === 429)).toHaveLength(20);
    expect(answers.map((answer) => answer?.header('x-quota-remaining'))).toContain('9');
    await own.stop();
    const away = await call(0);
    expect([away?.status, away?.header('retry-after'), away?.json()['code']]).toEqual([503, '1', 'limits-away']);
    await Promise.all(gateways.map((one) => one.close()));
  });
});
