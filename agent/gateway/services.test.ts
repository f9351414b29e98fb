import { createServer, type Server } from 'node:http';
import { createServer as createHttp2Server } from 'node:http2';
import { createServer as createTcpServer, type AddressInfo } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import type { MiddlewareConfig } from '../../shared/gateway/middleware.ts';
import type { LoadBalancerConfig, ServiceConfig } from '../../shared/gateway/service.ts';
import { balancer, plain, prefix, route, sha256 } from './testing/config.ts';
import { readAll } from './testing/gateway-under-test.ts';
import { useGateway } from './testing/use-gateway.ts';

const start = useGateway();
const closing: (() => void)[] = [];
afterEach(() => {
  for (const close of closing.splice(0)) close();
});

interface Upstream {
  readonly address: string;
  /** Method, path and body of what came, but for health checks. */
  readonly seen: string[];
  status: number;
  /** What health checks asked, and what they are told. */
  readonly checks: string[];
  health: number;
}

async function upstream(name: string): Promise<Upstream> {
  const state = { address: '', seen: [] as string[], status: 200, checks: [] as string[], health: 200 };
  const server: Server = createServer((request, response) => {
    if (request.url?.startsWith('/healthz') === true) {
      state.checks.push(`${request.method} ${request.headers.host} ${request.headers['x-check']}`);
      response.writeHead(state.health, state.health === 302 ? { Location: '/healthz/moved' } : {});
      if (request.url === '/healthz/moved') response.statusCode = 200;
      response.end();
      return;
    }
    void readAll(request).then((body) => {
      state.seen.push(`${request.method} ${request.url} ${body.toString()}`);
      response.writeHead(state.status, { 'Set-Cookie': `up=${name}` });
      response.end(name);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closing.push(
    () => server.closeAllConnections(),
    () => server.close(),
  );
  state.address = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  return state;
}

const source = { apiVersion: 'v1', kind: 'Service', namespace: 'shop', name: 'web' };

function withServices(
  services: Record<string, ServiceConfig>,
  servers: Record<string, readonly Upstream[]>,
  first: string,
) {
  const upstreams = Object.fromEntries(
    Object.entries(servers).map(([key, list]) => [
      key,
      { namespace: 'shop', service: key, port: '80', source, servers: list.map(({ address }) => ({ address })) },
    ]),
  );
  const backends = [{ service: first, weight: 1 }];
  return { ...plain(route('all', prefix('/'), { backends })), services, upstreams };
}

async function begin(
  services: Record<string, ServiceConfig>,
  servers: Record<string, readonly Upstream[]>,
  first = 'main',
) {
  const under = await start(plain());
  const apply = (changed = services): void =>
    under.apply(withServices(changed, servers, first), { upstreams: new Map() });
  apply();
  return { ...under, apply };
}

const one = (key: string, more: Partial<LoadBalancerConfig> = {}): LoadBalancerConfig => balancer(key, more);
const cookie = { cookie: 'c', secure: false, httpOnly: true, maxAge: 0, path: '/' } as const;

describe('services', () => {
  test('share requests exactly by weight, also over a new configuration that leaves them as they are', async () => {
    const [a, b] = [await upstream('a'), await upstream('b')];
    const weighted: ServiceConfig = {
      kind: 'weighted',
      name: 'w@kubernetescrd',
      services: [
        { service: 'a', weight: 3 },
        { service: 'b', weight: 1 },
      ],
    };
    const { ask, apply } = await begin({ main: weighted, a: one('a'), b: one('b') }, { a: [a], b: [b] });
    for (let call = 0; call < 10; call++) await ask('/');
    apply();
    for (let call = 0; call < 30; call++) await ask('/');
    expect([a.seen.length, b.seen.length]).toEqual([30, 10]);
  });

  test('lead a visitor with their cookie to the same server, and write it before those of the upstream', async () => {
    const servers = [await upstream('a'), await upstream('b'), await upstream('c')];
    const { ask } = await begin({ main: one('s', { sticky: cookie }) }, { s: servers });
    const first = await ask('/');
    const [own = '', theirs] = first.head.headers.getAll('set-cookie');
    const at = servers.findIndex(({ seen }) => seen.length > 0);
    expect(own).toBe(`c=${sha256(`http://${servers[at]?.address}`).slice(0, 16)}; Path=/; HttpOnly`);
    expect(theirs).toBe(`up=${first.body.toString()}`);
    const value = own.split(';')[0] ?? '';
    for (let call = 0; call < 6; call++) {
      const again = await ask('/', { headers: { Cookie: `other=1; ${value}` } });
      expect([again.body.toString(), again.head.headers.getAll('set-cookie').length]).toEqual([
        first.body.toString(),
        1,
      ]);
    }
    const old = await ask('/', { headers: { Cookie: `c=http://${servers[at]?.address}` } });
    expect([old.body.toString(), old.head.headers.getAll('set-cookie')[0]]).toEqual([first.body.toString(), own]);
    const lost = await ask('/', { headers: { Cookie: 'c=0000' } });
    expect(lost.head.headers.getAll('set-cookie').length).toBe(2);
  });

  test('a server that its checks find unwell gets nothing, and its visitors another, until it is well again', async () => {
    const [a, b] = [await upstream('a'), await upstream('b')];
    const healthCheck = {
      mode: 'http',
      path: '/healthz',
      method: 'GET',
      hostname: 'checked.internal',
      headers: { 'X-Check': 'yes' },
      followRedirects: true,
      intervalMs: 20,
      unhealthyIntervalMs: 20,
      timeoutMs: 1000,
    } as const;
    a.health = 302;
    const { ask, apply } = await begin({ main: one('s', { sticky: cookie, healthCheck }) }, { s: [a, b] });
    await expect.poll(() => a.checks.length).toBeGreaterThan(3);
    expect(a.checks[0]).toBe('GET checked.internal yes');
    const toA = { Cookie: `c=${sha256(`http://${a.address}`).slice(0, 16)}` };
    expect((await ask('/', { headers: toA })).body.toString()).toBe('a');
    a.health = 503;
    await expect.poll(async () => (await ask('/', { headers: toA })).body.toString()).toBe('b');
    apply();
    expect((await ask('/', { headers: toA })).body.toString()).toBe('b');
    b.health = 503;
    await expect.poll(async () => (await ask('/')).status).toBe(503);
    const none = await ask('/');
    expect([none.body.toString(), none.header('x-content-type-options')]).toEqual(['no available server\n', 'nosniff']);
    a.health = 200;
    await expect.poll(async () => (await ask('/', { headers: toA })).body.toString()).toBe('a');
  });

  test('checks of gRPC ask its health service', async () => {
    let serving = true;
    const server = createHttp2Server();
    server.on('stream', (stream, headers) => {
      if (headers[':path'] !== '/grpc.health.v1.Health/Check') {
        stream.respond({ ':status': 200 });
        stream.end('ok');
        return;
      }
      stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
      stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
      stream.end(Buffer.from([0, 0, 0, 0, 2, 8, serving ? 1 : 2]));
    });
    const sessions = new Set<{ destroy(): void }>();
    server.on('session', (session) => sessions.add(session));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    closing.push(
      () => server.close(),
      () => sessions.forEach((session) => session.destroy()),
    );
    const address = `127.0.0.1:${(server.address() as AddressInfo).port}`;
    const grpc = { address, seen: [], status: 200, checks: [], health: 200 };
    const healthCheck = { mode: 'grpc', path: '', method: 'GET', headers: {}, followRedirects: true, intervalMs: 10, unhealthyIntervalMs: 10, timeoutMs: 1000 } as const; // prettier-ignore
    const { ask } = await begin({ main: one('s', { scheme: 'h2c', healthCheck }) }, { s: [grpc] });
    expect((await ask('/')).status).toBe(200);
    serving = false;
    await expect.poll(async () => (await ask('/')).status).toBe(503);
    serving = true;
    await expect.poll(async () => (await ask('/')).status).toBe(200);
  });

  test('a server that fails too often gets nothing for the length of the window', async () => {
    const [a, b] = [await upstream('a'), await upstream('b')];
    a.status = 500;
    const main = one('s', { passiveHealthCheck: { failureWindowMs: 60_000, maxFailedAttempts: 2 } });
    const { ask, apply } = await begin({ main }, { s: [a, b] });
    for (let call = 0; call < 10; call++) await ask('/');
    expect([a.seen.length, b.seen.length]).toEqual([2, 8]);
    apply({ main: { ...main, passiveHealthCheck: { failureWindowMs: 20, maxFailedAttempts: 1 } } });
    for (const times of [3, 4, 5]) {
      await expect.poll(() => ask('/').then(() => a.seen.length)).toBeGreaterThanOrEqual(times);
    }
  });

  test('mirrors get copies of their share, with the body, and change nothing of the answer', async () => {
    const [main, half, none, small] = [
      await upstream('main'),
      await upstream('half'),
      await upstream('none'),
      await upstream('small'),
    ];
    half.status = 500;
    const mirroring = (
      service: string,
      maxBodyBytes: number,
      mirrors: readonly { service: string; percent: number }[],
    ): ServiceConfig => ({ kind: 'mirroring', name: service, service, mirrors, mirrorBody: true, maxBodyBytes });
    const services = {
      main: mirroring('a', -1, [
        { service: 'half', percent: 50 },
        { service: 'none', percent: 0 },
      ]),
      a: mirroring('real', 4, [{ service: 'small', percent: 100 }]),
      half: one('half'),
      none: one('none'),
      small: one('small'),
      real: one('real'),
    };
    const { ask } = await begin(services, { real: [main], half: [half], none: [none], small: [small] });
    for (const [body, chunked] of [
      ['abc', undefined],
      ['abcdef', 2],
      ['xy', 1],
      ['', undefined],
    ] as const) {
      // prettier-ignore
      const answer = await ask('/p?q=1', { method: 'POST', body, ...(chunked === undefined ? {} : { chunked }) });
      expect([answer.status, answer.body.toString()]).toEqual([200, 'main']);
    }
    await expect.poll(() => small.seen.length).toBe(3);
    await expect.poll(() => half.seen.length).toBe(2);
    expect(main.seen).toEqual(['abc', 'abcdef', 'xy', ''].map((body) => `POST /p?q=1 ${body}`));
    expect(small.seen.toSorted()).toEqual(['', 'abc', 'xy'].map((body) => `POST /p?q=1 ${body}`));
    expect(none.seen).toEqual([]);
  });

  test('a mirror that switches to another protocol unasked is left at once', async () => {
    const main = await upstream('main');
    const left = Promise.withResolvers<void>();
    const switching = createTcpServer((socket) => {
      socket.on('error', () => {});
      socket.once('close', () => left.resolve());
      socket.once('data', () =>
        socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n'),
      );
    });
    await new Promise<void>((resolve) => switching.listen(0, '127.0.0.1', resolve));
    closing.push(() => switching.close());
    const mirrors = [{ service: 'copy', percent: 100 }];
    const services: Record<string, ServiceConfig> = {
      main: { kind: 'mirroring', name: 'm', service: 'real', mirrors, mirrorBody: true, maxBodyBytes: -1 },
      real: one('real'),
      copy: one('copy'),
    };
    const copy = { ...main, address: `127.0.0.1:${(switching.address() as AddressInfo).port}` };
    const { ask } = await begin(services, { real: [main], copy: [copy] });
    expect((await ask('/')).status).toBe(200);
    await left.promise;
  }, 10_000);

  test.each(['a middleware waited', 'another try had it'])('mirrors get the body also where %s before', async (why) => {
    const [main, copy] = [await upstream('main'), await upstream('copy')];
    const auth = await upstream('auth');
    // Nobody listens there: the first try ends before anything of the request was sent.
    const closed = { ...main, address: '127.0.0.1:1' };
    const services: Record<string, ServiceConfig> = {
      main: {
        kind: 'mirroring',
        name: 'm',
        service: 'real',
        mirrors: [{ service: 'copy', percent: 100 }],
        mirrorBody: true,
        maxBodyBytes: -1,
      },
      real: one('real'),
      copy: one('copy'),
    };
    const config = withServices(
      services,
      { real: why === 'a middleware waited' ? [main] : [closed, main], copy: [copy] },
      'main',
    );
    const middleware: MiddlewareConfig =
      why === 'a middleware waited'
        ? {
            kind: 'forward-auth',
            source,
            address: `http://${auth.address}/`,
            trustForwardHeader: false,
            responseHeaders: [],
            requestHeaders: [],
            responseCookies: [],
            forwardBody: false,
            keepLocation: false,
            keepMethod: false,
          }
        : { kind: 'retry', source, attempts: 2, initialIntervalMs: 0 };
    const under = await start(plain());
    const routes = config.routes.map((each) => ({ ...each, middlewares: [middleware] }));
    under.apply({ ...config, routes }, { upstreams: new Map() });
    expect((await under.ask('/', { method: 'POST', body: 'abc' })).status).toBe(200);
    await expect.poll(() => copy.seen).toEqual(['POST / abc']);
  });

  test.each(['p2c', 'hrw', 'leasttime'] as const)(
    'the strategy %s reaches servers, and a visitor keeps his by hrw',
    async (strategy) => {
      const servers = await Promise.all(['a', 'b', 'c'].map(upstream));
      const { ask } = await begin({ main: one('s', { strategy }) }, { s: servers });
      const from = (ip: string): Promise<string> =>
        ask('/', { headers: { 'X-Forwarded-For': ip } }).then(({ body }) => body.toString());
      const answers: string[] = [];
      for (let visitor = 0; visitor < 30; visitor++) answers.push(await from(`203.0.113.${visitor}`));
      expect(new Set(answers).size).toBeGreaterThan(1);
      if (strategy !== 'hrw') return;
      for (let visitor = 0; visitor < 30; visitor++) expect(await from(`203.0.113.${visitor}`)).toBe(answers[visitor]);
    },
  );
});
