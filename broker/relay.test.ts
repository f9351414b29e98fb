import { once } from 'node:events';
import { Agent } from 'node:http';
import type { ServerResponse } from 'node:http';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import type { Broker, BrokerOptions } from './index.ts';
import { SECRET, startEdge, startTunnelBroker, until } from './testing/test-broker.ts';
import { TestAgent } from './testing/test-agent.ts';
import type { TestAgentOptions } from './testing/test-agent.ts';
import { makeKeys } from './testing/test-keys.ts';
import type { TestKeys } from './testing/test-keys.ts';
import { type Answer, ask, exchangeRaw } from './testing/visitor.ts';

const HOST = 'shop-x1.localhost';
let keys: TestKeys;
const running: Broker[] = [];

beforeAll(async () => {
  keys = await makeKeys();
});
afterAll(() => keys.remove());
afterEach(async () => {
  await Promise.all(running.splice(0).map((broker) => broker.close()));
});

async function brokerWithAgent(
  id: string,
  options: Partial<TestAgentOptions> = {},
  changes: Partial<BrokerOptions> = {},
): Promise<Broker> {
  const broker = await startTunnelBroker(keys, { id, ...changes });
  running.push(broker);
  await TestAgent.dial(broker.addresses.tunnelUrl ?? '', {
    token: await keys.token('agent-1', [HOST]),
    hosts: [HOST],
    ...options,
  });
  return broker;
}

async function edgeOf(brokers: readonly Broker[], changes: Partial<BrokerOptions> = {}): Promise<Broker> {
  const edge = await startEdge(
    brokers.map((broker) => broker.addresses.peer ?? ''),
    changes,
  );
  running.push(edge);
  return edge;
}

test('an edge relays to the broker that has the host, and keeps what it knows of the visitor', async () => {
  const broker = await brokerWithAgent('b1', {
    onRequest: (request, response) => response.end(JSON.stringify([request.url, request.headers])),
  });
  const edge = await edgeOf([broker]);
  await until(() => edge.ready());
  const answer = await ask(edge.addresses.public, HOST, {
    path: '/x',
    headers: { 'x-adit-relay-hop': '1', 'x-adit-relay-secret': 'forged' },
  });
  const [path, headers] = JSON.parse(answer.body.toString());
  expect(path).toBe('/x');
  expect(headers).toMatchObject({
    host: HOST,
    'x-forwarded-for': '127.0.0.1',
    'x-forwarded-port': edge.addresses.public.split(':')[1],
  });
  expect(Object.keys(headers).filter((name) => name.startsWith('x-adit-relay'))).toEqual([]);
  expect((await ask(edge.addresses.public, 'nobody.localhost')).status).toBe(404);
});

test('no GET fails when one of two brokers dies under load, and the edge uses it again when it is back', async () => {
  const one = await brokerWithAgent('b1');
  const two = await brokerWithAgent('b2');
  const edge = await edgeOf([one, two]);
  await until(async () =>
    (await ask(edge.addresses.peer ?? '', 'any', { path: '/metrics' })).body.toString().includes('adit_broker_peers 2'),
  );
  const http = new Agent({ keepAlive: true, maxSockets: 16 });
  let asked = 0;
  const failed: unknown[] = [];
  const worker = async (): Promise<void> => {
    while (asked < 1500) {
      asked += 1;
      if (asked === 500) void one.close();
      const answer = await ask(edge.addresses.public, HOST, { agent: http });
      if (answer.status !== 200) failed.push(answer.body.toString());
    }
  };
  await Promise.all(Array.from({ length: 16 }, worker));
  http.destroy();
  expect(failed).toEqual([]);
  const [tunnelPort, peerPort] = [one.addresses.tunnel, one.addresses.peer].map((address) =>
    Number(address?.split(':')[1]),
  );
  let again = 0;
  await brokerWithAgent(
    'b1',
    { onRequest: (_request, response) => ((again += 1), response.end('again')) },
    {
      tunnel: { host: '127.0.0.1', port: tunnelPort ?? 0 },
      peer: { host: '127.0.0.1', port: peerPort ?? 0 },
    },
  );
  await until(async () => {
    await ask(edge.addresses.public, HOST);
    return again > 3;
  });
});

test.each(['POST', 'GET'])(
  'a broker that comes back gets one request (%s), and more only when that one is answered',
  async (method) => {
    const held: Record<'b1' | 'b2', ServerResponse[]> = { b1: [], b2: [] };
    const startBroker = (id: 'b1' | 'b2', changes?: Partial<BrokerOptions>): Promise<Broker> =>
      brokerWithAgent(id, { onRequest: (_request, response) => void held[id].push(response) }, changes);
    const one = await startBroker('b1');
    const edge = await edgeOf([one, await startBroker('b2')], { limits: { headTimeoutMs: 300 } });
    const follows = (brokers: number): Promise<void> =>
      until(async () =>
        (await ask(edge.addresses.peer ?? '', 'any', { path: '/metrics' })).body
          .toString()
          .includes(`adit_broker_peers ${brokers}\n`),
      );
    const asked: Promise<Answer>[] = [];
    /** Sends as many at once, and waits until they stand at the agents. */
    const hold = async (count: number): Promise<void> => {
      const before = held.b1.length + held.b2.length;
      for (let n = 0; n < count; n += 1)
        asked.push(ask(edge.addresses.public, HOST, method === 'GET' ? {} : { method, body: 'abc' }));
      await until(() => held.b1.length + held.b2.length === before + count);
    };
    const answerAll = async (): Promise<void> => {
      for (const id of ['b1', 'b2'] as const) for (const response of held[id].splice(0)) response.end(id);
      expect((await Promise.all(asked.splice(0))).filter(({ status }) => status !== 200)).toEqual([]);
    };

    await follows(2);
    await hold(1);
    await answerAll();
    const [tunnelPort, peerPort] = [one.addresses.tunnel, one.addresses.peer].map((address) =>
      Number(address?.split(':')[1]),
    );
    await one.close();
    await follows(1);
    await startBroker('b1', {
      tunnel: { host: '127.0.0.1', port: tunnelPort ?? 0 },
      peer: { host: '127.0.0.1', port: peerPort ?? 0 },
    });
    await follows(2);
    while (held.b1.length === 0) await hold(1);
    await hold(20);
    // The edge looks at its limits, and at what else it might do with a request, in the same turn.
    for (let turn = 0; turn < 2; turn += 1)
      expect(await exchangeRaw(edge.addresses.public, 'GET / HTTP/1.1\r\nHost: a')).toContain('HTTP/1.1 408 ');
    expect([held.b1.length, held.b2.length]).toEqual([1, asked.length - 1]);

    held.b1.pop()?.end('b1');
    expect((await Promise.race(asked)).body.toString()).toBe('b1');
    while (held.b1.length < 2) await hold(1);
    await answerAll();
  },
);

test('a WebSocket passes edge and broker', async () => {
  const broker = await brokerWithAgent('b1', {
    prepare: (server) => {
      const echo = new WebSocketServer({ noServer: true });
      server.on('upgrade', (request, socket, head) =>
        echo.handleUpgrade(request, socket, head, (ws) => ws.on('message', (data) => ws.send(data))),
      );
    },
  });
  const edge = await edgeOf([broker]);
  await until(() => edge.ready());
  const ws = new WebSocket(`ws://${edge.addresses.public}/`, { headers: { host: HOST } });
  await once(ws, 'open');
  ws.send(Buffer.alloc(500_000, 7));
  const [data] = (await once(ws, 'message')) as [Buffer];
  expect(data.equals(Buffer.alloc(500_000, 7))).toBe(true);
  ws.close();
  await once(ws, 'close');
});

test('a POST goes to the broker that lives when the other was never reached', async () => {
  const one = await brokerWithAgent('b1');
  const two = await brokerWithAgent('b2');
  const edge = await edgeOf([one, two]);
  await until(async () =>
    (await ask(edge.addresses.peer ?? '', 'any', { path: '/metrics' })).body.toString().includes('adit_broker_peers 2'),
  );
  await one.close();
  for (let n = 0; n < 10; n += 1)
    expect((await ask(edge.addresses.public, HOST, { method: 'POST', body: 'abc' })).status).toBe(200);
});

test('a request is relayed once at most, and only with the secret', async () => {
  const broker = await brokerWithAgent('b1');
  const peer = broker.addresses.peer ?? '';
  const relayed = (hop: string, secret: string) =>
    ask(peer, HOST, { headers: { 'x-adit-relay-hop': hop, 'x-adit-relay-secret': secret } });
  expect((await relayed('1', SECRET)).status).toBe(200);
  expect((await relayed('2', SECRET)).status).toBe(508);
  expect((await relayed('1', 'wrong')).status).toBe(403);
  expect((await ask(peer, HOST)).status).toBe(404);
});

test('an edge without a broker says when to come again', async () => {
  const broker = await brokerWithAgent('b1');
  const edge = await edgeOf([broker]);
  await until(() => edge.ready());
  await broker.close();
  await until(() => !edge.ready());
  const answer = await ask(edge.addresses.public, HOST);
  expect(answer.status).toBe(503);
  expect(answer.headers['retry-after']).toBe('2');
});
