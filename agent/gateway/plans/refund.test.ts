import { createHash } from 'node:crypto';
import type { RequestListener } from 'node:http';
import fc from 'fast-check';
import { SignJWT } from 'jose';
import { beforeAll, describe, expect, test } from 'vitest';
import type { AuthConfig, GatewayConfig, RouteConfig } from '../../../shared/gateway/config.ts';
import { Limiter } from '../limiter.ts';
import { balancer, managed, ref } from '../testing/config.ts';
import { gatewayUnderTest, type UnderTest } from '../testing/gateway-under-test.ts';
import { useGateway } from '../testing/use-gateway.ts';
import type { Demand, PlanStore, Verdict } from './plan-store.ts';

const start = useGateway();
const SECRET = Buffer.from('a-secret-of-more-than-32-bytes-for-sure');
const DOCUMENT = JSON.stringify({ openapi: '3.0.3', paths: { '/pets': { get: {} }, '/pets/{id}': { get: {} } } });
const SPENT = 'x-quota-remaining';
const QUOTA = 20;

const upstream: RequestListener = (request, response) => {
  response.end(request.url === '/openapi.json' ? DOCUMENT : `served ${request.url}`);
};

let token: string;
beforeAll(async () => {
  token = await new SignJWT({ app: 'web-app' }).setProtectedHeader({ alg: 'HS256' }).sign(SECRET);
});

const jwt: AuthConfig = {
  kind: 'jwt',
  source: ref('APIAuth', 'tokens'),
  keys: { kind: 'secret', base64: SECRET.toString('base64') },
  client: { timeoutMs: 2_000, maxRetries: 0, insecureSkipVerify: false },
  appIdClaim: 'app',
  forwardHeaders: {},
  stripAuthorization: false,
};

interface Manner {
  readonly auth?: AuthConfig;
  readonly route?: Partial<RouteConfig>;
  readonly rateLimit?: number;
}

/** API `shop/pets`, checked against an OpenAPI document, with a quota of twenty calls. */
function checked({ auth = { kind: 'api-key' }, route = {}, rateLimit }: Manner = {}): GatewayConfig {
  const bucket = 'subscription';
  const rate =
    rateLimit === undefined ? undefined : { limit: rateLimit, periodMs: 1000, bucket: 'subscription' as const };
  const base = managed({
    plans: {
      'shop/small': {
        source: ref('APIPlan', 'small'),
        rateLimit: rate,
        quota: { limit: QUOTA, periodMs: 3_600_000, bucket },
      },
    },
  });
  const [pets] = base.routes;
  const api = base.apis['shop/pets'];
  const readers = base.subscriptions['shop/readers'];
  if (pets === undefined || api === undefined || readers === undefined)
    throw new Error('the sample configuration has changed');
  const users = { ada: `{SHA}${createHash('sha1').update('pass').digest('base64')}` };
  const gate = {
    kind: 'basic-auth',
    source: ref('AccessControlPolicy', 'gate'),
    users,
    realm: 'here',
    stripAuthorization: true,
  } as const;
  return {
    ...base,
    routes: [{ ...pets, ...route }],
    apis: { 'shop/pets': { ...api, auth } },
    services: { ...base.services, pages: balancer('shop/web:80') },
    subscriptions: { 'shop/readers': { ...readers, operations: undefined } },
    policies: { gate },
    openApis: {
      'API shop/pets': {
        source: ref('API', 'pets'),
        from: { path: '/openapi.json', services: { 'IngressRoute/shop/pets#0': 'shop-web-80' } },
        methodAndPath: true,
        body: false,
        operations: false,
      },
    },
  };
}

const byKey = (): Record<string, string> => ({ Authorization: 'Bearer key-good' });
const byToken = (): Record<string, string> => ({ Authorization: `Bearer ${token}` });
const errors = {
  kind: 'errors',
  source: ref('Middleware', 'errors'),
  ranges: [[400, 499]],
  rewrites: [],
  service: 'pages',
  query: '/page',
} as const;
const retry = { kind: 'retry', source: ref('Middleware', 'retry'), attempts: 3, initialIntervalMs: 0 } as const;

describe('a call that the OpenAPI document refuses costs nothing', () => {
  test.each<[string, Manner, () => Record<string, string>, number]>([
    ['behind an API key', {}, byKey, 404],
    ['behind a token', { auth: jwt }, byToken, 404],
    [
      'behind a policy and an API key in the query',
      { route: { policies: ['gate'] } },
      () => ({ Authorization: `Basic ${btoa('ada:pass')}` }),
      404,
    ],
    ['behind a policy and a page of errors', { auth: jwt, route: { middlewares: [errors] } }, byToken, 404],
    ['behind a page of errors', { route: { middlewares: [errors] } }, byKey, 404],
  ])('%s', async (_, manner, headers, refused) => {
    const { ask, recorder } = await start(checked(manner), upstream);
    const query = manner.route?.policies === undefined ? '' : '?api_key=key-good';
    const call = (path: string) => ask(`${path}${query}`, { headers: headers() });
    expect((await call('/pets/1')).header(SPENT)).toBe('19');
    for (let turn = 0; turn < 3; turn++) {
      const bad = await call('/pets/1/toys');
      expect([bad.status, bad.header(SPENT)]).toEqual([refused, undefined]);
    }
    expect((await call('/pets/2')).header(SPENT)).toBe('18');
    const { exchanges } = recorder.list();
    expect(exchanges.map(({ application, plan }) => [application, plan])).toEqual(
      exchanges.map(() => ['shop/web-app', 'shop/small']),
    );
  });

  test('also when it had waited for its token', async () => {
    let now = 0;
    const { ask } = await start(checked({ rateLimit: 2 }), upstream, { clock: () => now });
    const call = (path: string) => ask(path, { headers: byKey() });
    expect((await call('/pets')).header(SPENT)).toBe('19');
    expect((await call('/pets')).header(SPENT)).toBe('18');
    now = 300;
    expect((await call('/pets/1/toys')).status).toBe(404);
    now = 1300;
    const next = await call('/pets');
    expect([next.header(SPENT), next.header('x-ratelimit-remaining')]).toEqual(['17', '1']);
  });

  test('also when the store of plans answers later', async () => {
    const store = new LaterStore(new Limiter(() => 0));
    const { ask, apply } = await start(checked(), upstream);
    apply(checked(), { plans: store });
    const call = (path: string) => ask(path, { headers: byKey() });
    expect((await call('/pets')).header(SPENT)).toBe('19');
    expect((await call('/pets/1/toys')).status).toBe(404);
    expect((await call('/pets')).header(SPENT)).toBe('18');
    expect(store.refunds).toBe(1);
  });
});

test('a call that a plan refuses, and one that is tried again, are never given back twice', async () => {
  const { ask } = await start(checked({ route: { middlewares: [retry] } }), upstream);
  const call = (path: string) => ask(path, { headers: byKey() });
  for (let turn = 1; turn <= QUOTA; turn++) {
    expect((await call('/pets')).header(SPENT)).toBe(String(QUOTA - turn));
    if (turn < QUOTA) expect((await call('/pets/1/toys')).status).toBe(404);
  }
  for (let turn = 0; turn < 3; turn++) {
    const spent = await call('/pets');
    expect([spent.status, spent.header(SPENT), spent.header('content-length')]).toEqual([429, '0', '0']);
    expect((await call('/pets/1/toys')).status).toBe(429);
  }
});

/** Whose answers come from elsewhere, a turn of the event loop later. */
class LaterStore implements PlanStore {
  readonly #limiter: Limiter;
  refunds = 0;

  constructor(limiter: Limiter) {
    this.#limiter = limiter;
  }

  async take(demand: Demand): Promise<Verdict> {
    await new Promise((resolve) => setImmediate(resolve));
    return this.#limiter.take(demand);
  }

  refund(demand: Demand): void {
    this.refunds += 1;
    this.#limiter.refund(demand);
  }
}

describe('whatever comes at the same time, on kept streams and new ones, with plans that change meanwhile', () => {
  const config = (auth: AuthConfig, limit: number): GatewayConfig => {
    const base = checked({ auth });
    return {
      ...base,
      plans: {
        'shop/small': {
          source: ref('APIPlan', 'small'),
          quota: { limit, periodMs: 3_600_000, bucket: 'subscription' },
        },
      },
    };
  };

  test.each<[string, AuthConfig, () => Record<string, string>, boolean]>([
    ['API keys', { kind: 'api-key' }, byKey, false],
    ['tokens', jwt, byToken, false],
    ['API keys and a store elsewhere', { kind: 'api-key' }, byKey, true],
  ])('never more calls are served than the plan has: %s', async (_, auth, headers, later) => {
    const calls = fc.array(fc.constantFrom('good', 'good', 'bad', 'plan'), { minLength: 10, maxLength: 60 });
    await fc.assert(
      fc.asyncProperty(calls, fc.integer({ min: 1, max: 4 }), async (kinds, width) => {
        const limiter = new Limiter(() => 0);
        const plans = later ? new LaterStore(limiter) : limiter;
        const under = await gatewayUnderTest(config(auth, 10), upstream);
        try {
          under.apply(config(auth, 10), { plans });
          const served = await run(
            under,
            kinds,
            width,
            (limit) => under.apply(config(auth, limit), { plans }),
            headers,
          );
          const changed = kinds.includes('plan');
          const wanted = kinds.filter((kind) => kind === 'good').length;
          expect(served.good).toBeLessThanOrEqual(changed ? 15 : 10);
          // A call that is refused behind its plan holds a place for as long as it is looked at, and no longer.
          if (width === 1) expect(served.good).toBe(expectedAlone(kinds));
          else if (!kinds.includes('bad') && !changed) expect(served.good).toBe(Math.min(10, wanted));
        } finally {
          await under.close();
        }
      }),
      { numRuns: 12 },
    );
  });
});

/** How many calls are served when one comes after the other: the plan has 10 at first, then 15 and 10 in turn. */
function expectedAlone(kinds: readonly string[]): number {
  let limit = 10;
  let used = 0;
  for (const kind of kinds) {
    if (kind === 'plan') limit = 25 - limit;
    else if (kind === 'good' && used < limit) used += 1;
  }
  return used;
}

async function run(
  under: UnderTest,
  kinds: readonly string[],
  width: number,
  plan: (limit: number) => void,
  headers: () => Record<string, string>,
): Promise<{ good: number }> {
  let limit = 10;
  let good = 0;
  const left = [...kinds];
  const worker = async (): Promise<void> => {
    // Its requests come on one stream, so that their heads are known after a few.
    const visitor = under.visitor();
    for (let kind = left.shift(); kind !== undefined; kind = left.shift()) {
      if (kind === 'plan') {
        limit = 25 - limit;
        plan(limit);
        continue;
      }
      const { status } = await visitor.ask(kind === 'good' ? '/pets' : '/pets/1/toys', { headers: headers() });
      expect([kind, status]).toEqual([kind, expect.toBeOneOf(kind === 'good' ? [200, 429] : [404, 429])]);
      if (kind === 'good' && status === 200) good += 1;
    }
    visitor.stream.end();
  };
  await Promise.all(Array.from({ length: width }, worker));
  return { good };
}
