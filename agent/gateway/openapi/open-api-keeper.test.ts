import { createServer, type Server } from 'node:http';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { managed } from '../testing/config.ts';
import { closeServer, listen, type UnderTest } from '../testing/gateway-under-test.ts';
import { useGateway } from '../testing/use-gateway.ts';
import { checked, key, SERVICES } from './testing/checked.ts';

const start = useGateway();
const servers: Server[] = [];
afterEach(async () => {
  await Promise.all(servers.splice(0).map(closeServer));
});

describe('a document is fetched again', () => {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  });
  afterEach(() => {
    vi.useRealTimers();
  });
  const only = (path: string): string => JSON.stringify({ openapi: '3.0.3', paths: { [path]: { get: {} } } });

  /** A server of documents that says when it was asked. */
  async function documents(): Promise<{ url: string; asked(): number; next: (status: number, text: string) => void }> {
    let answer: readonly [number, string] = [200, only('/pets')];
    let asked = 0;
    const server = createServer((_, response) => {
      asked += 1;
      response.writeHead(answer[0]).end(answer[1]);
    });
    servers.push(server);
    return { url: await listen(server), asked: () => asked, next: (status, text) => (answer = [status, text]) };
  }
  const statuses = async (ask: UnderTest['ask']) =>
    Promise.all(['/pets', '/pets/new'].map(async (path) => (await ask(path, { headers: key })).status));

  test('as often as it says; one that cannot be used leaves the last good one in force', async () => {
    const source = await documents();
    const config = checked({ url: source.url }, { refreshMs: 120_000 });
    const { ask, apply } = await start(config);
    expect(await statuses(ask)).toEqual([200, 404]);
    source.next(200, only('/pets/new'));
    await vi.advanceTimersByTimeAsync(119_000);
    expect([source.asked(), await statuses(ask)]).toEqual([1, [200, 404]]);
    await vi.advanceTimersByTimeAsync(1_000);
    await expect.poll(() => statuses(ask)).toEqual([404, 200]);
    for (const [status, text] of [
      [500, ''],
      [200, '{"openapi":'],
    ] as const) {
      source.next(status, text);
      const before = source.asked();
      await vi.advanceTimersByTimeAsync(120_000);
      await expect.poll(() => source.asked()).toBe(before + 1);
      expect(await statuses(ask)).toEqual([404, 200]);
    }
    // What else the API says of its checks fetches nothing anew.
    const before = source.asked();
    apply(checked({ url: source.url }, { refreshMs: 120_000, body: false }));
    expect([await statuses(ask), source.asked()]).toEqual([[404, 200], before]);
  });

  test('at most once a minute, soon after a failure, and no more once the API is gone', async () => {
    const source = await documents();
    source.next(503, '');
    const { ask, apply } = await start(checked({ url: source.url }, { refreshMs: 1 }));
    expect(await statuses(ask)).toEqual([503, 503]);
    source.next(200, only('/pets'));
    await vi.advanceTimersByTimeAsync(5_000);
    await expect.poll(() => statuses(ask)).toEqual([200, 404]);
    const before = source.asked();
    await vi.advanceTimersByTimeAsync(59_000);
    expect(source.asked()).toBe(before);
    await vi.advanceTimersByTimeAsync(1_000);
    await expect.poll(() => source.asked()).toBe(before + 1);
    expect(await statuses(ask)).toEqual([200, 404]);
    apply(managed());
    await vi.advanceTimersByTimeAsync(600_000);
    expect(source.asked()).toBe(before + 1);
  });

  test('from the service that is in force by then', async () => {
    const [first, second] = [await documents(), await documents()];
    second.next(200, only('/pets/new'));
    const base = checked({ path: '/', services: SERVICES });
    const { ask, apply } = await start(base);
    apply(base, { upstreams: new Map([['shop/web:80', first.url]]) });
    expect(await statuses(ask)).toEqual([200, 404]);
    apply(base, { upstreams: new Map([['shop/web:80', second.url]]) });
    expect(await statuses(ask)).toEqual([404, 200]);
  });

  test('and counts for a visitor whose requests are known by then', async () => {
    const source = await documents();
    source.next(200, only('/pets/{id}'));
    const base = checked({ url: source.url }, { methodAndPath: false, body: false, operations: true });
    const api = base.apis['shop/pets'];
    const readers = base.subscriptions['shop/readers'];
    if (api === undefined || readers === undefined) throw new Error('the sample configuration has changed');
    const { visitor } = await start({
      ...base,
      apis: { 'shop/pets': { ...api, operationSets: { set: [{ methods: [], path: '/pets/{id}' }] } } },
      subscriptions: { 'shop/readers': { ...readers, operations: ['set'] } },
    });
    const kept = visitor();
    const status = async () => (await kept.ask('/pets/7', { headers: key })).status;
    for (let turn = 0; turn < 5; turn++) expect(await status()).toBe(200);
    source.next(200, only('/pets'));
    await vi.advanceTimersByTimeAsync(300_000);
    await expect.poll(status).toBe(403);
    kept.stream.end();
  });
});
