import { createServer, type RequestListener, type Server } from 'node:http';
import { brotliDecompressSync, gunzipSync, zstdDecompressSync } from 'node:zlib';
import { afterEach, describe, expect, test } from 'vitest';
import type { GatewayConfig } from '../../../shared/gateway/config.ts';
import type { CompressConfig, MiddlewareConfig } from '../../../shared/gateway/middleware.ts';
import { balancer, plain, prefix, ref, route } from '../testing/config.ts';
import { closeServer, listen, readAll } from '../testing/gateway-under-test.ts';
import { useGateway } from '../testing/use-gateway.ts';

const start = useGateway();
const source = ref('Middleware', 'm');
const served = (...middlewares: MiddlewareConfig[]) => plain(route('all', prefix('/'), { middlewares }));
const servers: Server[] = [];
afterEach(async () => {
  await Promise.all(servers.splice(0).map(closeServer));
});

describe('compress', () => {
  const config: CompressConfig = {
    kind: 'compress', source, encodings: ['gzip', 'br', 'zstd'], minBytes: 1024, excluded: [], included: [],
  }; // prettier-ignore
  const text = 'x'.repeat(3000);
  const upstream: RequestListener = (request, response) => {
    const { searchParams } = new URL(request.url ?? '/', 'http://x');
    const size = Number(searchParams.get('size') ?? text.length);
    response.setHeader('Content-Type', searchParams.get('type') ?? 'text/plain');
    response.setHeader('ETag', '"e"');
    if (searchParams.has('encoded')) response.setHeader('Content-Encoding', 'own');
    if (searchParams.has('stream')) response.write(text.slice(0, Math.min(1, size)));
    else response.setHeader('Content-Length', String(size));
    response.end(text.slice(searchParams.has('stream') ? 1 : 0, size));
  };
  const plainly: (body: Buffer) => Buffer = (body) => body;
  const of = { gzip: gunzipSync, br: brotliDecompressSync, zstd: zstdDecompressSync };

  test.each<[string, Partial<CompressConfig>, string, string | undefined, 'gzip' | 'br' | 'zstd' | undefined, boolean]>(
    [
      ['the first of equals', {}, '/', 'br, gzip', 'gzip', true],
      ['the heaviest', {}, '/', 'gzip;q=0.5, zstd;q=0.9, br;q=0.8', 'zstd', true],
      ['none of weight 0', {}, '/', 'gzip;q=0, br', 'br', true],
      ['identity when it is heavier', {}, '/', 'identity, gzip;q=0.1', undefined, false],
      ['any, but not as gzip', {}, '/', '*', undefined, true],
      ['any, by its default', { defaultEncoding: 'br' }, '/', '*', 'br', true],
      ['without a wish, nothing', {}, '/', undefined, undefined, false],
      ['without a wish, its default', { defaultEncoding: 'zstd' }, '/', undefined, 'zstd', true],
      ['what is unknown', {}, '/', 'deflate', undefined, false],
      ['small answers', {}, '/?size=1023', 'gzip', undefined, true],
      ['answers just large enough', {}, '/?size=1024', 'gzip', 'gzip', true],
      ['small answers of unknown length', {}, '/?size=10&stream', 'gzip', 'gzip', true],
      ['small answers of unknown length, br', {}, '/?size=10&stream', 'br', 'br', true],
      ['empty answers of unknown length', {}, '/?size=0&stream', 'gzip', undefined, true],
      ['what is encoded already', {}, '/?encoded', 'gzip', undefined, true],
      ['types left out', { excluded: ['text/plain'] }, '/', 'br', undefined, true],
      ['gRPC', {}, '/?type=application/grpc', 'gzip', undefined, true],
      ['types taken in', { included: ['text/plain'] }, '/?type=text/plain;x=y', 'gzip', 'gzip', true],
      ['types not taken in', { included: ['text/css'] }, '/', 'gzip', undefined, true],
    ],
  )('%s', async (_, more, target, accept, encoding, varies) => {
    const { ask } = await start(served({ ...config, ...more }), upstream);
    const answer = await ask(target, accept === undefined ? {} : { headers: { 'Accept-Encoding': accept } });
    const size = Number(/size=(\d+)/.exec(target)?.[1] ?? text.length);
    const decode = encoding === undefined ? plainly : of[encoding];
    expect(answer.header('content-encoding')).toBe(encoding ?? (target.includes('encoded') ? 'own' : undefined));
    expect(decode(answer.body).toString()).toBe(text.slice(0, size));
    expect([answer.header('vary'), answer.header('etag')]).toEqual([varies ? 'Accept-Encoding' : undefined, '"e"']);
  });

  test('events arrive one by one', async () => {
    let send: (() => void) | undefined;
    const { visitor } = await start(served(config), (_, response) => {
      response.setHeader('Content-Type', 'text/event-stream');
      response.write('data: 1\n\n');
      send = () => response.end('data: 2\n\n');
    });
    let first: () => void = () => {};
    const came = new Promise<void>((resolve) => (first = resolve));
    const answer = visitor().ask('/', { headers: { 'Accept-Encoding': 'gzip' } }, () => first());
    await came;
    send?.();
    expect(gunzipSync((await answer).body).toString()).toBe('data: 1\n\ndata: 2\n\n');
  });

  test('megabytes pass through to a slow visitor, and an exchange that is given up frees its compressor', async () => {
    const large = Buffer.alloc(8 * 1024 * 1024, 'abcdefghij');
    const { ask, visitor, gateway } = await start(served(config), (_, response) => response.end(large));
    const answer = await ask('/', { headers: { 'Accept-Encoding': 'br' } });
    expect(brotliDecompressSync(answer.body).equals(large)).toBe(true);
    const slow = visitor();
    slow.hold();
    const lost = slow.ask('/', { headers: { 'Accept-Encoding': 'gzip' } });
    slow.stream.reset();
    await expect(lost).rejects.toThrow();
    await expect.poll(() => gateway.inFlight).toBe(0);
  });
});

describe('buffering', () => {
  const config: MiddlewareConfig = { kind: 'buffering', source, maxRequestBytes: 100, maxResponseBytes: 1000 };

  test.each<[string, number, number | undefined, number]>([
    ['a body as large as it may be', 100, undefined, 200],
    ['a body that is too large', 101, undefined, 413],
    ['a chunked body', 100, 7, 200],
    ['a chunked body that is too large', 101, 7, 413],
  ])('%s', async (_, size, chunked, status) => {
    const { ask } = await start(served(config));
    const answer = await ask('/', { method: 'POST', body: 'x'.repeat(size), ...(chunked ? { chunked } : {}) });
    expect(answer.status).toBe(status);
    if (status === 200) {
      const seen = answer.json() as { headers: Record<string, string>; body: string };
      expect([seen.headers['content-length'], seen.headers['transfer-encoding']]).toEqual([String(size), undefined]);
      expect(seen.body).toBe('x'.repeat(size));
    } else expect(answer.body.toString()).toMatch(/Too Large$/);
  });

  test('answers are measured too, and get a length', async () => {
    const { ask } = await start(served(config), (request, response) => {
      response.write('x');
      response.end('x'.repeat(Number(request.url?.slice(1)) - 1));
    });
    const fits = await ask('/1000');
    expect([fits.status, fits.header('content-length'), fits.body.length]).toEqual([200, '1000', 1000]);
    const large = await ask('/1001');
    expect([large.status, large.body.toString()]).toEqual([500, 'Internal Server Error']);
  });

  test('a try is made again with the same body while the expression holds', async () => {
    const bodies: string[] = [];
    const again: MiddlewareConfig = { ...config, retryExpression: 'ResponseCode() == 503 && Attempts() < 3' };
    const { ask } = await start(served(again), (request, response) => {
      void readAll(request).then((body) => {
        bodies.push(body.toString());
        response.writeHead(503).end('busy');
      });
    });
    const answer = await ask('/', { method: 'POST', body: 'hello' });
    expect([answer.status, answer.body.toString(), bodies]).toEqual([503, 'busy', ['hello', 'hello', 'hello']]);
  });
});

describe('errors', () => {
  const config: MiddlewareConfig = {
    kind: 'errors', source, ranges: [[404, 404], [500, 599]], rewrites: [{ from: [500, 500], to: 200 }],
    service: 'pages', query: '/{status}/{originalStatus}?u={url}',
  }; // prettier-ignore
  const withPages = (...middlewares: MiddlewareConfig[]): GatewayConfig => {
    const made = served(...middlewares);
    return { ...made, services: { ...made.services, pages: balancer('shop/pages:80') } };
  };

  test.each([204, 304])('a page that ends with its head (%d) ends the answer too', async (status) => {
    const pages = createServer((_, response) => response.writeHead(status).end());
    servers.push(pages);
    const { visitor, apply, url } = await start(withPages(config), (_, response) =>
      response.writeHead(503).end('broken'),
    );
    apply(withPages(config), {
      upstreams: new Map([
        ['shop/web:80', url],
        ['shop/pages:80', await listen(pages)],
      ]),
    });
    const kept = visitor();
    for (let call = 0; call < 2; call++) {
      const page = await kept.ask('/');
      expect([page.status, page.header('content-length'), page.body.length]).toEqual([503, '0', 0]);
    }
  });

  test('a page is asked for by the bytes of its path, whatever they are', async () => {
    const pages = createServer((request, response) => response.end(request.url));
    servers.push(pages);
    const odd = { ...config, query: '/%ff/{status}' };
    const { ask, apply, url } = await start(withPages(odd), (_, response) => response.writeHead(503).end('broken'));
    apply(withPages(odd), {
      upstreams: new Map([
        ['shop/web:80', url],
        ['shop/pages:80', await listen(pages)],
      ]),
    });
    const page = await ask('/');
    expect([page.status, page.body.toString().toLowerCase()]).toEqual([503, '/%ff/503']);
  });

  test('a page takes the place of an answer, whoever gave it', async () => {
    const pages = createServer((request, response) => {
      response.setHeader('X-Page', '1');
      response.writeHead(404).end(`${request.method} ${request.url} ${request.headers['x-kept']}`);
    });
    servers.push(pages);
    const pagesUrl = await listen(pages);
    const upstream: RequestListener = (request, response) => {
      response.setHeader('X-Upstream', '1');
      response.writeHead(Number(request.url?.slice(1, 4))).end('broken');
    };
    const wall: MiddlewareConfig = { kind: 'in-flight-req', source, amount: 0, caller: { kind: 'host' } };
    const { ask, apply, url } = await start(withPages(config), upstream);
    const upstreams = new Map([
      ['shop/web:80', url],
      ['shop/pages:80', pagesUrl],
    ]);
    apply(withPages(config), { upstreams });
    const page = await ask('/503?a=b c'.replace(' ', '%20'), {
      method: 'POST',
      body: 'x'.repeat(300_000),
      headers: { 'X-Kept': 'yes' },
    });
    const told = encodeURIComponent('http://shop.preview.test/503?a=b%20c');
    expect([page.status, page.body.toString()]).toEqual([503, `GET /503/503?u=${told} yes`]);
    expect([page.header('x-page'), page.header('x-upstream')]).toEqual(['1', undefined]);
    const rewritten = await ask('/500');
    expect([rewritten.status, rewritten.body.toString().slice(0, 12)]).toEqual([200, 'GET /200/500']);
    const left = await ask('/418');
    expect([left.status, left.body.toString(), left.header('x-upstream')]).toEqual([418, 'broken', '1']);
    apply(withPages({ ...config, ranges: [[429, 429]] }, wall), { upstreams });
    expect((await ask('/200')).body.toString()).toMatch(/^GET \/429\/429/);
    apply(withPages(config), { upstreams: new Map([...upstreams, ['shop/web:80', 'http://127.0.0.1:1']]) });
    expect((await ask('/200')).body.toString()).toMatch(/^GET \/502\/502/);
    apply(withPages(config), { upstreams: new Map([...upstreams, ['shop/pages:80', 'http://127.0.0.1:1']]) });
    expect((await ask('/503')).status).toBe(503);
  });
});

describe('retry', () => {
  test('tries again while nothing listens, and never again what a server has seen', async () => {
    const config: MiddlewareConfig = { kind: 'retry', source, attempts: 3, initialIntervalMs: 1 };
    let seen = 0;
    const { ask, apply } = await start(served(config), (request) => {
      seen += 1;
      request.socket.destroy();
    });
    expect([(await ask('/', { method: 'POST', body: 'x' })).status, seen]).toEqual([502, 1]);
    apply(served(config), { upstreams: new Map([['shop/web:80', 'http://127.0.0.1:1']]) });
    expect((await ask('/', { method: 'POST', body: 'x' })).status).toBe(502);
    const made = served(config);
    const weighted = {
      ...made,
      services: { 'shop-web-80': balancer('shop/web:80'), gone: balancer('shop/gone:80') },
      routes: [
        route('all', prefix('/'), {
          middlewares: [config],
          backends: [
            { service: 'gone', weight: 1 },
            { service: 'shop-web-80', weight: 1 },
          ],
        }),
      ],
    };
    const upstream = createServer((_, response) => response.end('here'));
    servers.push(upstream);
    const upstreams = new Map([
      ['shop/web:80', await listen(upstream)],
      ['shop/gone:80', 'http://127.0.0.1:1'],
    ]);
    apply(weighted, { upstreams });
    for (let call = 0; call < 4; call++) expect((await ask('/', { method: 'POST', body: 'x' })).status).toBe(200);
  });
});

describe('circuitBreaker', () => {
  test('opens when its condition holds, over a new configuration too, and lets calls through by and by', async () => {
    let now = 0;
    let status = 500;
    const config: MiddlewareConfig = {
      kind: 'circuit-breaker', source, expression: 'ResponseCodeRatio(500, 600, 0, 600) > 0.5', checkPeriodMs: 100,
      fallbackMs: 1000, recoveryMs: 1000, status: 503,
    }; // prettier-ignore
    const { ask, apply } = await start(served(config), (_, response) => response.writeHead(status).end('upstream'), {
      clock: () => now,
    });
    const asked = async (): Promise<string> => {
      const answer = await ask('/');
      return `${answer.status} ${answer.body.toString()}`;
    };
    expect(await asked()).toBe('500 upstream');
    expect(await asked()).toBe('503 Service Unavailable');
    apply(plain(...served(config).routes, route('more', prefix('/more'))));
    now += 999;
    expect(await asked()).toBe('503 Service Unavailable');
    status = 200;
    now += 500;
    const seen: string[] = [];
    for (let call = 0; call < 10; call++) {
      now += 90;
      seen.push(await asked());
    }
    expect(new Set(seen)).toEqual(new Set(['503 Service Unavailable', '200 upstream']));
    now += 200;
    expect([await asked(), await asked()]).toEqual(['200 upstream', '200 upstream']);
  });
});

test.each([
  ['<!doctype html><p>', 'text/html; charset=utf-8'],
  ['  <a href=x>', 'text/html; charset=utf-8'],
  ['<?xml version="1.0"?>', 'text/xml; charset=utf-8'],
  ['{"a":1}', 'text/plain; charset=utf-8'],
  ['%PDF-1.7', 'application/pdf'],
  ['\u0000\u0001\u0002', 'application/octet-stream'],
])('contentType finds out what %j is', async (body, type) => {
  const { ask } = await start(served({ kind: 'content-type', source, detect: true }), (_, response) => {
    response.write(body);
    response.end('rest');
  });
  const answer = await ask('/');
  expect([answer.header('content-type'), answer.body.toString()]).toEqual([type, `${body}rest`]);
});

test('an upgrade passes through a chain that buffers and counts', async () => {
  const { visitor, upstream } = await start(
    served({ kind: 'buffering', source }, { kind: 'in-flight-req', source, amount: 1, caller: { kind: 'host' } }),
  );
  upstream.on('upgrade', (_request, socket) => {
    socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n');
    socket.pipe(socket);
  });
  const one = visitor();
  const answer = await one.ask('/', { headers: { Connection: 'Upgrade', Upgrade: 'echo' } });
  expect(answer.status).toBe(101);
  const echoed = new Promise<string>((resolve) => one.takeOver((bytes) => resolve(bytes.toString())));
  one.stream.write(Buffer.from('ping'));
  expect(await echoed).toBe('ping');
});
