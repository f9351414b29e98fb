import { describe, expect, test } from 'vitest';
import type { MiddlewareConfig } from '../../shared/gateway/middleware.ts';
import { balancer, plain, prefix, ref, route } from './testing/config.ts';
import { useGateway } from './testing/use-gateway.ts';

const start = useGateway();

describe('routing', () => {
  test('a request reaches the upstream with the forwarded headers and without ours', async () => {
    const { ask } = await start(plain(route('all', prefix('/'))));
    const answer = await ask('/a%2Fb?x=1', {
      headers: {
        'X-Forwarded-For': '203.0.113.9',
        'X-Forwarded-Host': 'shop.preview.test',
        'x-adit-request-id': 'r1',
        'x-adit-broker': 'b1',
        Connection: 'x-drop',
        'X-Drop': '1',
      },
    });
    expect(answer.status).toBe(200);
    const seen = answer.json() as { url: string; headers: Record<string, string> };
    expect(seen.url).toBe('/a%2Fb?x=1');
    expect(seen.headers).toMatchObject({
      host: 'shop.preview.test',
      'x-real-ip': '203.0.113.9',
      'x-forwarded-for': '203.0.113.9',
    });
    expect(Object.keys(seen.headers).filter((name) => name.startsWith('x-adit-') || name === 'x-drop')).toEqual([]);
  });

  test('the preview host stands for the host of the manifests', async () => {
    const { apply, ask } = await start(plain());
    const config = {
      ...plain(
        route('a', { kind: 'host', host: 'a.example.com' }),
        route('b', { kind: 'host', host: 'b.example.com' }, { backends: [{ service: 'own-host', weight: 1 }] }),
      ),
      services: { ...plain().services, 'own-host': balancer('shop/web:80', { passHostHeader: false }) },
    };
    apply(config, {
      hostMap: new Map([
        ['one.preview.test', 'a.example.com'],
        ['two.preview.test', 'b.example.com'],
        ['three.preview.test', 'c.example.com'],
      ]),
    });
    const one = (await ask('/', { host: 'one.preview.test:8443' })).json() as { headers: { host: string } };
    expect(one.headers.host).toBe('a.example.com');
    const two = (await ask('/', { host: 'TWO.preview.test' })).json() as { headers: { host: string } };
    expect(two.headers.host).toMatch(/^127\.0\.0\.1:\d+$/);
    const three = await ask('/', { host: 'three.preview.test' });
    expect([three.status, three.json()['code']]).toEqual([404, 'no-route']);
    expect((await ask('/', { host: 'a.example.com' })).status).toBe(404);
  });

  test('dot segments are resolved before rules are compared', async () => {
    const { ask } = await start(plain(route('public', prefix('/public'))));
    expect((await ask('/public/../admin')).status).toBe(404);
    expect((await ask('/public/%2e%2e/admin')).status).toBe(404);
    expect((await ask('/public/x')).status).toBe(200);
  });

  test('a Service without a known address is named, with what to do', async () => {
    const { apply, ask } = await start(plain());
    apply(plain(route('all', prefix('/'))), { upstreams: new Map() });
    const answer = await ask('/');
    expect(answer.status).toBe(503);
    expect(answer.json()).toMatchObject({
      code: 'upstream-unknown',
      detail: expect.stringContaining('shop/web port 80'),
    });
    expect(answer.json()['hint']).toContain('upstreams: { "shop/web"');
  });

  test('a route to a Service that nobody knows is left out for others, and said when none matches', async () => {
    const { apply, ask } = await start(plain());
    const known = plain(route('all', prefix('/open')));
    const source = ref('Service', 'gone');
    const config = {
      ...known,
      routes: [route('gone', prefix('/'), { backends: [{ service: 'gone', weight: 1 }] }), ...known.routes],
      services: { ...known.services, gone: balancer('shop/gone:80') },
      upstreams: {
        ...known.upstreams,
        'shop/gone:80': { namespace: 'shop', service: 'gone', port: '80', source, missing: true },
      },
    } as const;
    apply(config);
    expect((await ask('/open')).status).toBe(200);
    const answer = await ask('/closed');
    expect(answer.status).toBe(404);
    expect(answer.json()['detail']).toContain('Service shop/gone is not among the files');
    expect(answer.json()['hint']).toContain('upstreams: { "shop/gone"');
  });

  test('link-local addresses are never dialled', async () => {
    const { apply, ask } = await start(plain());
    for (const url of ['http://169.254.169.254/latest', 'http://[fe80::1]:80/', 'http://[::ffff:169.254.169.254]/']) {
      apply(plain(route('all', prefix('/'))), { upstreams: new Map([['shop/web:80', url]]) });
      expect((await ask('/')).json()['code']).toBe('upstream-refused');
    }
  });

  test('it is no forward proxy', async () => {
    const { ask, visitor } = await start(plain(route('all', prefix('/'))));
    expect((await ask('http://shop.preview.test/x')).json()['code']).toBe('target-form');
    expect((await visitor().ask('shop.preview.test:80', { method: 'CONNECT' })).status).toBe(405);
  });
});

describe('middlewares', () => {
  test('prefixes are stripped and headers set and removed, both ways', async () => {
    const middlewares = [
      { kind: 'strip-prefix', source: ref('Middleware', 'strip'), prefixes: ['/other', '/api v'], forceSlash: false },
      {
        kind: 'headers',
        source: ref('Middleware', 'headers'),
        request: { 'X-New': 'yes', 'User-Agent': '' },
        response: { 'Content-Type': '', 'X-Out': '1' },
      },
    ] as const;
    const { ask } = await start(plain(route('all', prefix('/'), { middlewares })));
    const answer = await ask('/api%20v/a%2Fb?q', { headers: { 'User-Agent': 'curl' } });
    const seen = answer.json() as { url: string; headers: Record<string, string> };
    expect(seen.url).toBe('/a%2Fb?q');
    expect(seen.headers).toMatchObject({ 'x-forwarded-prefix': '/api v', 'x-new': 'yes' });
    expect(seen.headers['user-agent']).toBeUndefined();
    expect([answer.header('content-type'), answer.header('x-out')]).toEqual([undefined, '1']);
    expect(((await ask('/other')).json() as { url: string }).url).toBe('/');
    expect(((await ask('/other../../x')).json() as { url: string }).url).toBe('/x');
  });

  const source = ref('Middleware', 'bad');
  test.each<MiddlewareConfig>([
    { kind: 'headers', source, request: {}, response: { 'X-A': 'a\r\nb' } },
    { kind: 'response-header-modifier', source, set: { 'X-A': 'a\nb' }, add: {}, remove: [] },
    { kind: 'response-header-modifier', source, set: {}, add: { 'X-A': '\u2713' }, remove: [] },
    { kind: 'request-header-modifier', source, set: { '': 'a' }, add: {}, remove: [] },
    { kind: 'request-redirect', source, status: 302, hostname: 'a\nb' },
    { kind: 'url-rewrite', source, hostname: '\ud800' },
  ])(
    'a header value that cannot be sent refuses the configuration and leaves the old one serving: $kind',
    async (bad) => {
      const { ask, apply } = await start(plain(route('all', prefix('/'))));
      expect(() => apply(plain(route('all', prefix('/'), { middlewares: [bad] })))).toThrow(/Middleware shop\/bad/);
      expect((await ask('/')).status).toBe(200);
    },
  );

  test('so does a cookie of a service that cannot be sent', async () => {
    const { ask, apply } = await start(plain(route('all', prefix('/'))));
    const sticky = { cookie: 'c', secure: false, httpOnly: true, maxAge: 0, path: '/\u2713' };
    const services = { 'shop-web-80': balancer('shop/web:80', { sticky }) };
    expect(() => apply({ ...plain(route('all', prefix('/'))), services })).toThrow(/Service shop-web-80/);
    expect((await ask('/')).status).toBe(200);
  });
});

test('a new configuration replaces the old one without losing a request', async () => {
  const first = plain(route('a', prefix('/')));
  const { apply, visitor } = await start(first, (_, response) => setImmediate(() => response.end('ok')));
  const second = plain(route('b', prefix('/')));
  let running = true;
  let asked = 0;
  const workers = Array.from({ length: 8 }, async () => {
    const kept = visitor();
    while (running) {
      const answer = await kept.ask('/');
      expect([answer.status, answer.body.toString()]).toEqual([200, 'ok']);
      asked += 1;
      if (asked % 10 === 0) apply(asked % 20 === 0 ? first : second);
      if (asked >= 600) running = false;
    }
  });
  await Promise.all(workers);
  expect(asked).toBeGreaterThanOrEqual(600);
});
