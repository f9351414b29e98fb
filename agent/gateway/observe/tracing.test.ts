import { createServer, type RequestListener } from 'node:http';
import { expect, test } from 'vitest';
import type { MiddlewareConfig } from '../../../shared/gateway/middleware.ts';
import { balancer, plain, prefix, ref, route } from '../testing/config.ts';
import { closeServer, listen } from '../testing/gateway-under-test.ts';
import { useGateway } from '../testing/use-gateway.ts';
import type { ReceivedSpan } from './testing/otlp-receiver.ts';
import { useObserver } from './testing/use-observer.ts';

const start = useGateway();
const { observe, receive } = useObserver();
/** Others work on the machine too. */
const WITHIN = { timeout: 20_000 };

const TRACE = '0af7651916cd43dd8448eb211c80319c';
const SPAN = 'b7ad6b7169203331';
const PARENT = `00-${TRACE}-${SPAN}-01`;
const served = plain(route('all', prefix('/')));
const tracing = (url: string, more = {}) => ({ tracing: { otlp: { http: { endpoint: url } }, ...more } });

function named(spans: readonly ReceivedSpan[], name: string): ReceivedSpan {
  const found = spans.find((span) => span.name === name);
  if (found === undefined) throw new Error(`no ${name} among ${spans.map((span) => span.name).join(', ')}`);
  return found;
}

test("a visitor's trace goes on: through the gateway, to the upstream, into the record and to the receiver", async () => {
  const receiver = await receive();
  const { ask, recorder, gateway, url } = await start(served);
  const { observer } = await observe({ recorder, gateway }, tracing(receiver.url, { serviceName: 'preview' }));
  const answer = await ask('/pets/%C3%A4?token=x&page=2', {
    headers: {
      Traceparent: PARENT,
      Tracestate: 'rojo=1, congo=2',
      'User-Agent': 'curl/8',
      'X-Forwarded-For': '192.0.2.7',
      'X-Forwarded-Proto': 'https',
    },
  });
  const { headers } = answer.json() as { headers: Record<string, string> };
  await observer.close();

  const [server, client] = [named(receiver.spans, 'GET'), named(receiver.spans, 'ReverseProxy')];
  expect([server.traceId, server.parentId, server.state]).toEqual([TRACE, SPAN, 'rojo=1,congo=2']);
  expect([client.traceId, client.parentId]).toEqual([TRACE, server.spanId]);
  expect(headers['traceparent']).toBe(`00-${TRACE}-${client.spanId}-01`);
  expect(headers['tracestate']).toBe('rojo=1,congo=2');
  expect(recorder.find(recorder.list().exchanges[0]?.id ?? '')?.traceId).toBe(TRACE);

  expect([server.kind, client.kind]).toEqual([2, 3]);
  expect([server.status.code, client.status.code]).toEqual([0, 0]);
  expect(server.end).toBeGreaterThanOrEqual(client.end);
  expect(server.attributes).toEqual({
    entry_point: 'websecure',
    'http.request.method': 'GET',
    'http.request.body.size': 0,
    'network.protocol.version': '1.1',
    'url.path': '/pets/ä',
    'url.query': 'page=REDACTED&token=REDACTED',
    'url.scheme': 'https',
    'user_agent.original': 'curl/8',
    'server.address': 'shop.preview.test',
    'client.address': '192.0.2.7',
    'network.peer.address': '192.0.2.7',
    'http.response.status_code': 200,
  });
  const { port } = new URL(url);
  expect(client.attributes).toEqual({
    'http.request.method': 'GET',
    'network.protocol.version': '1.1',
    'url.full': `http://127.0.0.1:${port}/pets/%C3%A4?page=REDACTED&token=REDACTED`,
    'url.scheme': 'http',
    'user_agent.original': 'curl/8',
    'server.address': '127.0.0.1',
    'server.port': Number(port),
    'network.peer.address': '127.0.0.1',
    'network.peer.port': Number(port),
    'http.response.status_code': 200,
  });
  expect(server.resource).toMatchObject({ 'service.name': 'preview', 'service.version': '1.2.3' });
  expect(receiver.requests[0]).toMatchObject({
    path: '/v1/traces',
    headers: { 'content-type': 'application/x-protobuf' },
  });
});

test.each<[string, Record<string, string>]>([
  ['nothing', {}],
  ['a malformed one', { Traceparent: `00-${TRACE}-${SPAN}-1`, Tracestate: 'rojo=1' }],
  ['one of zeros', { Traceparent: `00-${'0'.repeat(32)}-${SPAN}-01`, Tracestate: 'rojo=1' }],
  ['two', { Traceparent: PARENT, traceparent: PARENT, Tracestate: 'rojo=1' }],
])('a visitor with %s begins a trace of its own, and nothing of it is passed on', async (_, headers) => {
  const receiver = await receive();
  const { ask, recorder, gateway } = await start(served);
  const { observer } = await observe({ recorder, gateway }, tracing(receiver.url));
  const answer = await ask('/', { headers });
  await observer.close();
  const server = named(receiver.spans, 'GET');
  expect([server.traceId === TRACE, server.parentId, server.state]).toEqual([false, '', '']);
  const seen = (answer.json() as { raw: string[] }).raw;
  const told = seen.filter((_text, at) => /^trace/i.test(seen[at - 1] ?? '') && at % 2 === 1);
  expect(told).toEqual([`00-${server.traceId}-${named(receiver.spans, 'ReverseProxy').spanId}-01`]);
});

test('a bad tracestate is dropped, and the trace goes on', async () => {
  const receiver = await receive();
  const { ask, recorder, gateway } = await start(served);
  const { observer } = await observe({ recorder, gateway }, tracing(receiver.url));
  const answer = await ask('/', { headers: { Traceparent: PARENT, Tracestate: 'no value' } });
  await observer.close();
  const { headers } = answer.json() as { headers: Record<string, string> };
  expect([headers['tracestate'], named(receiver.spans, 'GET').parentId]).toEqual([undefined, SPAN]);
});

test("the visitor's decision whether to sample comes before the rate, which decides the rest", async () => {
  const receiver = await receive();
  const { ask, recorder, gateway } = await start(served);
  const { observer } = await observe({ recorder, gateway }, tracing(receiver.url, { sampleRate: 0 }));
  const flagsFor = async (headers: Record<string, string>): Promise<string> => {
    const told = (await ask('/', { headers })).json() as { headers: Record<string, string> };
    return told.headers['traceparent'] ?? '';
  };
  expect(await flagsFor({})).toMatch(/^00-[0-9a-f]{32}-[0-9a-f]{16}-00$/);
  expect(await flagsFor({ Traceparent: `00-${TRACE}-${SPAN}-00` })).toMatch(new RegExp(`^00-${TRACE}-.{16}-00$`));
  expect(await flagsFor({ Traceparent: `00-${TRACE}-${SPAN}-03` })).toMatch(new RegExp(`^00-${TRACE}-.{16}-03$`));
  await observer.close();
  expect(receiver.spans.map((span) => span.name).toSorted()).toEqual(['GET', 'ReverseProxy']);
  expect(recorder.list().exchanges.map(({ id }) => recorder.find(id)?.traceId)).toHaveLength(3);
});

test('headers are captured as asked, credentials masked, and parameters shown that are said to be safe', async () => {
  const receiver = await receive();
  const { ask, recorder, gateway } = await start(served, (_request, response) =>
    response.writeHead(404, { 'X-Reply': ['a', 'b'] }).end(),
  );
  const { observer } = await observe(
    { recorder, gateway },
    tracing(receiver.url, {
      capturedRequestHeaders: ['x-ask', 'Authorization', 'User-Agent'],
      capturedResponseHeaders: ['X-Reply'],
      safeQueryParams: ['page'],
    }),
  );
  await ask('/?page=2&page=3&secret=s&secret=t', { headers: { 'X-Ask': 'why', Authorization: 'Bearer very-secret' } });
  await observer.close();
  const [server, client] = [named(receiver.spans, 'GET'), named(receiver.spans, 'ReverseProxy')];
  for (const span of [server, client]) {
    expect(span.attributes).toMatchObject({
      'http.request.header.x-ask': ['why'],
      'http.request.header.authorization': ['Bearer ***'],
      'http.response.header.x-reply': ['a', 'b'],
      'http.response.status_code': 404,
    });
    expect(span.attributes).not.toHaveProperty('http.request.header.user-agent');
    expect(JSON.stringify(span)).not.toMatch(/very-secret|secret=[st]\b/);
  }
  expect(server.attributes['url.query']).toBe('page=2&page=3&secret=REDACTED');
  // As the conventions have it: 404 is the visitor's error, and an error for who asked the upstream.
  expect([server.status.code, client.status.code]).toEqual([0, 2]);
});

test('an upstream that is not there is an error of both spans', async () => {
  const receiver = await receive();
  const closed = createServer();
  const gone = await listen(closed);
  await closeServer(closed);
  const { ask, apply, recorder, gateway } = await start(served);
  apply(served, { upstreams: new Map([['shop/web:80', gone]]) });
  const { observer } = await observe({ recorder, gateway }, tracing(receiver.url));
  expect((await ask('/')).status).toBe(502);
  await observer.close();
  for (const name of ['GET', 'ReverseProxy']) {
    const span = named(receiver.spans, name);
    expect([span.status.code, span.attributes['http.response.status_code']]).toEqual([2, 502]);
    expect(span.status.message).toContain('ECONNREFUSED');
  }
});

test('a visitor who leaves before the answer leaves spans that say so', async () => {
  const receiver = await receive();
  const arrived = Promise.withResolvers<void>();
  const { visitor, recorder, gateway } = await start(served, () => arrived.resolve());
  const { observer } = await observe({ recorder, gateway }, tracing(receiver.url));
  const leaving = visitor();
  const answer = leaving.ask('/').catch(() => undefined);
  await arrived.promise;
  leaving.stream.reset();
  await answer;
  await observer.close();
  const [server, client] = [named(receiver.spans, 'GET'), named(receiver.spans, 'ReverseProxy')];
  expect([server.status.code, server.attributes['http.response.status_code'], client.status.code]).toEqual([2, 499, 2]);
});

test('who decides about a visitor is told of the trace and has a span', async () => {
  const receiver = await receive();
  const told: (string | undefined)[] = [];
  const decide: RequestListener = (request, response) => {
    told.push(String(request.headers['traceparent']), String(request.headers['tracestate']));
    response.writeHead(request.url === '/yes' ? 200 : 403).end();
  };
  const server = createServer(decide);
  const address = await listen(server);
  const auth = (path: string): MiddlewareConfig => ({
    kind: 'forward-auth',
    source: ref('Middleware', 'm'),
    address: `${address}${path}`,
    trustForwardHeader: false,
    responseHeaders: [],
    requestHeaders: [],

    responseCookies: [],
    forwardBody: false,
    keepMethod: false,
    keepLocation: false,
  });
  const { ask, recorder, gateway } = await start(
    plain(
      route('no', prefix('/no'), { middlewares: [auth('/no')], priority: 2 }),
      route('all', prefix('/'), { middlewares: [auth('/yes')] }),
    ),
  );
  const { observer } = await observe({ recorder, gateway }, tracing(receiver.url));
  const answer = await ask('/', { headers: { Traceparent: PARENT, Tracestate: 'rojo=1' } });
  expect((await ask('/no')).status).toBe(403);
  await observer.close();
  await closeServer(server);
  const [asked, refused] = receiver.spans.filter((span) => span.name === 'AuthRequest');
  const [entry] = receiver.spans.filter((span) => span.name === 'GET');
  expect(told.slice(0, 2)).toEqual([`00-${TRACE}-${asked?.spanId}-01`, 'rojo=1']);
  expect([asked?.kind, asked?.parentId, asked?.attributes['http.response.status_code']]).toEqual([
    3,
    entry?.spanId,
    200,
  ]);
  expect([refused?.status.code, refused?.attributes['http.response.status_code']]).toEqual([2, 403]);
  // What the visitor said of the trace goes no further than to that server.
  const { headers } = answer.json() as { headers: Record<string, string> };
  expect(headers['traceparent']).toBe(`00-${TRACE}-${named(receiver.spans, 'ReverseProxy').spanId}-01`);
});

test('mirrors get the trace with spans of their own, tries of the retry middleware too', async () => {
  const receiver = await receive();
  const told: string[] = [];
  const mirrored = Promise.withResolvers<void>();
  const copyServer = createServer((request, response) => {
    told.push(String(request.headers['traceparent']));
    response.end('x', () => mirrored.resolve());
  });
  const copyUrl = await listen(copyServer);
  const closed = createServer();
  const gone = await listen(closed);
  await closeServer(closed);
  const config = {
    ...plain(
      route('retried', prefix('/retried'), {
        priority: 2,
        backends: [{ service: 'gone', weight: 1 }],
        middlewares: [{ kind: 'retry', source: ref('Middleware', 'r'), attempts: 3, initialIntervalMs: 1 }],
      }),
      route('all', prefix('/'), { backends: [{ service: 'both', weight: 1 }] }),
    ),
  };
  const upstream = (service: string) => ({ namespace: 'shop', service, port: '80', source: ref('Service', service) });
  const { ask, apply, url, recorder, gateway } = await start(served);
  apply(
    {
      ...config,
      services: {
        ...config.services,
        copy: balancer('shop/copy:80'),
        gone: balancer('shop/gone:80'),
        both: {
          kind: 'mirroring',
          name: 'both',
          service: 'shop-web-80',
          mirrors: [{ service: 'copy', percent: 100 }],
          mirrorBody: true,
          maxBodyBytes: -1,
        },
      },
      upstreams: { ...config.upstreams, 'shop/copy:80': upstream('copy'), 'shop/gone:80': upstream('gone') },
    },
    {
      upstreams: new Map([
        ['shop/web:80', url],
        ['shop/copy:80', copyUrl],
        ['shop/gone:80', gone],
      ]),
    },
  );
  const { observer } = await observe({ recorder, gateway }, tracing(receiver.url));
  await ask('/', { headers: { Traceparent: PARENT } });
  await mirrored.promise;
  expect((await ask('/retried')).status).toBe(502);
  // A mirror answers whenever it likes, also after the exchange.
  await expect.poll(() => receiver.spans.filter(({ name }) => name === 'ReverseProxy').length, WITHIN).toBe(5);
  await observer.close();
  await closeServer(copyServer);
  const ofVisitor = receiver.spans.filter((span) => span.traceId === TRACE);
  expect(ofVisitor.map((span) => span.name).toSorted()).toEqual(['GET', 'ReverseProxy', 'ReverseProxy']);
  const copy = ofVisitor.find((span) => span.attributes['url.full'] === `${copyUrl}/`);
  expect(told).toEqual([`00-${TRACE}-${copy?.spanId}-01`]);
  const tries = receiver.spans.filter((span) => span.name === 'ReverseProxy' && span.traceId !== TRACE);
  expect(tries.map((span) => span.status.code)).toEqual([2, 2, 2]);
});
