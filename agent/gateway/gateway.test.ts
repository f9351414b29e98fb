import { randomBytes } from 'node:crypto';
import type { Server } from 'node:http';
import { createServer as createTcpServer, type AddressInfo, type Socket } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import { managed, plain, prefix, ref, route, sha256 } from './testing/config.ts';
import { closeServer, gatewayUnderTest, mirror, readAll, type UnderTest } from './testing/gateway-under-test.ts';

let running: UnderTest | undefined;
async function start(...parameters: Parameters<typeof gatewayUnderTest>): Promise<UnderTest> {
  running = await gatewayUnderTest(...parameters);
  return running;
}
afterEach(async () => {
  await running?.close();
  running = undefined;
});

const bearer = (key: string) => ({ Authorization: `Bearer ${key}` });

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
    const config = plain(
      route('a', { kind: 'host', host: 'a.example.com' }),
      route(
        'b',
        { kind: 'host', host: 'b.example.com' },
        { backends: [{ upstream: 'shop/web:80', weight: 1, passHostHeader: false }] },
      ),
    );
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
});

describe('middlewares', () => {
  test('prefixes are stripped and headers set and removed, both ways', async () => {
    const middlewares = [
      { kind: 'strip-prefix', source: ref('Middleware', 'strip'), prefixes: ['/other', '/api v'] },
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

  test('a header value that cannot be sent refuses the configuration and leaves the old one serving', async () => {
    const { ask, apply } = await start(plain(route('all', prefix('/'))));
    const bad = {
      kind: 'headers',
      source: ref('Middleware', 'bad'),
      request: {},
      response: { 'X-A': 'a\r\nb' },
    } as const;
    expect(() => apply(plain(route('all', prefix('/'), { middlewares: [bad] })))).toThrow(/Middleware shop\/bad/);
    expect((await ask('/')).status).toBe(200);
  });
});

describe('bodies', () => {
  test('large bodies arrive unchanged both ways, with length and in chunks', async () => {
    const { visitor } = await start(plain(route('all', prefix('/'))), (request, response) => {
      void readAll(request).then((body) => {
        response.setHeader('X-Sha', sha256(body));
        if (request.url === '/length') response.setHeader('Content-Length', body.length);
        response.end(body);
      });
    });
    const body = randomBytes(3_000_000);
    const kept = visitor();
    for (const [target, chunked] of [
      ['/length', undefined],
      ['/chunked', 7001],
    ] as const) {
      const answer = await kept.ask(target, { method: 'POST', body, ...(chunked === undefined ? {} : { chunked }) });
      expect([answer.status, answer.header('x-sha'), sha256(answer.body)]).toEqual([200, sha256(body), sha256(body)]);
    }
  });

  test('a visitor that reads slowly slows the upstream, and gets everything', async () => {
    let sent = 0;
    const total = 40 * 1024 * 1024;
    const block = Buffer.alloc(64 * 1024, 7);
    const { visitor } = await start(plain(route('all', prefix('/'))), (_, response) => {
      const more = (): void => {
        while (sent < total) {
          sent += block.length;
          if (!response.write(block)) {
            response.once('drain', more);
            return;
          }
        }
        response.end();
      };
      more();
    });
    const kept = visitor();
    kept.hold();
    const answer = kept.ask('/');
    let before = -1;
    const standsStill = (): boolean => {
      const still = sent === before && sent > 0;
      before = sent;
      return still;
    };
    await expect.poll(standsStill, { interval: 100, timeout: 10_000 }).toBe(true);
    expect(sent).toBeLessThan(total);
    kept.release();
    expect((await answer).body.length).toBe(total);
  });

  test('events of a stream arrive one by one, before it ends', async () => {
    const go = Promise.withResolvers<void>();
    const { visitor } = await start(plain(route('all', prefix('/'))), (_, response) => {
      response.writeHead(200, { 'Content-Type': 'text/event-stream' });
      response.write('data: 1\n\n');
      void go.promise.then(() => response.end('data: 2\n\n'));
    });
    const seen: string[] = [];
    const answer = visitor().ask('/', {}, (bytes) => {
      seen.push(bytes.toString());
      go.resolve();
    });
    await go.promise;
    expect(seen).toEqual(['data: 1\n\n']);
    expect((await answer).body.toString()).toBe('data: 1\n\ndata: 2\n\n');
  });

  test('HEAD, 204, 100-continue and early answers keep the stream in step', async () => {
    const { visitor } = await start(plain(route('all', prefix('/'))), (request, response) => {
      if (request.url === '/204') response.writeHead(204).end();
      else if (request.url === '/early') response.writeHead(413, { Connection: 'close' }).end('too large');
      else if (request.url === '/hints') {
        response.writeEarlyHints({ link: '</a.css>; rel=preload' });
        response.end('hinted');
      } else void readAll(request).then((body) => response.end(`got ${body.length}`));
    });
    const kept = visitor();
    const head = await kept.ask('/x', { method: 'HEAD' });
    expect([head.status, head.body.length]).toEqual([200, 0]);
    expect((await kept.ask('/204')).status).toBe(204);
    const hints = await kept.ask('/hints');
    expect([hints.interim, hints.body.toString()]).toEqual([[103], 'hinted']);
    const expecting = await kept.ask('/e', { method: 'POST', headers: { Expect: '100-continue' }, body: 'abc' });
    expect([expecting.interim, expecting.body.toString()]).toEqual([[100], 'got 3']);
    const early = await kept.ask('/early', { method: 'POST', body: Buffer.alloc(2_000_000) });
    expect([early.status, early.body.toString()]).toEqual([413, 'too large']);
    expect((await kept.ask('/y', { method: 'POST', body: 'abcd' })).body.toString()).toBe('got 4');
  });

  test('requests that were sent ahead are answered in order', async () => {
    const { visitor } = await start(plain(route('all', prefix('/'))), (request, response) => response.end(request.url));
    const kept = visitor();
    const first = kept.expect('GET');
    const one = (path: string) => `GET ${path} HTTP/1.1\r\nHost: shop.preview.test\r\n\r\n`;
    kept.stream.write(Buffer.from(one('/1') + one('/2')));
    expect((await first).body.toString()).toBe('/1');
    expect((await kept.expect('GET')).body.toString()).toBe('/2');
  });
});

describe('upgrades', () => {
  let echo: Server | undefined;
  afterEach(async () => {
    if (echo !== undefined) await closeServer(echo);
    echo = undefined;
  });

  test('bytes pass both ways after a 101, and the end of each direction', async () => {
    const { visitor, upstream } = await start(plain(route('all', prefix('/'))));
    const sockets: Socket[] = [];
    upstream.on('upgrade', (_, socket: Socket) => {
      sockets.push(socket);
      socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\nfirst');
      socket.on('data', (bytes) => socket.write(bytes));
      socket.on('end', () => socket.end('bye'));
    });
    const kept = visitor();
    const answer = await kept.ask('/', { headers: { Connection: 'Upgrade', Upgrade: 'echo' } });
    expect([answer.status, answer.header('upgrade'), answer.header('connection')]).toEqual([101, 'echo', 'Upgrade']);
    const seen: Buffer[] = [];
    const big = randomBytes(1_000_000);
    kept.takeOver((bytes) => seen.push(bytes));
    kept.stream.write(big);
    await expect.poll(() => Buffer.concat(seen).length).toBe(5 + big.length);
    kept.stream.end();
    expect(await kept.closed).toBeUndefined();
    const all = Buffer.concat(seen);
    expect(all.subarray(0, 5).toString() + all.subarray(-3).toString()).toBe('firstbye');
    expect(sha256(all.subarray(5, -3))).toBe(sha256(big));
  });

  test('a refused upgrade is an ordinary answer and the stream goes on', async () => {
    const { visitor } = await start(plain(route('all', prefix('/'))));
    const kept = visitor();
    expect((await kept.ask('/', { headers: { Connection: 'Upgrade', Upgrade: 'echo' } })).status).toBe(200);
    expect((await kept.ask('/again')).status).toBe(200);
  });
});

describe('failure', () => {
  test('an upstream that does not listen is 502 with its address', async () => {
    const { apply, ask, url } = await start(plain());
    await closeServer(running!.upstream);
    apply(plain(route('all', prefix('/'))), { upstreams: new Map([['shop/web:80', url]]) });
    const answer = await ask('/');
    expect([answer.status, answer.json()['code']]).toEqual([502, 'upstream-unreachable']);
    expect(answer.json()['detail']).toContain(url);
  });

  test('an upstream that dies is 502 before its answer and a reset within it', async () => {
    const { visitor } = await start(plain(route('all', prefix('/'))), (request, response) => {
      if (request.url === '/before') request.socket.destroy();
      else {
        response.writeHead(200, { 'Content-Length': '10' });
        response.write('half', () => request.socket.destroy());
      }
    });
    const kept = visitor();
    const before = await kept.ask('/before');
    expect([before.status, before.json()['code']]).toEqual([502, 'upstream-reset']);
    await expect(kept.ask('/within')).rejects.toThrow();
    expect(running!.recorder.list().exchanges.map(({ status }) => status)).toEqual([502, 200]);
  });

  test('a kept connection that had gone stale is replaced without the visitor noticing', async () => {
    let served = 0;
    const server = createTcpServer((socket) => {
      socket.on('error', () => {});
      socket.once('data', () => {
        served += 1;
        socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
        // The second request on a connection finds it closed, without an answer.
        socket.once('data', () => socket.destroy());
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const { apply, visitor } = await start(plain());
    apply(plain(route('all', prefix('/'))), { upstreams: new Map([['shop/web:80', url]]) });
    const kept = visitor();
    for (let call = 0; call < 4; call++) expect((await kept.ask('/')).body.toString()).toBe('ok');
    expect(served).toBe(4);
    expect((await kept.ask('/', { method: 'POST', body: 'x' })).json()['code']).toBe('upstream-reset');
    server.close();
  });

  test('bytes after a response never become the answer of the next request', async () => {
    const server = createTcpServer((socket) => {
      socket.on('error', () => {});
      socket.on('data', () =>
        socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil'),
      );
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const { apply, visitor } = await start(plain());
    apply(plain(route('all', prefix('/'))), { upstreams: new Map([['shop/web:80', url]]) });
    const kept = visitor();
    for (let call = 0; call < 3; call++) expect((await kept.ask('/')).body.toString()).toBe('ok');
    server.close();
  });

  test('a visitor that goes away ends the work of the upstream', async () => {
    const gone = Promise.withResolvers<void>();
    const began = Promise.withResolvers<void>();
    const { visitor, recorder } = await start(plain(route('all', prefix('/'))), (_, response) => {
      began.resolve();
      response.on('close', () => gone.resolve());
    });
    const kept = visitor();
    const answer = kept.ask('/');
    answer.catch(() => {});
    await began.promise;
    kept.stream.reset();
    await gone.promise;
    expect(recorder.list().exchanges[0]).toMatchObject({ seq: 1, tookMs: expect.any(Number) });
  });

  test('an upstream that does not answer in time is 504', async () => {
    const { ask } = await start(plain(route('all', prefix('/'))), () => {}, { responseTimeoutMs: 30 });
    expect((await ask('/')).json()['code']).toBe('upstream-timeout');
  });

  test('a malformed answer is 502, a body until the end of the connection arrives whole', async () => {
    let reply = 'SMTP ready\r\n\r\n';
    const server = createTcpServer((socket) => {
      socket.on('error', () => {});
      socket.once('data', () => socket.end(reply));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const { apply, visitor } = await start(plain());
    apply(plain(route('all', prefix('/'))), { upstreams: new Map([['shop/web:80', url]]) });
    const kept = visitor();
    expect((await kept.ask('/')).json()['code']).toBe('upstream-malformed');
    reply = `HTTP/1.0 200 OK\r\n\r\n${'x'.repeat(100_000)}`;
    expect((await kept.ask('/')).body.length).toBe(100_000);
    server.close();
  });

  test('a malformed request is 400 and ends the stream', async () => {
    const { visitor } = await start(plain(route('all', prefix('/'))));
    const kept = visitor();
    const answer = kept.expect('GET');
    kept.stream.write(
      Buffer.from('GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n'),
    );
    expect((await answer).status).toBe(400);
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
