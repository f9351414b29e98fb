import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { createServer, type ServerResponse } from 'node:http';
import { createServer as createTcpServer, type AddressInfo, type Socket } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { certificateAuthority } from '../testing/certificates.ts';
import { plain, prefix, route } from '../testing/config.ts';
import { closeServer, listen } from '../testing/gateway-under-test.ts';
import { useGateway } from '../testing/use-gateway.ts';
import { useObserver } from './testing/use-observer.ts';

const start = useGateway();
const { observe, receive } = useObserver();
/** Others work on the machine too. */
const WITHIN = { timeout: 20_000 };
const served = plain(route('all', prefix('/')));

test('an exchange has no watch until somebody asks for it, nor after', async () => {
  const { recorder, gateway } = await start(served);
  const { observer, configure } = await observe({ recorder, gateway });
  expect(recorder.watchFor).toBeUndefined();
  await configure({ accessLog: false, metrics: false, tracing: false });
  expect(recorder.watchFor).toBeUndefined();
  await configure({ metrics: true });
  expect(recorder.watchFor).toBeTypeOf('function');
  await configure({});
  expect(recorder.watchFor).toBeUndefined();
  await configure({ accessLog: true });
  await observer.close();
  expect(recorder.watchFor).toBeUndefined();
});

test('an agent that was not asked loads neither the SDK nor the client of Prometheus', async () => {
  const root = join(import.meta.dirname, '../../..');
  const program = `
    import { registerHooks } from 'node:module';
    const loaded = new Set();
    registerHooks({ load(url, context, next) { loaded.add(url); return next(url, context); } });
    const { PreviewAgent } = await import('./agent/agent.ts');
    const agent = new PreviewAgent({ stateDir: '.', version: '0', wanted: 1, onEvent: () => {}, log: { warn() {}, info() {} } });
    const heavy = () => [...loaded].filter((url) => /opentelemetry|prom-client/.test(url)).length;
    const before = heavy();
    agent.observer.configure({ tracing: { otlp: { http: {} }, serviceName: 'a', resourceAttributes: {}, sampleRate: 1, capturedRequestHeaders: [], capturedResponseHeaders: [], safeQueryParams: [] } });
    await agent.observer.settled;
    console.log(JSON.stringify({ before, asked: heavy() > 0, all: loaded.size > 50 }));
    process.exit(0);`;
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '--eval', program], {
    cwd: root,
  });
  expect(JSON.parse(stdout)).toEqual({ before: 0, asked: true, all: true });
});

test('a change under load loses no exchange: each is told as its own configuration says', async () => {
  const receiver = await receive();
  const held: ServerResponse[] = [];
  const { visitor, ask, recorder, gateway } = await start(served, (request, response) => {
    if (request.url === '/held') held.push(response);
    else response.end('ok');
  });
  const tracing = { otlp: { http: { endpoint: receiver.url } } };
  const { observer, configure, lines } = await observe({ recorder, gateway }, { accessLog: true, tracing });
  const waiting = visitor().ask('/held');
  await expect.poll(() => held.length, WITHIN).toBe(1);

  let asked = 0;
  let running = true;
  const load = Array.from({ length: 4 }, async () => {
    while (running) {
      asked += 1;
      expect((await ask('/')).status).toBe(200);
    }
  });
  const changes = [
    { accessLog: { fields: { names: { Duration: 'drop' } } }, tracing, metrics: true },
    { accessLog: true, metrics: { prometheus: { buckets: [1] } } },
    { accessLog: true, tracing: { ...tracing, serviceName: 'second' }, metrics: true },
  ] as const;
  for (const change of changes) {
    const before = asked;
    await configure(change);
    await expect.poll(() => asked, WITHIN).toBeGreaterThan(before + 20);
  }
  running = false;
  await Promise.all(load);
  held[0]?.end('at last');
  expect((await waiting).body.toString()).toBe('at last');
  await observer.close();

  const written = (await lines()).map((line) => JSON.parse(line) as Record<string, unknown>);
  expect(written).toHaveLength(asked + 1);
  expect(new Set(written.map((line) => line['RequestCount'])).size).toBe(asked + 1);
  const traced = written.flatMap((line) => (typeof line['TraceId'] === 'string' ? [line['TraceId']] : []));
  const spans = receiver.spans.filter((span) => span.name === 'GET');
  expect(spans.map((span) => span.traceId).toSorted()).toEqual(traced.toSorted());
  expect(new Set(spans.map((span) => span.resource['service.name']))).toEqual(new Set(['adit', 'second']));
  const atLast = written.find((line) => line['RequestPath'] === '/held');
  expect(spans.find((span) => span.traceId === atLast?.['TraceId'])?.resource['service.name']).toBe('adit');
});

test('what is the same under a new configuration goes on counting', async () => {
  const { ask, recorder, gateway } = await start(served);
  const { observer, configure } = await observe({ recorder, gateway }, { metrics: true });
  await ask('/');
  await configure({ metrics: true, accessLog: true });
  await ask('/');
  const count = /^traefik_entrypoint_requests_total\{.*\} (\d+)$/m.exec((await observer.metricsText()) ?? '')?.[1];
  expect(count).toBe('2');
});

test('an exporter that is away costs spans and one warning, and no request waits for it', async () => {
  const closed = createServer();
  const gone = await listen(closed);
  await closeServer(closed);
  const { ask, recorder, gateway } = await start(served);
  const { observer, said } = await observe(
    { recorder, gateway },
    {
      tracing: { otlp: { http: { endpoint: gone } } },
      metrics: { otlp: { http: { endpoint: gone }, pushInterval: '100ms' } },
    },
  );
  for (let round = 0; round < 20; round += 1) {
    const answers = await Promise.all(Array.from({ length: 50 }, () => ask('/')));
    expect(answers.every(({ status }) => status === 200)).toBe(true);
  }
  const metricsLost = (): string[] => said.filter((message) => message.startsWith('Metrics'));
  await expect.poll(metricsLost, WITHIN).toHaveLength(1);
  const since = performance.now();
  await observer.close();
  expect(performance.now() - since).toBeLessThan(10_000);
  expect(metricsLost()).toHaveLength(1);
  expect(metricsLost()[0]).toContain('ECONNREFUSED');
  // Retried for ten seconds: nobody waits for that at the end.
  expect(said.filter((message) => message.startsWith('Spans')).length).toBeLessThanOrEqual(1);
}, 40_000);

test('an exporter that refuses is said once, and once more when it takes them again', async () => {
  const receiver = await receive();
  receiver.status = 400;
  const { recorder, gateway } = await start(served);
  const { said } = await observe(
    { recorder, gateway },
    { metrics: { otlp: { http: { endpoint: receiver.url }, pushInterval: '100ms' } } },
  );
  await expect.poll(() => receiver.requests.length, WITHIN).toBeGreaterThan(3);
  expect(said).toHaveLength(1);
  receiver.status = 200;
  await expect.poll(() => said.length, WITHIN).toBe(2);
  expect(said[1]).toBe('Metrics arrive again.');
}, 30_000);

test('the end does not wait for who takes spans and says nothing', async () => {
  const sockets = new Set<Socket>();
  const silent = createTcpServer((socket) => sockets.add(socket));
  await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
  const endpoint = `http://127.0.0.1:${(silent.address() as AddressInfo).port}`;
  const { ask, recorder, gateway } = await start(served);
  const { observer } = await observe({ recorder, gateway }, { tracing: { otlp: { http: { endpoint } } } });
  await ask('/');
  const cpuBusy = performance.now();
  await observer.close();
  expect(performance.now() - cpuBusy).toBeLessThan(10_000);
  expect(sockets.size).toBe(1);
  for (const socket of sockets) socket.destroy();
  await new Promise((resolve) => silent.close(resolve));
}, 30_000);

test('nothing is sent to metadata services, and the rest is observed', async () => {
  const { ask, recorder, gateway } = await start(served);
  const { observer, said, lines } = await observe(
    { recorder, gateway },
    { accessLog: true, tracing: { otlp: { http: { endpoint: 'http://169.254.169.254/' } } } },
  );
  expect((await ask('/')).status).toBe(200);
  await observer.close();
  expect(said).toHaveLength(1);
  expect(said[0]).toContain('169.254.169.254');
  expect(await lines()).toHaveLength(1);
});

describe('the environment', () => {
  afterEach(() => vi.unstubAllEnvs());
  const environment = (values: Readonly<Record<string, string>>): void => {
    for (const [name, value] of Object.entries(values)) vi.stubEnv(name, value);
  };

  test('says endpoint and headers where the options name no endpoint, and who sends', async () => {
    const receiver = await receive();
    const { recorder, gateway, ask } = await start(served);
    environment({
      OTEL_EXPORTER_OTLP_ENDPOINT: `${receiver.url}/base`,
      OTEL_EXPORTER_OTLP_HEADERS: 'x-key=of%20the%20environment',
      OTEL_SERVICE_NAME: 'named-outside',
      OTEL_RESOURCE_ATTRIBUTES: 'team=shop',
    });
    const { observer } = await observe({ recorder, gateway }, { tracing: { serviceName: 'named-inside' } });
    await ask('/');
    await observer.close();
    expect(receiver.requests[0]).toMatchObject({
      path: '/base/v1/traces',
      headers: { 'x-key': 'of the environment' },
    });
    expect(receiver.spans[0]?.resource).toMatchObject({ 'service.name': 'named-outside', team: 'shop' });
  });

  test.each(['HEADERS', 'TRACES_HEADERS', 'CLIENT_KEY'])(
    'gives %s to its own endpoint alone, whatever a workspace names',
    async (name) => {
      const [own, other] = [await receive(), await receive()];
      const { recorder, gateway, ask } = await start(served);
      const keyFile = join(import.meta.dirname, 'observer.test.ts');
      environment({
        OTEL_EXPORTER_OTLP_ENDPOINT: own.url,
        [`OTEL_EXPORTER_OTLP_${name}`]: name === 'CLIENT_KEY' ? keyFile : 'authorization=secret',
      });
      const tracing = ({ url }: { readonly url: string }) => ({ tracing: { otlp: { http: { endpoint: url } } } });
      const { observer, configure, said } = await observe({ recorder, gateway }, tracing(other));
      await ask('/');
      await configure(tracing(own));
      await ask('/');
      await observer.close();
      expect([other.requests.length, own.requests.length]).toEqual([0, 1]);
      expect(own.requests[0]?.headers.authorization).toBe(name === 'CLIENT_KEY' ? undefined : 'secret');
      expect(said).toHaveLength(1);
      expect(said[0]).toContain('OTEL_EXPORTER_OTLP_ENDPOINT');
      expect(said[0]).not.toContain('secret');
    },
  );

  test('says whom to trust', async () => {
    const made = await certificateAuthority();
    const receiver = await receive(await made.issue([{ type: 'ip', value: '127.0.0.1' }]));
    const { recorder, gateway, ask } = await start(served);
    const { observer, stateDir, configure } = await observe({ recorder, gateway });
    const caFile = join(stateDir, 'ca.pem');
    await writeFile(caFile, made.ca);
    environment({ OTEL_EXPORTER_OTLP_TRACES_CERTIFICATE: caFile });
    await configure({ tracing: { otlp: { http: { endpoint: receiver.url } } } });
    await ask('/');
    await observer.close();
    expect(receiver.spans.map(({ name }) => name).toSorted()).toEqual(['GET', 'ReverseProxy']);
  });

  test('names a file that is not there: the part is left out, and the file said', async () => {
    const { recorder, gateway, ask } = await start(served);
    environment({ OTEL_EXPORTER_OTLP_CERTIFICATE: '/nowhere/ca.pem' });
    const { said } = await observe({ recorder, gateway }, { tracing: true });
    expect((await ask('/')).status).toBe(200);
    expect(said).toHaveLength(1);
    expect(said[0]).toContain('/nowhere/ca.pem');
  });
});
