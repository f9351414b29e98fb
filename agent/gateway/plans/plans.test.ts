import { describe, expect, test } from 'vitest';
import type { Bucket, GatewayConfig, PlanConfig } from '../../../shared/gateway/config.ts';
import { managed, prefix, ref, route, sha256 } from '../testing/config.ts';
import { mirror } from '../testing/gateway-under-test.ts';
import { useGateway } from '../testing/use-gateway.ts';

const start = useGateway();
const bearer = (key: string) => ({ headers: { Authorization: `Bearer ${key}` } });
const MINUTE = 60_000;

function planned(plan: Omit<PlanConfig, 'source'>): GatewayConfig {
  return managed({ plans: { 'shop/small': { source: ref('APIPlan', 'small'), ...plan } } });
}

/** Two APIs, `/pets` and `/toys`, and two applications under one subscription. */
function shared(bucket: Bucket): GatewayConfig {
  const base = planned({ quota: { limit: 10, periodMs: MINUTE, bucket } });
  const pets = base.apis['shop/pets'];
  const readers = base.subscriptions['shop/readers'];
  if (pets === undefined || readers === undefined) throw new Error('the sample configuration has changed');
  const application = (name: string) => ({
    source: ref('ManagedApplication', name),
    appId: name,
    keys: [{ sha256: sha256(`key-${name}`), suspended: false }],
  });
  return {
    ...base,
    routes: [
      route('pets', prefix('/pets'), { api: 'shop/pets' }),
      route('toys', prefix('/toys'), { api: 'shop/toys' }),
    ],
    apis: { 'shop/pets': pets, 'shop/toys': { ...pets, source: ref('API', 'toys') } },
    applications: { 'shop/one': application('one'), 'shop/two': application('two') },
    subscriptions: {
      'shop/readers': { ...readers, apis: ['shop/pets', 'shop/toys'], applications: ['shop/one', 'shop/two'] },
    },
  };
}

describe('plans', () => {
  test.each<[Bucket, readonly string[]]>([
    ['subscription', ['9', '8', '7', '6']],
    ['application', ['9', '8', '9', '8']],
    ['application-api', ['9', '9', '9', '9']],
  ])('the bucket %s counts together what it says', async (bucket, left) => {
    const { ask } = await start(shared(bucket));
    const seen: (string | undefined)[] = [];
    for (const key of ['key-one', 'key-two'])
      for (const path of ['/pets', '/toys']) seen.push((await ask(path, bearer(key))).header('x-quota-remaining'));
    expect(seen).toEqual(left);
  });

  test('of calls at the same time exactly as many as the quota has are let through', async () => {
    let reached = 0;
    const { ask } = await start(
      planned({ quota: { limit: 7, periodMs: MINUTE, bucket: 'subscription' } }),
      (_, res) => {
        reached += 1;
        res.end();
      },
    );
    const answers = await Promise.all(Array.from({ length: 30 }, () => ask('/pets', bearer('key-good'))));
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(7);
    expect(answers.filter(({ status }) => status === 429)).toHaveLength(23);
    expect(reached).toBe(7);
  });

  test('a call just over the rate is delayed, and one far over it is dropped', async () => {
    const now = 0;
    const plan = planned({ rateLimit: { limit: 4, periodMs: 1000, bucket: 'subscription' } });
    const { ask } = await start(plan, mirror, { clock: () => now });
    for (let call = 0; call < 4; call++) expect((await ask('/pets', bearer('key-good'))).status).toBe(200);
    const spent = await ask('/pets', bearer('key-good'));
    expect([spent.status, spent.header('x-ratelimit-remaining'), spent.header('retry-after')]).toEqual([429, '0', '1']);
  });

  test('a delayed call goes on with the chain of its route, and tells what is left', async () => {
    let now = 0;
    const plan = planned({ rateLimit: { limit: 4, periodMs: 1000, bucket: 'subscription' } });
    const [pets] = plan.routes;
    if (pets === undefined) throw new Error('the sample configuration has changed');
    const strip = {
      kind: 'strip-prefix',
      source: ref('Middleware', 'strip'),
      prefixes: ['/pets'],
      forceSlash: false,
    } as const;
    const config = { ...plan, routes: [{ ...pets, middlewares: [strip] }] };
    const { ask } = await start(config, mirror, { clock: () => now });
    for (let call = 0; call < 4; call++) await ask('/pets/a', bearer('key-good'));
    now = 200;
    const late = await ask('/pets/a', bearer('key-good'));
    expect([late.status, late.header('x-ratelimit-remaining'), late.json()['url']]).toEqual([200, '0', '/a']);
  });

  test('a visitor who goes away while his call waits gives the call back', async () => {
    let now = 0;
    const quota = { limit: 100, periodMs: MINUTE, bucket: 'subscription' } as const;
    const plan = planned({ rateLimit: { limit: 1, periodMs: 1000, bucket: 'subscription' }, quota });
    const { ask, visitor, recorder } = await start(plan, mirror, { clock: () => now });
    await ask('/pets', bearer('key-good'));
    now = 600;
    const leaving = visitor();
    const lost = leaving.ask('/pets', bearer('key-good')).catch(() => 'gone');
    await expect.poll(() => recorder.list().exchanges.length).toBe(2);
    leaving.stream.reset();
    expect(await lost).toBe('gone');
    await expect.poll(() => recorder.list().exchanges[1]?.tookMs).toBeDefined();
    now = 2000;
    expect((await ask('/pets', bearer('key-good'))).header('x-quota-remaining')).toBe('98');
  });

  test('a plan without limits sets no headers', async () => {
    const { ask } = await start(planned({}));
    const answer = await ask('/pets', bearer('key-good'));
    expect([answer.header('x-ratelimit-remaining'), answer.header('x-quota-remaining')]).toEqual([
      undefined,
      undefined,
    ]);
  });
});
