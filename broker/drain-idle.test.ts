import { once } from 'node:events';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import type { Broker } from './index.ts';
import { RawVisitor } from './testing/raw-visitor.ts';
import { TestAgent } from './testing/test-agent.ts';
import { startEdge, startTunnelBroker, until } from './testing/test-broker.ts';
import { makeKeys } from './testing/test-keys.ts';
import type { TestKeys } from './testing/test-keys.ts';
import { ask } from './testing/visitor.ts';

const HOST = 'shop.test';
let keys: TestKeys;
const running: Broker[] = [];
let visitor: RawVisitor;

beforeAll(async () => {
  keys = await makeKeys();
});
afterAll(() => keys.remove());
afterEach(async () => {
  visitor.socket.destroy();
  await Promise.all(running.splice(0).map((broker) => broker.close()));
});

/** An edge whose visitor has had one answer, and rests; `served` are the requests that the agent got. */
async function stage(): Promise<{ edge: Broker; served: string[] }> {
  const broker = await startTunnelBroker(keys);
  const edge = await startEdge([broker.addresses.peer ?? '']);
  running.push(broker, edge);
  const served: string[] = [];
  await TestAgent.dial(broker.addresses.tunnelUrl ?? '', {
    token: await keys.token('agent-1', [HOST]),
    hosts: [HOST],
    onRequest: (request, response) => {
      served.push(request.url ?? '');
      response.end(`of ${request.url}`);
    },
  });
  await until(() => edge.ready());
  visitor = new RawVisitor(edge.addresses.public);
  visitor.socket.write(`GET /first HTTP/1.1\r\nHost: ${HOST}\r\n\r\n`);
  await visitor.sees('of /first');
  return { edge, served };
}

test('a request that crosses the end of a resting connection on its way is not served', async () => {
  const { edge, served } = await stage();
  const ended = once(visitor.socket, 'end');
  const drained = edge.drain({ graceMs: 5_000 });
  await ended;
  visitor.socket.write(`POST /crossing HTTP/1.1\r\nHost: ${HOST}\r\nContent-Length: 1\r\n\r\nx`);
  // It serves in the order of arrival, so that the request has been seen; and what was to come of it has come.
  const metrics = async (): Promise<string> =>
    (await ask(edge.addresses.peer ?? '', 'any', { path: '/metrics' })).body.toString();
  await metrics();
  await until(async () => (await metrics()).includes('adit_broker_requests_in_flight 0\n'));
  await drained;
  expect(served).toEqual(['/first']);
});

test('a request that has begun to come is served, and its answer is the last', async () => {
  const { edge, served } = await stage();
  const resting = new RawVisitor(edge.addresses.public);
  resting.socket.write(`GET /other HTTP/1.1\r\nHost: ${HOST}\r\n\r\n`);
  visitor.socket.write('GET /begun HTTP/1.1\r\nHo');
  await resting.sees('of /other');
  const ended = once(resting.socket, 'end');
  const drained = edge.drain({ graceMs: 5_000 });
  // Both ends were seen in one go.
  await ended;
  visitor.socket.write(`st: ${HOST}\r\n\r\n`);
  await once(visitor.socket, 'end');
  await drained;
  resting.socket.destroy();
  expect(visitor.text).toMatch(/Connection: close\r\n[^]*of \/begun$/);
  expect(served).toEqual(['/first', '/other', '/begun']);
});

test('whether it lives and is ready is told while it drains', async () => {
  const { edge } = await stage();
  const told = async (path: string): Promise<number> => (await ask(edge.addresses.peer ?? '', 'any', { path })).status;
  expect([await told('/healthz'), await told('/readyz')]).toEqual([200, 200]);
  const ended = once(visitor.socket, 'end');
  const drained = edge.drain({ graceMs: 5_000 });
  await ended;
  expect([await told('/healthz'), await told('/readyz'), await told('/metrics')]).toEqual([200, 503, 200]);
  await drained;
});
