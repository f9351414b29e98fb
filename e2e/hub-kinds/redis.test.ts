import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { freePort, RedisServer } from '../../agent/gateway/testing/redis-server.ts';
import type { Answer } from '../conformance/exchange.ts';
import { bearer } from './manifests.ts';
import { limitedShop } from './plan-cases.ts';
import { HubRig } from './rig.ts';

/** Two agents, each a whole `adit up --preview`, that count the calls of plans in one Redis server. */
describe('2.5: plans in Redis', () => {
  let port: number;
  let server: RedisServer;
  let agents: readonly HubRig[] = [];
  const settings = (whenAway: 'refuse' | 'allow') => ({
    limits: { redis: { url: `redis://127.0.0.1:${port}`, prefix: 'hub-kinds:', timeoutMs: 5000 }, whenAway },
  });
  beforeAll(async () => {
    port = await freePort();
    server = await RedisServer.start(port);
    agents = [await HubRig.start(settings('refuse')), await HubRig.start(settings('refuse'))];
  });
  afterAll(async () => {
    for (const agent of agents) await agent.stop();
    await server.stop();
  });

  const serve = async (name: string, limits: string): Promise<void> => {
    for (const agent of agents) await agent.serve(limitedShop(name, limits));
  };
  const call = async (at: number): Promise<Answer> => {
    const agent = agents[at % agents.length];
    if (agent === undefined) throw new Error('no agent runs');
    return await agent.ask({ target: '/shop', headers: [bearer('key-app')] });
  };
  const header = (answer: Answer, name: string): string | undefined =>
    answer.headers.find(([other]) => other === name)?.[1];

  test('what one agent lets through is gone for the other; refused calls cost nothing and reach nobody', async () => {
    await serve('shared-quota', 'quota: { limit: 6, period: 1h }');
    const seen: (readonly [number, string | undefined, number])[] = [];
    for (let at = 0; at < 9; at += 1) {
      const answer = await call(at);
      seen.push([answer.status, header(answer, 'x-quota-remaining'), answer.received.length]);
    }
    expect(seen).toEqual([
      ...['5', '4', '3', '2', '1', '0'].map((left) => [200, left, 1]),
      ...Array.from({ length: 3 }, () => [429, '0', 0]),
    ]);
    await serve('shared-quota', 'quota: { limit: 500, period: 1h }');
    expect(header(await call(1), 'x-quota-remaining')).toBe('493');
  });

  test('together they let through no more than the limit when all calls come at once', async () => {
    await serve('at-once', 'quota: { limit: 10, period: 1h }');
    const answers = await Promise.all(Array.from({ length: 30 }, (_, at) => call(at)));
    const statuses = answers.map(({ status }) => status).toSorted((a, b) => a - b);
    expect(statuses).toEqual([...Array<number>(10).fill(200), ...Array<number>(20).fill(429)]);
  });

  test('a rate is counted together too, and its headers are those of memory', async () => {
    await serve('shared-rate', 'rateLimit: { limit: 2, period: 1h }');
    const answers = [await call(0), await call(1), await call(0)];
    expect(answers.map((answer) => [answer.status, header(answer, 'x-ratelimit-remaining')])).toEqual([
      [200, '1'],
      [200, '0'],
      [429, '0'],
    ]);
    expect(answers[2]?.headers).toContainEqual(['content-length', '0']);
    expect(header(await call(1), 'retry-after')).toMatch(/^1[78]\d\d$/);
  });

  test('while Redis is away no call passes and the answer says why; routes without a plan go on; it is found again', async () => {
    await serve('away', 'quota: { limit: 5, period: 1h }');
    expect((await call(0)).status).toBe(200);
    await server.stop();
    const away = await call(0);
    expect([away.status, header(away, 'retry-after'), away.received.length]).toEqual([503, '1', 0]);
    expect(JSON.parse(away.body)).toMatchObject({
      code: 'limits-away',
      detail: expect.stringContaining(`127.0.0.1:${port}`),
    });
    expect((await agents[0]?.ask({ target: '/shop' }))?.status).toBe(401);
    expect((await agents[0]?.ask({ target: '/open' }))?.status).toBe(200);
    server = await RedisServer.start(port);
    // Each agent finds it again in its own time.
    await expect.poll(async () => (await call(0)).status, { timeout: 20_000 }).toBe(200);
    await expect.poll(async () => (await call(1)).status, { timeout: 20_000 }).toBe(200);
    // The server that came back has forgotten what was counted before.
    expect(header(await call(0), 'x-quota-remaining')).toBe('2');
  });

  test('`whenAway: allow` lets calls pass uncounted, and tells of no remainder', async () => {
    const lenient = await HubRig.start(settings('allow'));
    try {
      await lenient.serve(limitedShop('lenient', 'quota: { limit: 1, period: 1h }'));
      const ask = (): Promise<Answer> => lenient.ask({ target: '/shop', headers: [bearer('key-app')] });
      expect([(await ask()).status, (await ask()).status]).toEqual([200, 429]);
      await server.stop();
      const away = await ask();
      expect([away.status, header(away, 'x-quota-remaining'), away.received.length]).toEqual([200, undefined, 1]);
    } finally {
      await lenient.stop();
    }
  });
});
