import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { startBroker } from './index.ts';
import type { Broker } from './index.ts';
import { TestAgent } from './testing/test-agent.ts';
import { quiet, startTunnelBroker, until } from './testing/test-broker.ts';
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
