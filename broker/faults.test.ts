import { createServer } from 'node:http';
import type { RequestListener, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { pino } from 'pino';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { startBroker } from './index.ts';
import type { Broker } from './index.ts';
import { TestAgent } from './testing/test-agent.ts';
import { quiet, startEdge, startTunnelBroker, until } from './testing/test-broker.ts';
import { ISSUER, makeKeys } from './testing/test-keys.ts';
import type { TestKeys } from './testing/test-keys.ts';
import { ask } from './testing/visitor.ts';

const HOST = 'shop-x1.localhost';
const ANY = { host: '127.0.0.1', port: 0 };
let keys: TestKeys;
const running: Broker[] = [];

beforeAll(async () => {
  keys = await makeKeys();
});
afterAll(() => keys.remove());
afterEach(async () => {
  await Promise.all(running.splice(0).map((broker) => broker.close()));
});

test('GETs that wait on a session that fell silent are answered by another, and new ones avoid it', async () => {
  const down: string[] = [];
  const broker = await startTunnelBroker(keys, {
    limits: { pingIntervalMs: 100, pingTimeoutMs: 100 },
    onEvent: (event) => event.type === 'session-down' && down.push(event.agent),
  });
  running.push(broker);
  const dial = async (name: string): Promise<TestAgent> =>
    TestAgent.dial(broker.addresses.tunnelUrl ?? '', {
      token: await keys.token(name, [HOST]),
      hosts: [HOST],
      agent: name,
      onRequest: (_request, response) => response.end(name),
    });
  const silent = await dial('silent');
  await dial('well');
  silent.socket.pause();
  const answers = await Promise.all(Array.from({ length: 20 }, () => ask(broker.addresses.public, HOST)));
  expect(answers.map((answer) => answer.body.toString())).toEqual(Array.from({ length: 20 }, () => 'well'));
  await until(() => down.includes('silent'));
  silent.socket.terminate();
});

test('a GET on a silent session moves as soon as another has room, before the silent one is given up', async () => {
  const down: string[] = [];
  let log = '';
  const broker = await startTunnelBroker(keys, {
    limits: { pingIntervalMs: 100, pingTimeoutMs: 2_000, maxInFlightPerTarget: 1 },
    log: pino({ level: 'debug' }, { write: (line) => (log += line) }),
    onEvent: (event) => event.type === 'session-down' && down.push(event.agent),
  });
  running.push(broker);
  const held: ServerResponse[] = [];
  const dial = async (name: string, onRequest: RequestListener): Promise<TestAgent> =>
    TestAgent.dial(broker.addresses.tunnelUrl ?? '', {
      token: await keys.token(name, [HOST]),
      hosts: [HOST],
      agent: name,
      keepAlive: false,
      onRequest,
    });
  await dial('well', (_request, response) => {
    if (held.length === 0) held.push(response);
    else response.end('well again');
  });
  const first = ask(broker.addresses.public, HOST);
  await until(() => held.length === 1);
  const silent = await dial('silent', (_request, response) => response.end('silent'));
  silent.socket.pause();
  const waiting = ask(broker.addresses.public, HOST);
  await until(() => log.includes('session missed a ping'));
  held[0]?.end('well');
  expect((await first).body.toString()).toBe('well');
  expect((await waiting).body.toString()).toBe('well again');
  expect(down).toEqual([]);
  silent.socket.terminate();
});

describe('behind an edge, a broker whose only session is silent', () => {
  const limits = { pingIntervalMs: 100, pingTimeoutMs: 1_000 };
  const answersOf = (edge: Broker, count: number): Promise<string[]> =>
    Promise.all(Array.from({ length: count }, async () => (await ask(edge.addresses.public, HOST)).body.toString()));

  /** Two brokers with one agent each, and an edge that follows both. */
  async function behindEdge(down: string[]) {
    const dial = async (name: string) => {
      const broker = await startTunnelBroker(keys, {
        id: name,
        roles: ['tunnel'],
        limits,
        onEvent: (event) => event.type === 'session-down' && down.push(name),
      });
      running.push(broker);
      const agent = await TestAgent.dial(broker.addresses.tunnelUrl ?? '', {
        token: await keys.token('agent-1', [HOST]),
        hosts: [HOST],
        keepAlive: false,
        onRequest: (_request, response) => response.end(name),
      });
      return { broker, agent };
    };
    const [one, two] = [await dial('one'), await dial('two')];
    const edge = await startEdge([one, two].map(({ broker }) => broker.addresses.peer ?? ''));
    running.push(edge);
    await until(async () => new Set(await answersOf(edge, 8)).size === 2);
    return { edge, one, two };
  }

  test('leaves its requests to the other broker at once, those that wait and those that come', async () => {
    const down: string[] = [];
    const { edge, one, two } = await behindEdge(down);
    one.agent.socket.pause();
    const waiting = answersOf(edge, 20);
    expect(new Set(await waiting)).toEqual(new Set(['two']));
    expect(await ask(one.broker.addresses.public, HOST)).toMatchObject({ status: 503 });
    expect(new Set(await answersOf(edge, 20))).toEqual(new Set(['two']));
    const post = (): Promise<{ status: number }> => ask(edge.addresses.public, HOST, { method: 'POST', body: 'abc' });
    for (let n = 0; n < 10; n += 1) expect((await post()).status).toBe(200);
    expect(down).toEqual([]);
    one.agent.socket.terminate();
    two.agent.socket.terminate();
  });

  test('is waited for when the other one is silent as well', async () => {
    const down: string[] = [];
    const { edge, one, two } = await behindEdge(down);
    one.agent.socket.pause();
    two.agent.socket.pause();
    const waiting = answersOf(edge, 20);
    await until(async () => {
      const metrics = (await ask(edge.addresses.peer ?? '', 'any', { path: '/metrics' })).body.toString();
      return /adit_broker_retries\S* ([1-9]\d*)/.test(metrics);
    });
    one.agent.socket.resume();
    two.agent.socket.resume();
    for (const answer of await waiting) expect(['one', 'two']).toContain(answer);
    expect(down).toEqual([]);
    one.agent.socket.terminate();
    two.agent.socket.terminate();
  });
});

test('signing keys come from the control plane and are kept when it is away; the broker registers there', async () => {
  const puts: { url: string | undefined; key: string | undefined; body: unknown }[] = [];
  const control = createServer((request, response) => {
    if (request.url === '/.well-known/jwks.json') {
      response.end(keys.jwks);
      return;
    }
    if (request.url === '/v1/revocations') {
      response.end('{"revocations":[]}');
      return;
    }
    let body = '';
    request.on('data', (piece: Buffer) => (body += piece.toString()));
    request.on('end', () => {
      puts.push({ url: request.url, key: request.headers.authorization, body: JSON.parse(body) });
      response.end('{}');
    });
  });
  await new Promise<void>((resolve) => control.listen(0, '127.0.0.1', resolve));
  const { port } = control.address() as AddressInfo;
  const options = {
    id: 'b1',
    region: 'here',
    public: ANY,
    issuer: ISSUER,
    log: quiet,
    control: { url: `http://127.0.0.1:${port}`, brokerKey: 'key-1' },
  };
  const broker = await startBroker({ ...options, roles: ['tunnel', 'edge'], tunnel: ANY });
  const edge = await startBroker({ ...options, id: 'e1', roles: ['edge'] });
  running.push(broker, edge);
  const record = {
    region: 'here',
    tunnel: broker.addresses.tunnelUrl,
    address: broker.addresses.public,
    sessions: 0,
    draining: false,
  };
  const publicUrl = `http://{host}:${edge.addresses.public.split(':')[1]}/`;
  expect(puts).toEqual([
    { url: '/v1/brokers/b1', key: 'Bearer key-1', body: record },
    { url: '/v1/edges/e1', key: 'Bearer key-1', body: { publicUrl } },
  ]);
  control.closeAllConnections();
  await new Promise((resolve) => control.close(resolve));
  const agent = await TestAgent.dial(broker.addresses.tunnelUrl ?? '', {
    token: await keys.token('agent-1', [HOST]),
    hosts: [HOST],
  });
  expect((await ask(broker.addresses.public, HOST)).status).toBe(200);
  agent.socket.terminate();
});
