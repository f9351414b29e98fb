import { once } from 'node:events';
import type { EventEmitter } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { Broker, BrokerLimits, BrokerOptions } from './index.ts';
import { RawVisitor } from './testing/raw-visitor.ts';
import { TestAgent } from './testing/test-agent.ts';
import type { TestAgentOptions } from './testing/test-agent.ts';
import { startEdge, startTunnelBroker, until } from './testing/test-broker.ts';
import { makeCertificates } from './testing/test-certificates.ts';
import type { TestCertificates } from './testing/test-certificates.ts';
import { makeKeys } from './testing/test-keys.ts';
import type { TestKeys } from './testing/test-keys.ts';
import { ask } from './testing/visitor.ts';

const HOST = 'shop.test';
const GET = `GET / HTTP/1.1\r\nHost: ${HOST}\r\n\r\n`;
const UPGRADE = `GET / HTTP/1.1\r\nHost: ${HOST}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n`;
const SWITCH = 'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n';
/** Longer than any test takes. */
const NEVER_MS = 600_000;

let keys: TestKeys;
let certificates: TestCertificates;
let tls: BrokerOptions['public'];
const running: Broker[] = [];
const visitors: RawVisitor[] = [];

beforeAll(async () => {
  keys = await makeKeys();
  certificates = await makeCertificates();
  tls = { host: '127.0.0.1', port: 0, tls: [await certificates.write('all', [HOST])] };
});
afterAll(async () => {
  await keys.remove();
  await certificates.remove();
});
afterEach(async () => {
  for (const visitor of visitors.splice(0)) visitor.socket.destroy();
  await Promise.all(running.splice(0).map((broker) => broker.close()));
});

type Kind = 'broker' | 'edge' | 'TLS';
const kinds: readonly Kind[] = ['broker', 'edge', 'TLS'];

/** What visitors reach: a broker, an edge in front of it, or a broker over TLS. `limits` are those of the first hop. */
async function stage(kind: Kind, agent: Partial<TestAgentOptions>, limits: Partial<BrokerLimits> = {}) {
  const patient = { halfClosedIdleMs: NEVER_MS };
  const broker = await startTunnelBroker(keys, {
    limits: { ...patient, ...(kind === 'edge' ? {} : limits) },
    ...(kind === 'TLS' ? { public: tls } : {}),
  });
  running.push(broker);
  const token = await keys.token('agent-1', [HOST]);
  await TestAgent.dial(broker.addresses.tunnelUrl ?? '', { token, hosts: [HOST], ...agent });
  let front = broker;
  if (kind === 'edge') {
    const edge = await startEdge([broker.addresses.peer ?? ''], { limits: { ...patient, ...limits } });
    running.push(edge);
    await until(() => edge.ready());
    front = edge;
  }
  const secure = kind === 'TLS' ? { ca: certificates.ca, servername: HOST } : undefined;
  return {
    visit(bytes = ''): RawVisitor {
      const visitor = new RawVisitor(front.addresses.public, secure);
      visitors.push(visitor);
      visitor.socket.write(bytes);
      return visitor;
    },
    /** What was sent to the first hop before, also an end, has been seen there: it serves in the order of arrival. */
    async seen(): Promise<void> {
      await ask(front.addresses.peer ?? '', 'any', { path: '/metrics' });
    },
    /** Requests that are under way in both hops. */
    async inFlight(): Promise<number> {
      let sum = 0;
      for (const { addresses } of running) {
        const metrics = (await ask(addresses.peer ?? '', 'any', { path: '/metrics' })).body.toString();
        sum += Number(/^adit_broker_requests_in_flight (\d+)$/m.exec(metrics)?.[1]);
      }
      return sum;
    },
  };
}

/** Takes the requests of an agent, one after the other. */
function taken(): Pick<TestAgentOptions, 'onRequest'> & {
  next(): Promise<{ request: IncomingMessage; response: ServerResponse }>;
} {
  const came: { request: IncomingMessage; response: ServerResponse }[] = [];
  return {
    onRequest: (request, response) => {
      request.on('error', () => undefined);
      came.push({ request, response });
    },
    async next() {
      await until(() => came.length > 0);
      return came.shift() ?? expect.unreachable();
    },
  };
}

/** However it ends. */
function closing(stream: EventEmitter): Promise<void> {
  return new Promise((resolve) => stream.once('close', resolve));
}

function chunk(text: string): string {
  return `${text.length.toString(16)}\r\n${text}\r\n`;
}

/** Bytes that no kernel holds for a reader. */
const MUCH = 'x'.repeat(12_000_000);

describe.each(kinds)('a visitor who ends his side after a whole request: %s', (kind) => {
  test('gets the whole answer when it had not begun', async () => {
    const agent = taken();
    const { visit, seen } = await stage(kind, agent);
    const visitor = visit();
    visitor.socket.end(GET);
    const { response } = await agent.next();
    await seen();
    response.writeHead(200, { 'content-length': 5 + MUCH.length }).write('first');
    await visitor.sees('first');
    response.end(MUCH);
    expect(await visitor.closed).toBe('in order');
    expect(visitor.text).toContain('Connection: close\r\n');
    expect(visitor.body === `first${MUCH}`).toBe(true);
  });

  test('gets the rest of an answer that had begun, piece by piece', async () => {
    const agent = taken();
    const { visit, seen } = await stage(kind, agent);
    const visitor = visit(GET);
    const { response } = await agent.next();
    response.write('first');
    await visitor.sees('first');
    visitor.socket.end();
    for (const piece of ['second', 'third']) {
      await seen();
      response.write(piece);
      await visitor.sees(piece);
    }
    response.end(MUCH);
    expect(await visitor.closed).toBe('in order');
    expect(visitor.body.startsWith(chunk('first') + chunk('second') + chunk('third'))).toBe(true);
    expect(visitor.body.endsWith('x\r\n0\r\n\r\n')).toBe(true);
    expect(visitor.body.split('x').length - 1).toBe(MUCH.length);
  });

  test('gets the rest of an answer that began before his upload was over', async () => {
    const agent = taken();
    const { visit, seen } = await stage(kind, agent);
    const visitor = visit(`POST / HTTP/1.1\r\nHost: ${HOST}\r\nTransfer-Encoding: chunked\r\n\r\n${chunk('one')}`);
    const { request, response } = await agent.next();
    let body = '';
    request.on('data', (piece: Buffer) => (body += piece.toString()));
    response.write('early');
    await visitor.sees('early');
    visitor.socket.end(`${chunk('two')}0\r\n\r\n`);
    await once(request, 'end');
    await seen();
    response.end('late');
    expect(await visitor.closed).toBe('in order');
    expect([body, visitor.body]).toEqual(['onetwo', `${chunk('early')}${chunk('late')}0\r\n\r\n`]);
  });

  test('gets an early answer whole that he had not read when his upload was over', async () => {
    const agent = taken();
    const { visit, seen } = await stage(kind, agent);
    const visitor = visit(`POST / HTTP/1.1\r\nHost: ${HOST}\r\nContent-Length: 6\r\n\r\nabc`);
    const { response } = await agent.next();
    visitor.socket.pause();
    response.writeHead(200, { 'content-length': MUCH.length }).end(MUCH);
    await seen();
    visitor.socket.end('def');
    await seen();
    visitor.socket.resume();
    await visitor.closed;
    expect(visitor.body === MUCH).toBe(true);
  });

  test('gets the answers to all that he had sent, and what is no whole request takes none of them away', async () => {
    const { visit } = await stage(kind, {
      onRequest: (request, response) => {
        response.statusCode = request.url === '/2' ? 404 : 200;
        response.end(request.url);
      },
    });
    const get = (path: string): string => GET.replace(' / ', ` ${path} `);
    // The broker's own, where it may answer for a host that the handshake did not name.
    const second = kind === 'TLS' ? get('/2') : get('/2').replace(HOST, 'nobody.test');
    for (const rest of ['', 'GET /cut HTTP/1.1\r\nHo']) {
      const visitor = visit();
      visitor.socket.end(get('/1') + second + get('/3') + rest);
      expect(await visitor.closed).toBe('in order');
      expect(visitor.text.match(/HTTP\/1\.1 \d+/g)).toEqual(['HTTP/1.1 200', 'HTTP/1.1 404', 'HTTP/1.1 200']);
      expect(visitor.text.endsWith('/3')).toBe(true);
    }
  });
});

describe.each(kinds)('a visitor who is gone without a reset: %s', (kind) => {
  test('is noticed at the next event for him', async () => {
    const agent = taken();
    const { visit, seen, inFlight } = await stage(kind, agent);
    const visitor = visit(GET);
    const { response } = await agent.next();
    const left = closing(response);
    response.writeHead(200, { 'content-type': 'text/event-stream' }).write('data: 1\n\n');
    await visitor.sees('data: 1');
    visitor.socket.destroy();
    await seen();
    response.write('data: 2\n\n');
    await left;
    await until(async () => (await inFlight()) === 0);
  });

  test('is given up when there are no events for too long', async () => {
    const agent = taken();
    const { visit, inFlight } = await stage(kind, agent, { halfClosedIdleMs: 300 });
    const visitor = visit(GET);
    const { response } = await agent.next();
    const left = closing(response);
    response.writeHead(200, { 'content-type': 'text/event-stream' }).write('data: 1\n\n');
    await visitor.sees('data: 1');
    visitor.socket.destroy();
    await left;
    await until(async () => (await inFlight()) === 0);
  });

  test('is told from one for whom bytes wait', async () => {
    const agent = taken();
    const { visit, seen } = await stage(kind, agent, { halfClosedIdleMs: 300 });
    const reader = visit(GET);
    const { response: long } = await agent.next();
    long.write('first');
    await reader.sees('first');
    reader.socket.pause();
    reader.socket.end();
    long.end(MUCH);
    await seen();
    // Comes later, and is given up before the other reads on.
    const gone = visit(GET);
    const { response } = await agent.next();
    const left = closing(response);
    response.write('data: 1');
    await gone.sees('data: 1');
    gone.socket.destroy();
    await left;
    reader.socket.resume();
    expect(await reader.closed).toBe('in order');
    expect(reader.body.split('x').length - 1).toBe(MUCH.length);
  });

  test('is given up when no answer begins in time', async () => {
    const agent = taken();
    const { visit, inFlight } = await stage(kind, agent, { responseTimeoutMs: 300 });
    const visitor = visit(GET);
    const { response } = await agent.next();
    const left = closing(response);
    visitor.socket.destroy();
    await left;
    await until(async () => (await inFlight()) === 0);
  });
});

describe.each(kinds)('a visitor who resets: %s', (kind) => {
  test.each([true, false])('is noticed at once; his side had ended before: %s', async (hadEnded) => {
    const agent = taken();
    const { visit, seen, inFlight } = await stage(kind, agent);
    const visitor = visit(GET);
    const { response } = await agent.next();
    const left = closing(response);
    if (hadEnded) visitor.socket.end();
    await seen();
    // A socket of TLS has no reset of its own.
    if (kind === 'TLS') visitor.socket.destroy();
    else visitor.socket.resetAndDestroy();
    // Nor does one that is destroyed reset what it got: here something has to come for him.
    if (kind === 'TLS') response.write('too late');
    await left;
    await until(async () => (await inFlight()) === 0);
  });
});

describe.each(kinds)('an upload that is cut by the end of the visitor: %s', (kind) => {
  test.each([
    ['with a length', 'Content-Length: 100', 'abc'],
    ['in chunks', 'Transfer-Encoding: chunked', chunk('abc')],
  ])('%s is no whole request for the upstream', async (_name, framing, body) => {
    const agent = taken();
    const { visit, inFlight } = await stage(kind, agent);
    for (const responds of [false, true]) {
      const visitor = visit(`POST / HTTP/1.1\r\nHost: ${HOST}\r\n${framing}\r\n\r\n${body}`);
      const { request, response } = await agent.next();
      let whole = false;
      request.on('end', () => (whole = true));
      await once(request, 'data');
      if (responds) {
        response.write('early');
        await visitor.sees('early');
      }
      const cut = closing(request);
      visitor.socket.end();
      await cut;
      expect(whole).toBe(false);
      // An answer that had begun is cut so that it shows.
      expect(await visitor.closed).toBe(responds ? 'ECONNRESET' : 'in order');
    }
    await until(async () => (await inFlight()) === 0);
  });
});

describe.each(kinds)('an upgraded connection: %s', (kind) => {
  /** The agent's end of the next upgrade; it ends no side by itself. */
  function upgrades(): Pick<TestAgentOptions, 'prepare'> & { next(): Promise<Duplex> } {
    const came: Duplex[] = [];
    return {
      prepare: (server) =>
        server.on('upgrade', (_request, socket) => {
          socket.on('error', () => undefined);
          socket.write(SWITCH);
          came.push(socket);
        }),
      async next() {
        await until(() => came.length > 0);
        return came.shift() ?? expect.unreachable();
      },
    };
  }

  test('lets one side go on when the other has ended, and closes when both have', async () => {
    const agent = upgrades();
    const { visit, inFlight } = await stage(kind, agent);
    const visitor = visit(UPGRADE);
    const first = await agent.next();
    await visitor.sees('101');
    first.resume();
    const heard = once(first, 'end');
    visitor.socket.end('last words');
    await heard;
    first.end(MUCH);
    expect(await visitor.closed).toBe('in order');
    expect(visitor.body === MUCH).toBe(true);

    const other = visit(UPGRADE);
    const second = await agent.next();
    let text = '';
    second.on('data', (piece: Buffer) => (text += piece.toString()));
    await other.sees('101');
    second.end('bye');
    await until(() => other.ended);
    const over = once(second, 'end');
    other.socket.end(MUCH);
    await over;
    expect([other.body, text === MUCH]).toEqual(['bye', true]);
    expect(await other.closed).toBe('in order');
    await until(async () => (await inFlight()) === 0);
  });

  test('ends when only one side has ended and nothing comes any more', async () => {
    const agent = upgrades();
    const { visit, inFlight } = await stage(kind, agent, { halfClosedIdleMs: 300 });
    const visitor = visit(UPGRADE);
    const first = await agent.next();
    const cut = closing(first.resume());
    await visitor.sees('101');
    visitor.socket.end();
    await cut;
    expect(await visitor.closed).toBe('ECONNRESET');

    const other = visit(UPGRADE);
    const second = await agent.next();
    const gone = closing(second.resume());
    await other.sees('101');
    second.end('bye');
    await gone;
    await until(() => other.ended);
    expect(other.body).toBe('bye');
    await until(async () => (await inFlight()) === 0);
  });

  test('is not cut for the visitor by what happens to the other side after its end', async () => {
    const agent = upgrades();
    const { visit, inFlight } = await stage(kind, agent);
    const visitor = visit(UPGRADE);
    const socket = await agent.next();
    await visitor.sees('101');
    visitor.socket.pause();
    socket.end('x'.repeat(200_000));
    await once(socket, 'finish');
    socket.destroy();
    // An edge only knows that its broker has ended.
    await until(async () => (await inFlight()) === (kind === 'edge' ? 1 : 0));
    visitor.socket.resume();
    await until(() => visitor.ended);
    visitor.socket.end();
    expect(await visitor.closed).toBe('in order');
    expect(visitor.body.length).toBe(200_000);
    await until(async () => (await inFlight()) === 0);
  });

  test.skipIf(kind === 'TLS')('that the visitor resets is not taken for one whose half goes on', async () => {
    const agent = upgrades();
    const { visit, inFlight } = await stage(kind, agent);
    const visitor = visit(UPGRADE);
    const socket = await agent.next();
    const cut = closing(socket.resume());
    await visitor.sees('101');
    visitor.socket.resetAndDestroy();
    await cut;
    await until(async () => (await inFlight()) === 0);
  });
});
