import { readFile, stat } from 'node:fs/promises';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { MiddlewareConfig } from '../../../shared/gateway/middleware.ts';
import { managed, plain, prefix, ref, route } from '../testing/config.ts';
import { closeServer, listen } from '../testing/gateway-under-test.ts';
import { useGateway } from '../testing/use-gateway.ts';
import { useObserver } from './testing/use-observer.ts';

const start = useGateway();
const { observe, receive } = useObserver();
const source = ref('Middleware', 'm');
const served = (...middlewares: MiddlewareConfig[]) => plain(route('all', prefix('/'), { middlewares }));
const parsed = (lines: readonly string[]): Record<string, unknown>[] =>
  lines.map((line) => JSON.parse(line) as Record<string, unknown>);

test('each exchange is a JSON line with the fields of Traefik, readable for its owner only', async () => {
  const { ask, recorder, gateway, url } = await start(managed());
  const { observer, lines, stateDir } = await observe({ recorder, gateway }, { accessLog: true });
  await ask('/pets?api_key=key-good', {
    method: 'GET',
    headers: { 'X-Forwarded-For': '203.0.113.9, 192.0.2.7', 'X-Forwarded-Proto': 'https' },
  });
  await ask('/pets', { method: 'DELETE', host: 'shop.preview.test:8443', body: 'four', headers: {} });
  await observer.close();
  expect((await stat(join(stateDir, 'access.log'))).mode & 0o777).toBe(0o600);
  const [read, refused] = parsed(await lines());
  expect(read).toEqual({
    level: 'info',
    msg: '',
    time: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(Z|[-+]\d\d:\d\d)$/),
    StartUTC: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
    StartLocal: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}(Z|[-+]\d\d:\d\d)$/),
    Duration: expect.any(Number),
    entryPointName: 'websecure',
    RouterName: 'IngressRoute/shop/pets#0',
    ServiceName: 'shop-web-80@kubernetescrd',
    ServiceURL: url,
    ServiceAddr: new URL(url).host,
    ClientAddr: '192.0.2.7',
    ClientHost: '203.0.113.9',
    ClientPort: '-',
    ClientUsername: 'shop/web-app',
    RequestAddr: 'shop.preview.test',
    RequestHost: 'shop.preview.test',
    RequestPort: '-',
    RequestMethod: 'GET',
    RequestPath: '/pets?api_key=***',
    RequestProtocol: 'HTTP/1.1',
    RequestScheme: 'https',
    RequestContentSize: 0,
    OriginDuration: expect.any(Number),
    OriginContentSize: expect.any(Number),
    OriginStatus: 200,
    DownstreamStatus: 200,
    DownstreamContentSize: read?.['OriginContentSize'],
    RequestCount: 1,
    Overhead: Number(read?.['Duration']) - Number(read?.['OriginDuration']),
    RetryAttempts: 0,
  });
  expect(read?.['OriginDuration']).toBeGreaterThan(0);
  expect(read?.['OriginContentSize']).toBeGreaterThan(100);
  expect(refused).toMatchObject({
    entryPointName: 'web',
    RequestAddr: 'shop.preview.test:8443',
    RequestHost: 'shop.preview.test',
    RequestPort: '8443',
    RequestContentSize: 0,
    OriginDuration: 0,
    OriginContentSize: 0,
    OriginStatus: 0,
    DownstreamStatus: 401,
    Overhead: refused?.['Duration'],
    RequestCount: 2,
    ClientUsername: '-',
  });
  for (const field of ['ServiceName', 'ServiceURL', 'ServiceAddr', 'TraceId', 'TLSVersion'])
    expect(refused).not.toHaveProperty(field);
});

test('sizes are of bodies without their framing, before and behind what compresses', async () => {
  const text = 'well '.repeat(1000);
  const compress: MiddlewareConfig = {
    kind: 'compress',
    source,
    encodings: ['gzip'],
    minBytes: 10,
    excluded: [],
    included: [],
  };
  const { ask, recorder, gateway } = await start(
    plain(route('packed', prefix('/packed'), { middlewares: [compress], priority: 2 }), route('all', prefix('/'))),
    (request, response) => {
      request.resume();
      response.write(text.slice(0, 2000));
      response.end(text.slice(2000));
    },
  );
  const { observer, lines } = await observe({ recorder, gateway }, { accessLog: true });
  await ask('/', { method: 'POST', body: 'a body in pieces', chunked: 3 });
  const packed = await ask('/packed', { headers: { 'Accept-Encoding': 'gzip' } });
  await observer.close();
  const [plainly, small] = parsed(await lines());
  expect(plainly).toMatchObject({ RequestContentSize: 16, OriginContentSize: 5000, DownstreamContentSize: 5000 });
  expect(plainly).not.toHaveProperty('GzipRatio');
  expect(small).toMatchObject({
    OriginContentSize: 5000,
    DownstreamContentSize: packed.body.length,
    GzipRatio: 5000 / packed.body.length,
  });
});

test('tries again, failures and those who left are told as Traefik tells them', async () => {
  const closed = createServer();
  const gone = await listen(closed);
  await closeServer(closed);
  const retry: MiddlewareConfig = { kind: 'retry', source, attempts: 3, initialIntervalMs: 1 };
  const arrived = Promise.withResolvers<void>();
  const { ask, apply, visitor, recorder, gateway, url } = await start(served(), () => arrived.resolve());
  const { observer, lines } = await observe({ recorder, gateway }, { accessLog: true });
  const leaving = visitor();
  const answer = leaving.ask('/').catch(() => undefined);
  await arrived.promise;
  leaving.stream.reset();
  await answer;
  apply(served(retry), { upstreams: new Map([['shop/web:80', gone]]) });
  await ask('/');
  await observer.close();
  const [left, failed] = parsed(await lines());
  expect(left).toMatchObject({ DownstreamStatus: 499, OriginStatus: 499, ServiceURL: url, RetryAttempts: 0 });
  expect(failed).toMatchObject({ DownstreamStatus: 502, OriginStatus: 502, ServiceURL: gone, RetryAttempts: 2 });
});

test('the name that a password proved is the name of the client', async () => {
  const basic: MiddlewareConfig = {
    kind: 'basic-auth',
    source,
    users: { ada: '{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=' },
    realm: 'shop',
    removeHeader: true,
  };
  const { ask, recorder, gateway } = await start(served(basic));
  const { observer, lines } = await observe({ recorder, gateway }, { accessLog: true });
  const authorization = `Basic ${Buffer.from('ada:secret').toString('base64')}`;
  expect((await ask('/', { headers: { Authorization: authorization } })).status).toBe(200);
  await observer.close();
  expect(parsed(await lines())[0]).toMatchObject({ ClientUsername: 'ada' });
});

test("with traces a line has the ids of its span, and TLS and HTTP/2 are told as the visitor's broker says", async () => {
  const receiver = await receive();
  const { ask, recorder, gateway } = await start(served());
  const { observer, lines } = await observe(
    { recorder, gateway },
    { accessLog: true, tracing: { otlp: { http: { endpoint: receiver.url } } } },
  );
  await ask('/', {
    headers: { 'X-Adit-Tls': '1.3 TLS_AES_128_GCM_SHA256', 'X-Adit-Http': '2.0', 'X-Forwarded-Proto': 'https' },
  });
  await observer.close();
  const span = receiver.spans.find(({ name }) => name === 'GET');
  expect(parsed(await lines())[0]).toMatchObject({
    TraceId: span?.traceId,
    SpanId: span?.spanId,
    trace_id: span?.traceId,
    span_id: span?.spanId,
    TLSVersion: '1.3',
    TLSCipher: 'TLS_AES_128_GCM_SHA256',
    RequestProtocol: 'HTTP/2.0',
  });
  expect(span?.attributes['network.protocol.version']).toBe('2');
});

describe('headers', () => {
  const headers = {
    'x-ask': 'why',
    'X-Many': 'one',
    Authorization: 'Bearer very-secret',
    Referer: 'https://a.test/?api_key=very-secret',
  };
  const answering = (more: Record<string, string[]> = {}) =>
    start(served({ kind: 'headers', source, request: {}, response: { 'X-Reply': 'changed' } }), (_request, response) =>
      response.writeHead(200, { 'X-Reply': 'own', 'Set-Cookie': ['a=1', 'b=2'], ...more }).end(),
    );

  test('are kept, dropped or redacted by name, of the request, of the server and of the answer', async () => {
    const { ask, recorder, gateway } = await answering();
    const { observer, lines } = await observe(
      { recorder, gateway },
      { accessLog: { fields: { headers: { names: { 'X-ASK': 'keep', 'x-many': 'redact', 'X-Reply': 'keep' } } } } },
    );
    await ask('/', { headers });
    await observer.close();
    const [line = {}] = parsed(await lines());
    const shown = Object.entries(line).filter(([name]) => /^(request|origin|downstream)_/.test(name));
    expect(Object.fromEntries(shown)).toEqual({
      'request_X-Ask': 'why',
      'request_X-Many': 'REDACTED',
      'origin_X-Reply': 'own',
      'downstream_X-Reply': 'changed',
    });
  });

  test('are all there by default mode keep, several lines as one, and credentials never', async () => {
    const { ask, recorder, gateway } = await answering();
    const { observer, lines } = await observe(
      { recorder, gateway },
      { accessLog: { fields: { headers: { defaultMode: 'keep', names: { 'X-Many': 'drop' } } } } },
    );
    await ask('/', { headers });
    await observer.close();
    const [text = ''] = await lines();
    expect(text).not.toContain('very-secret');
    expect(JSON.parse(text)).toMatchObject({
      'request_X-Ask': 'why',
      request_Authorization: 'Bearer ***',
      'origin_Set-Cookie': 'a=***,b=***',
      'downstream_Set-Cookie': 'a=***,b=***',
    });
    expect(JSON.parse(text)).not.toHaveProperty('request_X-Many');
    expect(JSON.parse(text)).not.toHaveProperty('request_Host');
  });
});

test('fields are kept and dropped by name, whatever their case', async () => {
  const { ask, recorder, gateway } = await start(served());
  const { observer, lines, configure } = await observe(
    { recorder, gateway },
    { accessLog: { fields: { defaultMode: 'drop', names: { requestmethod: 'keep', DOWNSTREAMSTATUS: 'keep' } } } },
  );
  await ask('/');
  await configure({ accessLog: { fields: { names: { StartUTC: 'drop' } } } });
  await ask('/');
  await observer.close();
  const [few, most] = parsed(await lines());
  expect(Object.keys(few ?? {}).toSorted()).toEqual(['DownstreamStatus', 'RequestMethod', 'level', 'msg', 'time']);
  expect(most).toHaveProperty('StartLocal');
  expect(most).not.toHaveProperty('StartUTC');
  // Counted on from the first.
  expect(most).toMatchObject({ RequestCount: 2 });
});

test.each<[string, Record<string, unknown>, string[]]>([
  ['nothing', {}, ['/200', '/404', '/503']],
  ['a status', { statusCodes: ['404'] }, ['/404']],
  ['ranges', { statusCodes: ['200-299', '500-599'] }, ['/200', '/503']],
  ['tries again', { retryAttempts: true }, []],
  ['a long time', { minDuration: '1h' }, []],
  ['a short time', { minDuration: '1ns' }, ['/200', '/404', '/503']],
  ['any of several', { statusCodes: ['503'], minDuration: '1h' }, ['/503']],
])('of exchanges filtered by %s, those remain', async (_, filters, paths) => {
  const { ask, recorder, gateway } = await start(served(), (request, response) =>
    response.writeHead(Number(request.url?.slice(1))).end(),
  );
  const { observer, lines } = await observe({ recorder, gateway }, { accessLog: { filters } });
  for (const path of ['/200', '/404', '/503']) await ask(path);
  await observer.close();
  expect(parsed(await lines()).map((line) => line['RequestPath'])).toEqual(paths);
});

describe('lines for people', () => {
  const keepBoth = { fields: { headers: { names: { Referer: 'keep', 'User-Agent': 'keep' } } } } as const;
  const headers = { 'User-Agent': 'curl "8"\\', Referer: 'https://a.test/', 'X-Forwarded-For': '192.0.2.7' };

  test('common: as Traefik writes it, but that quotes of visitors are escaped', async () => {
    const { ask, recorder, gateway, url } = await start(served(), (_request, response) => response.end('hello'));
    const { observer, lines } = await observe({ recorder, gateway }, { accessLog: { format: 'common', ...keepBoth } });
    await ask('/a?b=c', { headers });
    await observer.close();
    const [, time = '', rest] = /^192\.0\.2\.7 - - \[(.*?)\] (.*) \d+ms$/.exec((await lines())[0] ?? '') ?? [];
    expect(time).toMatch(/^\d\d\/[A-Z][a-z]{2}\/\d{4}:\d\d:\d\d:\d\d \+0000$/);
    expect(rest).toBe(
      String.raw`"GET /a?b=c HTTP/1.1" 200 5 "https://a.test/" "curl \"8\"\\" 1 "IngressRoute/shop/all#0" "${url}"`,
    );
  });

  test('genericCLF: without what is of Traefik, dashes for what is dropped or missing', async () => {
    const { ask, recorder, gateway } = await start(served(), (_request, response) => response.end());
    const { observer, lines } = await observe({ recorder, gateway }, { accessLog: { format: 'genericCLF' } });
    await ask('/', { headers });
    await observer.close();
    expect((await lines())[0]).toMatch(/^192\.0\.2\.7 - - \[.*\] "GET \/ HTTP\/1\.1" 200 0 "-" "-"$/);
  });

  test('a visitor cannot begin a line of his own', async () => {
    const { ask, recorder, gateway } = await start(served());
    const { observer, lines } = await observe({ recorder, gateway }, { accessLog: { format: 'common', ...keepBoth } });
    await ask('/', { headers: { 'User-Agent': 'a\tb' } });
    await observer.close();
    expect(await lines()).toHaveLength(1);
    expect((await lines())[0]).toContain(String.raw`"a\x09b"`);
  });
});

test('what is written is in the file once the log is closed', async () => {
  const { ask, recorder, gateway } = await start(served());
  const { observer, stateDir } = await observe({ recorder, gateway }, { accessLog: true });
  await Promise.all(Array.from({ length: 200 }, () => ask('/')));
  await observer.close();
  expect((await readFile(join(stateDir, 'access.log'), 'utf8')).split('\n')).toHaveLength(201);
});
