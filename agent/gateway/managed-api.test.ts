import { describe, expect, test } from 'vitest';
import type { GatewayConfig } from '../../shared/gateway/config.ts';
import { managed, prefix, ref, route } from './testing/config.ts';
import { mirror } from './testing/gateway-under-test.ts';
import { useGateway } from './testing/use-gateway.ts';

const start = useGateway();
const bearer = (key: string) => ({ Authorization: `Bearer ${key}` });

describe('managed APIs', () => {
  test('401 without a key, 200 with it, 403 without subscription or outside its operations, 429 beyond the plan', async () => {
    const { ask, recorder } = await start(managed());
    const none = await ask('/pets');
    expect([none.status, none.header('www-authenticate')]).toEqual([401, 'Bearer realm="shop/pets"']);
    expect((await ask('/pets', { headers: bearer('key-wrong') })).status).toBe(401);
    expect((await ask('/pets', { headers: bearer('key-old') })).status).toBe(401);
    expect((await ask('/pets', { headers: bearer('key-none') })).status).toBe(403);
    expect((await ask('/pets', { method: 'POST', headers: bearer('key-good'), body: 'x' })).status).toBe(403);
    const left: (string | undefined)[] = [];
    for (let call = 0; call < 3; call++) {
      const good = await ask(
        call === 1 ? '/pets?api_key=key-good' : '/pets',
        call === 1 ? {} : { headers: bearer('key-good') },
      );
      expect([good.status, good.header('x-quota-remaining')]).toEqual([200, undefined]);
      left.push(good.header('x-ratelimit-remaining'));
    }
    expect(left).toEqual(['2', '1', '0']);
    const spent = await ask('/pets', { headers: bearer('key-good') });
    expect([spent.status, spent.header('x-ratelimit-remaining'), spent.header('content-length')]).toEqual([
      429,
      '0',
      '0',
    ]);
    expect(Number(spent.header('retry-after'))).toBeGreaterThanOrEqual(1);
    expect(recorder.list().exchanges.map(({ verdict }) => verdict)).toEqual([
      'unauthorized',
      'unauthorized',
      'unauthorized',
      'forbidden',
      'forbidden',
      undefined,
      undefined,
      undefined,
      'rate-limited',
    ]);
  });

  test('consumption survives a new configuration, and a larger plan gives the difference', async () => {
    let now = 0;
    const config = (limit: number) =>
      managed({
        plans: {
          'shop/small': { source: ref('APIPlan', 'small'), quota: { limit, periodMs: 1000, bucket: 'subscription' } },
        },
      });
    const { ask, apply } = await start(config(5), mirror, { clock: () => now });
    for (let call = 0; call < 7; call++) await ask('/pets', { headers: bearer('key-good') });
    apply(config(500));
    expect((await ask('/pets', { headers: bearer('key-good') })).header('x-quota-remaining')).toBe('494');
    now = 1001;
    expect((await ask('/pets', { headers: bearer('key-good') })).header('x-quota-remaining')).toBe('499');
  });

  test('authentication that is not served is 501, keyless needs nothing', async () => {
    const { ask, apply } = await start(managed());
    const api = managed().apis['shop/pets']!;
    apply(
      managed({
        apis: {
          'shop/pets': { ...api, auth: { kind: 'unsupported', source: ref('APIAuth', 'ldap'), method: 'LDAP' } },
        },
      }),
    );
    const answer = await ask('/pets');
    expect([answer.status, answer.json()['detail']]).toEqual([501, 'API shop/pets uses LDAP (APIAuth shop/ldap).']);
    apply(managed({ apis: { 'shop/pets': { ...api, auth: { kind: 'keyless' } } } }));
    expect((await ask('/pets')).status).toBe(200);
  });

  test('custom sources replace the default ones', async () => {
    const { ask, apply } = await start(managed());
    const api = managed().apis['shop/pets']!;
    apply(managed({ apis: { 'shop/pets': { ...api, auth: { kind: 'api-key', header: 'X-Shop-Key' } } } }));
    expect((await ask('/pets', { headers: bearer('key-good') })).status).toBe(401);
    expect((await ask('/pets?api_key=key-good')).status).toBe(401);
    expect((await ask('/pets', { headers: { 'x-shop-key': 'key-good' } })).status).toBe(200);
  });

  test('a preflight is answered before authentication, other responses get the CORS headers', async () => {
    const api = managed().apis['shop/pets']!;
    const cors = {
      allowOrigins: ['https://app.example'],
      allowOriginPatterns: ['^https://[a-z]+\\.dev$'],
      allowMethods: ['GET', 'PUT'],
      allowHeaders: ['X-A', 'X-B'],
      exposeHeaders: ['X-Ratelimit-Remaining'],
      allowCredentials: true,
      maxAgeSeconds: 60,
      addVaryHeader: true,
    };
    const { ask } = await start(managed({ apis: { 'shop/pets': { ...api, cors } } }));
    const preflight = await ask('/pets', {
      method: 'OPTIONS',
      headers: { Origin: 'https://app.example', 'Access-Control-Request-Method': 'PUT' },
    });
    expect(preflight.status).toBe(200);
    expect(Object.fromEntries(preflight.head.headers)).toEqual({
      'Access-Control-Allow-Credentials': 'true',
      'Access-Control-Allow-Headers': 'X-A,X-B',
      'Access-Control-Allow-Methods': 'GET,PUT',
      'Access-Control-Allow-Origin': 'https://app.example',
      'Access-Control-Max-Age': '60',
      'Content-Length': '0',
    });
    const stranger = await ask('/pets', {
      method: 'OPTIONS',
      headers: { Origin: 'https://evil.example', 'Access-Control-Request-Method': 'PUT' },
    });
    expect([stranger.status, stranger.header('access-control-allow-origin')]).toEqual([200, undefined]);
    const refused = await ask('/pets', { headers: { Origin: 'https://x.dev' } });
    expect([refused.status, refused.header('access-control-allow-origin'), refused.header('vary')]).toEqual([
      401,
      'https://x.dev',
      'Origin',
    ]);
  });

  describe('with versions', () => {
    const cors = (origin: string) => ({
      allowOrigins: [origin],
      allowOriginPatterns: [],
      allowMethods: [],
      allowHeaders: [],
      exposeHeaders: [],
      allowCredentials: false,
      maxAgeSeconds: undefined,
      addVaryHeader: false,
    });
    /** `/pets` is of the API alone, `/one` of a version with rules of its own, `/two` of one without. */
    const versioned = (operations: readonly string[]): GatewayConfig => {
      const base = managed({ plans: {} });
      const api = base.apis['shop/pets'];
      const readers = base.subscriptions['shop/readers'];
      if (api === undefined || readers === undefined) throw new Error('the sample configuration has changed');
      const attached = { api: 'shop/pets' };
      return {
        ...base,
        routes: [
          route('pets', prefix('/pets'), attached),
          route('one', prefix('/one'), { ...attached, apiVersion: 'shop/one' }),
          route('two', prefix('/two'), { ...attached, apiVersion: 'shop/two' }),
        ],
        apis: { 'shop/pets': { ...api, cors: cors('https://api.test') } },
        versions: {
          'shop/one': {
            source: ref('APIVersion', 'one'),
            apis: ['shop/pets'],
            cors: cors('https://one.test'),
            operationSets: { read: [{ methods: ['PUT'] }], own: [{ methods: ['PATCH'] }] },
          },
          'shop/two': { source: ref('APIVersion', 'two'), apis: ['shop/pets'], operationSets: {} },
        },
        subscriptions: { 'shop/readers': { ...readers, operations } },
      };
    };

    test("a version's own CORS takes the place of that of its API, in preflights and answers", async () => {
      const { ask } = await start(versioned(['read']));
      const allowed = async (path: string, origin: string) => {
        const headers = { ...bearer('key-good'), Origin: origin };
        const answer = await ask(path, { headers });
        const preflight = await ask(path, {
          method: 'OPTIONS',
          headers: { Origin: origin, 'Access-Control-Request-Method': 'GET' },
        });
        expect(preflight.status).toBe(200);
        return [answer, preflight].map((of) => of.header('access-control-allow-origin'));
      };
      for (const [path, own] of [
        ['/pets', 'api'],
        ['/one', 'one'],
        ['/two', 'api'],
      ] as const)
        for (const origin of ['api', 'one'])
          expect([path, origin, await allowed(path, `https://${origin}.test`)]).toEqual([
            path,
            origin,
            origin === own ? [`https://${own}.test`, `https://${own}.test`] : [undefined, undefined],
          ]);
    });

    test("a version's own operation sets take the place of those of the same name, and are its alone", async () => {
      const { ask, apply } = await start(versioned(['read']));
      const status = async (method: string, path: string) =>
        (await ask(path, { method, headers: bearer('key-good') })).status;
      const table = async (paths: readonly string[]) =>
        Promise.all(paths.flatMap((path) => ['GET', 'PUT', 'PATCH'].map((method) => status(method, path))));
      expect(await table(['/pets', '/one', '/two'])).toEqual([200, 403, 403, 403, 200, 403, 200, 403, 403]);
      apply(versioned(['own']));
      expect(await table(['/pets', '/one', '/two'])).toEqual([403, 403, 403, 403, 403, 200, 403, 403, 403]);
      apply(versioned(['own', 'read']));
      expect(await table(['/pets', '/one', '/two'])).toEqual([200, 403, 403, 403, 200, 200, 200, 403, 403]);
      apply(versioned(['none']));
      expect(new Set(await table(['/pets', '/one', '/two']))).toEqual(new Set([403]));
    });
  });
});
