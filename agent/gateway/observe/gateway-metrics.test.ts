import { createServer } from 'node:http';
import { expect, test } from 'vitest';
import type { MiddlewareConfig } from '../../../shared/gateway/middleware.ts';
import { Mask } from '../../recorder/mask.ts';
import { balancer, managed, plain, prefix, ref, route } from '../testing/config.ts';
import { closeServer, listen } from '../testing/gateway-under-test.ts';
import { useGateway } from '../testing/use-gateway.ts';
import { useObserver } from './testing/use-observer.ts';

const start = useGateway();
const { observe, receive } = useObserver();
/** Others work on the machine too. */
const WITHIN = { timeout: 20_000 };

/** Samples by name and labels in order. */
function samples(text: string): Record<string, number> {
  const found: Record<string, number> = {};
  for (const line of text.split('\n')) {
    const [, name = '', labels = '', value] = /^(\w+)(?:\{(.*)\})? (\S+)$/.exec(line) ?? [];
    if (value === undefined) continue;
    const sorted = labels.match(/\w+="[^"]*"/g)?.toSorted() ?? [];
    found[`${name}{${sorted.join(',')}}`] = Number(value);
  }
  return found;
}

const served = plain(route('all', prefix('/')));
const all = { addEntryPointsLabels: true, addRoutersLabels: true, addServicesLabels: true };

test("exchanges are counted by API, entry point, router and service under Traefik's names", async () => {
  const config = managed();
  const versioned = { ...config, routes: config.routes.map((one) => ({ ...one, apiVersion: 'shop/v1' })) };
  const { ask, recorder, gateway } = await start(versioned, (request, response) => {
    request.resume();
    request.on('end', () => response.end('hello'));
  });
  const { observer } = await observe({ recorder, gateway }, { metrics: { prometheus: all } });
  await ask('/pets?api_key=key-good', { headers: { 'X-Forwarded-Proto': 'https', 'X-Adit-Tls': '1.2 C' } });
  await ask('/pets', { method: 'DELETE', body: 'four' });
  await ask('/nowhere', { method: 'PROPFIND' });
  await ask('/pets?api_key=key-good', { body: 'four' });
  const text = (await observer.metricsText()) ?? '';
  const found = samples(text);
  const own = (level: string, name: string, labels: string): number | undefined =>
    found[`traefik_${level}_${name}{${labels.split(',').toSorted().join(',')}}`];
  const ofApi = 'api_name="shop/pets",api_version_name="shop/v1"';
  const good = 'code="200",method="GET"';
  expect(own('hub_api', 'requests_total', `${ofApi},${good}`)).toBe(2);
  expect(own('hub_api', 'requests_duration_milliseconds_count', `${ofApi},${good}`)).toBe(2);
  expect(own('hub_api', 'requests_duration_milliseconds_bucket', `${ofApi},${good},le="5000"`)).toBe(2);
  expect(own('hub_api', 'responses_bytes_total', `${ofApi},${good}`)).toBe(10);
  expect(own('hub_api', 'requests_total', `${ofApi},code="401",method="DELETE"`)).toBe(1);
  // Of what is refused at its head no body is read.
  expect(own('hub_api', 'requests_bytes_total', `${ofApi},code="401",method="DELETE"`)).toBe(0);
  expect(own('hub_api', 'requests_bytes_total', `${ofApi},${good}`)).toBe(4);

  const http = 'protocol="http"';
  expect(own('entrypoint', 'requests_total', `${good},${http},entrypoint="websecure"`)).toBe(1);
  expect(own('entrypoint', 'requests_total', `code="404",method="EXTENSION_METHOD",${http},entrypoint="web"`)).toBe(1);
  expect(own('entrypoint', 'requests_tls_total', 'tls_version="1.2",tls_cipher="C",entrypoint="websecure"')).toBe(1);
  const router = 'router="IngressRoute/shop/pets#0",service="shop-web-80"';
  expect(own('router', 'requests_total', `${good},${http},${router}`)).toBe(2);
  expect(own('router', 'requests_total', `code="401",method="DELETE",${http},${router}`)).toBe(1);
  expect(own('router', 'request_duration_seconds_bucket', `${good},${http},${router},le="5"`)).toBe(2);
  expect(own('router', 'requests_tls_total', `tls_version="1.2",tls_cipher="C",${router}`)).toBe(1);
  const service = 'service="shop-web-80@kubernetescrd"';
  expect(own('service', 'requests_total', `${good},${http},${service}`)).toBe(2);
  expect(own('service', 'responses_bytes_total', `${good},${http},${service}`)).toBe(10);
  // What no service got is not of a service.
  expect(Object.keys(found).filter((key) => key.startsWith('traefik_service_requests_total'))).toHaveLength(1);

  expect(found['traefik_config_reloads_total{}']).toBe(1);
  expect(found['traefik_config_last_reload_success{}']).toBe(1_700_000_000);
  expect(found['traefik_open_connections{entrypoint="tunnel",protocol="TCP"}']).toBeGreaterThanOrEqual(0);
});

test('of the families of Traefik, those are counted that the options name', async () => {
  const { ask, recorder, gateway } = await start(served);
  const { observer, configure } = await observe({ recorder, gateway }, { metrics: true });
  await ask('/');
  const families = async (): Promise<string[]> => {
    const text = (await observer.metricsText()) ?? '';
    return ['entrypoint', 'router', 'service'].filter((level) =>
      text.includes(`# TYPE traefik_${level}_requests_total`),
    );
  };
  expect(await families()).toEqual(['entrypoint', 'service']);
  await configure({ metrics: { prometheus: { addEntryPointsLabels: false, addServicesLabels: false } } });
  await ask('/');
  expect(await families()).toEqual([]);
  expect(await observer.metricsText()).toContain('traefik_config_reloads_total 1');
  await configure({});
  expect(await observer.metricsText()).toBeUndefined();
});

test('tries of a service, tries again, mirrors and the health of servers are told', async () => {
  const closed = createServer();
  const gone = await listen(closed);
  await closeServer(closed);
  const copied = Promise.withResolvers<void>();
  const copyServer = createServer((_request, response) => response.end('copied', () => copied.resolve()));
  const copyUrl = await listen(copyServer);
  const retry: MiddlewareConfig = { kind: 'retry', source: ref('Middleware', 'r'), attempts: 3, initialIntervalMs: 1 };
  const { ask, apply, url, recorder, gateway } = await start(served);
  const upstream = (service: string) => ({ namespace: 'shop', service, port: '80', source: ref('Service', service) });
  apply(
    {
      ...plain(
        route('again', prefix('/again'), {
          priority: 2,
          middlewares: [retry],
          backends: [{ service: 'gone', weight: 1 }],
        }),
        route('all', prefix('/'), { backends: [{ service: 'both', weight: 1 }] }),
      ),
      services: {
        web: balancer('shop/web:80'),
        copy: balancer('shop/copy:80'),
        gone: balancer('shop/gone:80', { passiveHealthCheck: { failureWindowMs: 60_000, maxFailedAttempts: 3 } }),
        both: {
          kind: 'mirroring',
          name: 'both',
          service: 'web',
          mirrors: [{ service: 'copy', percent: 100 }],
          mirrorBody: true,
          maxBodyBytes: -1,
        },
      },
      upstreams: { 'shop/web:80': upstream('web'), 'shop/copy:80': upstream('copy'), 'shop/gone:80': upstream('gone') },
    },
    {
      upstreams: new Map([
        ['shop/web:80', url],
        ['shop/copy:80', copyUrl],
        ['shop/gone:80', gone],
      ]),
    },
  );
  const { observer } = await observe({ recorder, gateway }, { metrics: true });
  const now = async () => samples((await observer.metricsText()) ?? '');
  const up = `traefik_service_server_up{service="shop-gone-80@kubernetescrd",url="${gone}"}`;
  expect((await now())[up]).toBe(1);
  await ask('/');
  await ask('/again');
  await copied.promise;
  const ofGone = 'code="502",method="GET",protocol="http",service="shop-gone-80@kubernetescrd"';
  const ofCopy = 'code="200",method="GET",protocol="http",service="shop-copy-80@kubernetescrd"';
  await expect.poll(async () => (await now())[`traefik_service_responses_bytes_total{${ofCopy}}`], WITHIN).toBe(6);
  const found = await now();
  expect(found[`traefik_service_requests_total{${ofGone}}`]).toBe(3);
  expect(found['traefik_service_retries_total{service="gone"}']).toBe(2);
  expect(found[up]).toBe(0);
  // Servers that nothing can take out are not told of, as in Traefik.
  expect(Object.keys(found).filter((key) => key.startsWith('traefik_service_server_up'))).toEqual([up]);
  await closeServer(copyServer);
});

test.each<[string, Record<string, string>, string, string]>([
  ['server-sent events', { Accept: 'text/html, text/event-stream' }, 'sse', '200'],
  ['gRPC', { 'Content-Type': 'application/grpc+proto' }, 'grpc', '5'],
  ['gRPC for browsers', { 'Content-Type': 'application/grpc-web' }, 'grpc-web', '5'],
])('%s are a protocol of their own', async (_, headers, protocol, code) => {
  const { ask, recorder, gateway } = await start(served, (request, response) => {
    request.resume();
    response.writeHead(200, { 'Grpc-Status': '5' }).end();
  });
  const { observer } = await observe({ recorder, gateway }, { metrics: true });
  await ask('/', { headers });
  const key = `traefik_entrypoint_requests_total{code="${code}",entrypoint="web",method="GET",protocol="${protocol}"}`;
  expect(samples((await observer.metricsText()) ?? '')[key]).toBe(1);
});

test('the code of gRPC is found in trailers, whether middlewares look at the body or not', async () => {
  const retry: MiddlewareConfig = { kind: 'retry', source: ref('Middleware', 'r'), attempts: 2, initialIntervalMs: 1 };
  const { ask, recorder, gateway } = await start(
    plain(route('chain', prefix('/chain'), { middlewares: [retry], priority: 2 }), route('all', prefix('/'))),
    (request, response) => {
      request.resume();
      response.writeHead(200, { 'Content-Type': 'application/grpc', Trailer: 'Grpc-Status' });
      response.write('a message');
      response.addTrailers({ 'Grpc-Status': request.url === '/chain' ? '7' : '0' });
      response.end();
    },
  );
  const { observer } = await observe({ recorder, gateway }, { metrics: true });
  for (const target of ['/', '/chain']) await ask(target, { headers: { 'Content-Type': 'application/grpc' } });
  const found = samples((await observer.metricsText()) ?? '');
  for (const code of ['0', '7']) {
    const labels = `code="${code}",method="GET",protocol="grpc",service="shop-web-80@kubernetescrd"`;
    expect(found[`traefik_service_requests_total{${labels}}`]).toBe(1);
    expect(found[`traefik_service_responses_bytes_total{${labels}}`]).toBe('a message'.length);
    expect(
      found[`traefik_entrypoint_requests_total{code="${code}",entrypoint="web",method="GET",protocol="grpc"}`],
    ).toBe(1);
  }
});

test('the same metrics are pushed by OTLP, time and again and once more at the end', async () => {
  const receiver = await receive();
  const { ask, recorder, gateway } = await start(managed());
  const { observer } = await observe(
    { recorder, gateway },
    {
      metrics: {
        prometheus: all,
        otlp: { http: { endpoint: `${receiver.url}/own/v1/metrics` }, ...all, pushInterval: '100ms' },
      },
    },
  );
  await ask('/pets?api_key=key-good');
  const requests = (): number | undefined =>
    receiver.points.find(({ metric }) => metric === 'traefik_hub_api_requests_total')?.value;
  await expect.poll(requests, WITHIN).toBe(1);
  const prometheus = (await observer.metricsText()) ?? '';
  await ask('/pets?api_key=key-good');
  await observer.close();
  expect(requests()).toBe(2);
  expect(receiver.requests[0]?.path).toBe('/own/v1/metrics');

  const [, ...types] = prometheus.split('# TYPE ').map((part) => part.split(/\s/, 2));
  const kinds: Record<string, string> = { counter: 'sum', gauge: 'gauge', histogram: 'histogram' };
  const inUse = new Set(receiver.points.map(({ metric }) => metric));
  for (const [name = '', type = ''] of types) {
    if (!inUse.has(name)) continue;
    expect([name, receiver.points.find(({ metric }) => metric === name)?.kind]).toEqual([name, kinds[type]]);
  }
  const known = new Set(types.map(([name]) => name));
  const ofConventions = ['http.client.request.duration', 'http.server.request.duration'];
  expect([...inUse].filter((name) => !known.has(name)).toSorted()).toEqual(ofConventions);
  expect(inUse).toContain('traefik_router_requests_bytes_total');

  const duration = receiver.points.find(({ metric }) => metric === 'traefik_hub_api_requests_duration_milliseconds');
  expect(duration?.unit).toBe('ms');
  expect(duration?.labels).toEqual({ api_name: 'shop/pets', code: '200', method: 'GET' });
  expect(duration?.bounds.slice(0, 3)).toEqual([5, 10, 25]);
  expect(duration?.counts.reduce((sum, count) => sum + count, 0)).toBe(2);
});

test('names of tokens are counted together once there are too many of them', async () => {
  const { recorder, gateway } = await start(served);
  const { observer } = await observe({ recorder, gateway }, { metrics: true });
  for (let token = 0; token < 1005; token += 1) {
    const record = recorder.begin({
      id: `${token}`,
      method: 'GET',
      host: 'h',
      target: '/',
      headers: [],
      broker: 'b',
      attempt: 1,
      mask: new Mask(),
      api: 'shop/pets',
    });
    record.caller({ token: `token-${token}` });
    record.responseHead(200, []);
    record.finish();
  }
  const found = samples((await observer.metricsText()) ?? '');
  const series = Object.entries(found).filter(([key]) => key.startsWith('traefik_hub_api_requests_total'));
  expect(series).toHaveLength(1001);
  expect(series.find(([key]) => key.includes('token_name="other"'))?.[1]).toBe(5);
});
