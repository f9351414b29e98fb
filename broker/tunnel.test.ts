import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import type { YamuxStream } from '../shared/yamux/types.ts';
import type { Broker } from './index.ts';
import { TestAgent } from './testing/test-agent.ts';
import { startTunnelBroker, until } from './testing/test-broker.ts';
import { makeKeys } from './testing/test-keys.ts';
import type { TestKeys } from './testing/test-keys.ts';
import { ask } from './testing/visitor.ts';

const HOST = 'shop-x1.localhost';
let keys: TestKeys;
let broker: Broker;

beforeAll(async () => {
  keys = await makeKeys();
});
afterAll(() => keys.remove());
beforeEach(async () => {
  broker = await startTunnelBroker(keys);
});
afterEach(() => broker.close());

const url = (): string => broker.addresses.tunnelUrl ?? '';
const dead = (agent: TestAgent): Promise<unknown> => agent.session.closed;

/** Milliseconds since 1970. */
function expiryOf(token: string): number {
  const claims: unknown = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString());
  return typeof claims === 'object' && claims !== null && 'exp' in claims ? Number(claims.exp) * 1_000 : Number.NaN;
}

describe('an agent that abuses its control stream', () => {
  const foreign = (index: number): string[] => Array.from({ length: 64 }, (_, at) => `h${index}-${at}.localhost`);

  test('is cut off when it asks for more answers than it reads', async () => {
    const agent = await TestAgent.dial(url(), { token: await keys.token('agent-1', [HOST]), hosts: [HOST] });
    // It no longer reads, and goes on to send.
    agent.socket.pause();
    for (let index = 0; index < 190; index++)
      agent.send({ type: 'hello', agent: 'agent-1', version: '0', generation: 1, hosts: foreign(index) });
    await until(async () => (await ask(broker.addresses.public, HOST)).status === 503);
    agent.socket.terminate();
  });

  test('is cut off when it sends lines without end', async () => {
    const agent = await TestAgent.dial(url(), { token: await keys.token('agent-1', [HOST]), hosts: [HOST] });
    for (let index = 0; index < 100; index++) agent.send({ type: 'load', inFlight: index });
    expect(await agent.session.ping()).toBeGreaterThan(0);
    for (let index = 0; index < 300; index++) agent.send({ type: 'load', inFlight: index });
    await dead(agent);
  });
});

describe('tokens', () => {
  test.each([
    ['is expired', { seconds: -5 }, '401'],
    ['is for another audience', { audience: 'other' }, '403'],
    ['is of another issuer', { issuer: 'other' }, '403'],
  ])('one that %s is refused', async (_name, changes, status) => {
    const token = await keys.token('agent-1', [HOST], changes);
    await expect(TestAgent.dial(url(), { token, hosts: [HOST] })).rejects.toThrow(`${status} {"type"`);
  });

  test('one that another key signed is refused', async () => {
    const other = await makeKeys();
    const token = await other.token('agent-1', [HOST]);
    await other.remove();
    await expect(TestAgent.dial(url(), { token, hosts: [HOST] })).rejects.toThrow('401 ');
  });

  test('a request without WebSocket is told what is wanted', async () => {
    const answer = await ask(broker.addresses.tunnel ?? '', 'any', { path: '/tunnel' });
    expect(answer.status).toBe(426);
    expect(answer.headers['content-type']).toBe('application/problem+json');
  });

  test('hosts that the token does not name are not served', async () => {
    const token = await keys.token('agent-1', [HOST]);
    const agent = await TestAgent.dial(url(), { token, hosts: [HOST, 'theirs.localhost'] });
    expect(await agent.received('host-removed')).toMatchObject({ host: 'theirs.localhost' });
    expect((await ask(broker.addresses.public, 'theirs.localhost')).status).toBe(404);
    expect((await ask(broker.addresses.public, HOST)).status).toBe(200);
  });

  test('the end of a token ends the session; a renewed one does not', async () => {
    const shortToken = await keys.token('short', [HOST], { seconds: 2 });
    const shortEnds = expiryOf(shortToken);
    const short = await TestAgent.dial(url(), {
      token: shortToken,
      hosts: [HOST],
      agent: 'short',
    });
    const renewed = await TestAgent.dial(url(), {
      token: await keys.token('renewed', [HOST], { seconds: 2 }),
      hosts: [HOST],
      agent: 'renewed',
    });
    renewed.send({ type: 'renew', token: await keys.token('renewed', [HOST]) });
    await dead(short);
    // The contract is a second.
    expect(Date.now() - shortEnds).toBeLessThan(1_000);
    expect((await ask(broker.addresses.public, HOST)).status).toBe(200);
    expect(await renewed.session.ping()).toBeGreaterThan(0);
  });
});

test('the end of a token ends the session also when the clock of the broker was set forward', async () => {
  vi.useFakeTimers({ toFake: ['Date'] });
  try {
    const agent = await TestAgent.dial(url(), { token: await keys.token('agent-1', [HOST]), hosts: [HOST] });
    vi.setSystemTime(Date.now() + 3_600_000);
    expect(await agent.received('drain')).toMatchObject({ reason: 'the token has expired' });
    await dead(agent);
  } finally {
    vi.useRealTimers();
  }
}, 10_000);

describe('sessions', () => {
  test('the newest generation of an agent wins, and requests of the old one may finish', async () => {
    let finish: () => void = () => undefined;
    const dial = async (generation: number, name: string) =>
      TestAgent.dial(url(), {
        token: await keys.token('agent-1', [HOST]),
        hosts: [HOST],
        generation,
        onRequest: (request, response) =>
          request.url === '/slow' ? (finish = () => void response.end(name)) : response.end(name),
      });
    const first = await dial(1, 'first');
    let done = false;
    const slow = ask(broker.addresses.public, HOST, { path: '/slow' });
    await until(() => first.streams === 1);
    await dial(2, 'second');
    expect(await first.received('drain')).toMatchObject({ type: 'drain' });
    expect((await ask(broker.addresses.public, HOST)).body.toString()).toBe('second');
    await until(() => {
      finish();
      return (done = true);
    });
    expect(done && (await slow).body.toString()).toBe('first');
    await dead(first);
  });

  test('one that has no room for a moment does not lose its place to an older one', async () => {
    const token = await keys.token('agent-1', [HOST]);
    const streams: YamuxStream[] = [];
    const first = await TestAgent.dial(url(), {
      token,
      hosts: [HOST],
      generation: 2,
      // It accepts none for now.
      onStream: (stream) => streams.push(stream),
    });
    // As many as may wait to be accepted.
    const asked = Array.from({ length: 256 }, () => ask(broker.addresses.public, HOST, { method: 'POST', body: 'x' }));
    await until(() => streams.length === 256);
    expect((await ask(broker.addresses.public, HOST, { method: 'POST', body: 'x' })).status).toBe(503);

    const stale = await TestAgent.dial(url(), { token, hosts: [], generation: 1 });
    const left = (agent: TestAgent, name: string) => agent.received('drain').then(() => name);
    expect(await Promise.race([left(stale, 'older'), left(first, 'newer')])).toBe('older');
    await dead(stale);
    for (const stream of streams) {
      stream.attach({
        onData: (bytes) => stream.consumed(bytes.length),
        onEnd: () => stream.end(),
        onDrain: () => undefined,
        onClosed: () => undefined,
      });
      stream.write(Buffer.from('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'));
    }
    expect((await Promise.all(asked)).map(({ status }) => status)).toEqual(asked.map(() => 200));
    expect(first.messages.map(({ type }) => type)).not.toContain('drain');
  });

  test('drain lets a running request finish and tells the agent', async () => {
    let finish: (() => void) | undefined;
    const agent = await TestAgent.dial(url(), {
      token: await keys.token('agent-1', [HOST]),
      hosts: [HOST],
      onRequest: (_request, response) => (response.write('a'), (finish = () => void response.end('b'))),
    });
    const running = ask(broker.addresses.public, HOST);
    await until(() => finish !== undefined);
    const drained = broker.drain({ graceMs: 5_000 });
    expect(await agent.received('drain')).toMatchObject({ graceMs: 5_000 });
    expect(broker.ready()).toBe(false);
    finish?.();
    expect((await running).body.toString()).toBe('ab');
    await drained;
    await dead(agent);
  });

  test('an agent without a hello serves nothing', async () => {
    const agent = await TestAgent.dial(url(), { token: await keys.token('agent-1', [HOST]), hosts: [] });
    expect((await ask(broker.addresses.public, HOST)).status).toBe(404);
    agent.socket.terminate();
  });
});

describe('two agents of one host', () => {
  test('a GET whose session dies is answered by the other; a POST is not repeated', async () => {
    const reached: string[] = [];
    const token = (agent: string) => keys.token(agent, [HOST]);
    const dying: TestAgent[] = [];
    const dial = async (name: string): Promise<TestAgent> =>
      TestAgent.dial(url(), {
        token: await token(name),
        hosts: [HOST],
        agent: name,
        onRequest: (request, response) => {
          reached.push(`${request.method} ${name} ${String(request.headers['x-adit-attempt'] ?? '1')}`);
          const agent = dying.shift();
          if (agent === undefined) response.end(name);
          else agents.get(name)?.socket.terminate();
        },
      });
    const agents = new Map<string, TestAgent>();
    for (const name of ['one', 'two']) agents.set(name, await dial(name));
    const [any] = agents.values();
    if (any === undefined) throw new Error('no agent');
    dying.push(any);
    expect((await ask(broker.addresses.public, HOST)).status).toBe(200);
    expect(reached.map((line) => line.split(' ')[2])).toEqual(['1', '2']);
    await until(() => reached.length === 2);
    const lost = reached[0]?.split(' ')[1] ?? '';
    agents.set(lost, await dial(lost));
    reached.length = 0;
    dying.push(any);
    expect((await ask(broker.addresses.public, HOST, { method: 'POST', body: 'x' })).status).toBe(502);
    expect(reached).toHaveLength(1);
  });

  test('any method goes elsewhere when the agent refused the stream', async () => {
    await TestAgent.dial(url(), {
      token: await keys.token('no', [HOST]),
      hosts: [HOST],
      agent: 'no',
      onStream: (stream) => stream.reset(),
    });
    let bodies = 0;
    await TestAgent.dial(url(), {
      token: await keys.token('yes', [HOST]),
      hosts: [HOST],
      agent: 'yes',
      onRequest: (request, response) =>
        void request.on('data', (piece: Buffer) => (bodies += piece.length)).on('end', () => response.end('yes')),
    });
    for (let n = 0; n < 20; n += 1)
      expect((await ask(broker.addresses.public, HOST, { method: 'POST', body: 'abc' })).status).toBe(200);
    expect(bodies).toBe(60);
  });
});

test('a broker that has just started says of a host that it does not know that its agent may come', async () => {
  const fresh = await startTunnelBroker(keys, { limits: { warmUpMs: 60_000 } });
  try {
    const answer = await ask(fresh.addresses.public, HOST);
    expect(answer.status).toBe(503);
    expect(answer.headers['retry-after']).toBe('2');
  } finally {
    await fresh.close();
  }
});

test('one address cannot dial without end', async () => {
  const strict = await startTunnelBroker(keys, { limits: { handshakesPerSecond: 0.001, handshakeBurst: 2 } });
  try {
    const dial = async (agent: string) =>
      TestAgent.dial(strict.addresses.tunnelUrl ?? '', {
        token: await keys.token(agent, [HOST]),
        hosts: [HOST],
        agent,
      });
    const agents = [await dial('one'), await dial('two')];
    await expect(dial('three')).rejects.toThrow('429 ');
    for (const agent of agents) agent.socket.terminate();
  } finally {
    await strict.close();
  }
});

test('a token used from two addresses serves the newest session, and the older one is told', async () => {
  const token = await keys.token('agent-1', [HOST]);
  const from = (localAddress: string, generation: number, hosts = [HOST]) =>
    TestAgent.dial(url(), {
      token,
      hosts,
      generation,
      localAddress,
      onRequest: (_request, response) => response.end(localAddress),
    });
  const first = await from('127.0.0.1', 1);
  const second = await from('127.0.0.2', 2);
  expect(await first.received('drain')).toMatchObject({
    reason: 'its token was used by a newer session from 127.0.0.2',
  });
  await dead(first);
  expect((await ask(broker.addresses.public, HOST)).body.toString()).toBe('127.0.0.2');
  const stale = await from('127.0.0.3', 1, []);
  expect(await stale.received('drain')).toMatchObject({ reason: 'a newer session of this agent is connected' });
  await dead(stale);
  expect((await ask(broker.addresses.public, HOST)).body.toString()).toBe('127.0.0.2');
  second.socket.terminate();
});

test('a broker with nearly as many sessions as it takes asks the idlest to move', async () => {
  const small = await startTunnelBroker(keys, { limits: { maxSessions: 2 } });
  try {
    const dial = async (agent: string) =>
      TestAgent.dial(small.addresses.tunnelUrl ?? '', { token: await keys.token(agent, [HOST]), hosts: [HOST], agent });
    const agents = [await dial('one'), await dial('two')];
    await Promise.race(agents.map((agent) => agent.received('rebalance')));
    for (const agent of agents) agent.socket.terminate();
  } finally {
    await small.close();
  }
});
