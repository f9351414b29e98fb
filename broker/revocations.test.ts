import { createServer } from 'node:http';
import type { Server, ServerResponse } from 'node:http';
import { connect } from 'node:net';
import type { AddressInfo } from 'node:net';
import { decodeJwt } from 'jose';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import type { Revocation } from '../shared/control/api.ts';
import type { Broker } from './index.ts';
import { TestAgent } from './testing/test-agent.ts';
import { startEdge, startTunnelBroker, until } from './testing/test-broker.ts';
import { makeKeys } from './testing/test-keys.ts';
import type { TestKeys } from './testing/test-keys.ts';
import { ask } from './testing/visitor.ts';

/** A control plane that knows of revocations only; the keys come from a file. */
let keys: TestKeys;
let control: Server;
let broker: Broker;
let list: Revocation[];
let answers: number[];

beforeAll(async () => {
  keys = await makeKeys();
});
afterAll(() => keys.remove());
beforeEach(async () => {
  list = [];
  answers = [];
  control = createServer((request, response) => {
    request.resume();
    if (request.url !== '/v1/revocations') {
      response.writeHead(204).end();
      return;
    }
    const etag = `"${JSON.stringify(list).length}"`;
    const same = request.headers['if-none-match'] === etag;
    answers.push(same ? 304 : 200);
    response.writeHead(same ? 304 : 200, { etag }).end(same ? undefined : JSON.stringify({ revocations: list }));
  });
  await new Promise<void>((resolve) => control.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(control.address() as AddressInfo).port}`;
  broker = await startTunnelBroker(keys, { control: { url, brokerKey: 'key' } });
});
afterEach(async () => {
  await broker.close();
  control.closeAllConnections();
  await new Promise((resolve) => control.close(resolve));
});

const dial = async (agent: string, hosts: string[]): Promise<TestAgent> =>
  TestAgent.dial(broker.addresses.tunnelUrl ?? '', { token: await keys.token(agent, hosts), hosts, agent });

test('a revoked agent is told why and loses its session; its tokens open no other', async () => {
  const bad = await dial('bad', ['bad.localhost']);
  const good = await dial('good', ['good.localhost']);
  list = [{ agent: 'bad' }];
  expect(await bad.received('drain')).toMatchObject({ reason: 'the agent was revoked' });
  await bad.session.closed;
  await expect(dial('bad', ['bad.localhost'])).rejects.toThrow('401 ');
  expect((await ask(broker.addresses.public, 'good.localhost')).status).toBe(200);
  good.socket.terminate();
});

test('a revoked token ends its session and opens no other; another token of the same agent does', async () => {
  const token = await keys.token('one', ['one.localhost']);
  const dialWith = (bearer: string): Promise<TestAgent> =>
    TestAgent.dial(broker.addresses.tunnelUrl ?? '', { token: bearer, hosts: ['one.localhost'], agent: 'one' });
  const agent = await dialWith(token);
  list = [{ agent: 'one', token: decodeJwt(token).jti ?? '' }];
  expect(await agent.received('drain')).toMatchObject({ reason: 'the token was revoked' });
  await agent.session.closed;
  await expect(dialWith(token)).rejects.toThrow('401 ');
  const renewed = await dialWith(await keys.token('one', ['one.localhost']));
  expect((await ask(broker.addresses.public, 'one.localhost')).status).toBe(200);
  renewed.socket.terminate();
});

test('a host that was given back is served no longer, the others are', async () => {
  const agent = await dial('one', ['kept.localhost', 'given.localhost']);
  list = [{ agent: 'one', hosts: ['given.localhost'] }];
  expect(await agent.received('host-removed')).toMatchObject({ host: 'given.localhost' });
  expect((await ask(broker.addresses.public, 'given.localhost')).status).toBe(503);
  expect((await ask(broker.addresses.public, 'kept.localhost')).status).toBe(200);
  agent.send({ type: 'renew', token: await keys.token('one', ['kept.localhost', 'given.localhost']) });
  agent.send({ type: 'load', inFlight: 3 });
  expect(await agent.session.ping()).toBeGreaterThan(0);
  expect((await ask(broker.addresses.public, 'given.localhost')).status).toBe(503);
  agent.socket.terminate();
});

test.each([
  ['is revoked', () => (list = [{ agent: 'one', hosts: ['given.localhost'] }])],
  [
    'has ended, as the next token says,',
    async (agent: TestAgent) => agent.send({ type: 'renew', token: await keys.token('one', ['kept.localhost']) }),
  ],
])('what runs for a host that %s ends with it, and what runs for others goes on', async (_how, withdraw) => {
  const agent = await TestAgent.dial(broker.addresses.tunnelUrl ?? '', {
    token: await keys.token('one', ['kept.localhost', 'given.localhost']),
    hosts: ['kept.localhost', 'given.localhost'],
    agent: 'one',
    onRequest: (_request, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write('data: 1\n\n');
    },
  });
  const events = (host: string) => {
    const seen = { text: '', isOver: false };
    const [address, port] = broker.addresses.public.split(':');
    const socket = connect(Number(port), address);
    socket.on('error', () => undefined);
    socket.on('data', (bytes: Buffer) => (seen.text += bytes.toString()));
    socket.on('close', () => (seen.isOver = true));
    socket.write(`GET / HTTP/1.1\r\nHost: ${host}\r\n\r\n`);
    return { seen, socket };
  };
  const kept = events('kept.localhost');
  const given = events('given.localhost');
  await until(() => [kept, given].every(({ seen }) => seen.text.includes('data: 1')));
  await withdraw(agent);
  await until(() => given.seen.isOver);
  expect(await agent.session.ping()).toBeGreaterThan(0);
  expect(kept.seen.isOver).toBe(false);
  kept.socket.destroy();
  agent.socket.terminate();
});

test('a POST that was delivered when its host was revoked is not sent again by an edge', async () => {
  const held: Record<'one' | 'two', ServerResponse[]> = { one: [], two: [] };
  const serve = async (to: Broker, name: 'one' | 'two'): Promise<TestAgent> =>
    TestAgent.dial(to.addresses.tunnelUrl ?? '', {
      token: await keys.token(name, ['given.localhost', 'kept.localhost']),
      hosts: ['given.localhost', 'kept.localhost'],
      agent: name,
      onRequest: (_request, response) => void held[name].push(response),
    });
  const other = await startTunnelBroker(keys, { id: 'b2' });
  const agents = [await serve(broker, 'one'), await serve(other, 'two')];
  const edge = await startEdge([broker.addresses.peer ?? '', other.addresses.peer ?? '']);
  await until(async () =>
    (await ask(edge.addresses.peer ?? '', 'any', { path: '/metrics' })).body
      .toString()
      .includes('adit_broker_peers 2\n'),
  );
  const asked: Promise<number>[] = [];
  for (let at = 0; held.one.length === 0; at++) {
    asked.push(
      ask(edge.addresses.public, 'given.localhost', { method: 'POST', body: 'once' }).then(({ status }) => status),
    );
    await until(() => held.one.length + held.two.length === at + 1);
  }
  const elsewhere = held.two.length;
  list = [{ agent: 'one', hosts: ['given.localhost'] }];
  expect(await asked.at(-1)).toBe(502);
  expect(held.two).toHaveLength(elsewhere);
  for (const response of held.two) response.end();
  await Promise.all(asked);
  for (const agent of agents) agent.socket.terminate();
  await edge.close();
  await other.close();
});

test('what is known holds while the control plane is away, and an unchanged list is not sent again', async () => {
  list = [{ agent: 'bad' }];
  await until(() => answers.includes(304));
  control.closeAllConnections();
  await new Promise((resolve) => control.close(resolve));
  await expect(dial('bad', ['bad.localhost'])).rejects.toThrow('401 ');
  const good = await dial('good', ['good.localhost']);
  good.socket.terminate();
  await new Promise<void>((resolve) => control.listen(0, '127.0.0.1', resolve));
});
