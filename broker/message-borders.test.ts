import { once } from 'node:events';
import type { ClientHttp2Session } from 'node:http2';
import { connect } from 'node:net';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { YamuxStream } from '../shared/yamux/types.ts';
import type { Broker, BrokerOptions } from './index.ts';
import { askHttp2, connectHttp2 } from './testing/http2-visitor.ts';
import { TestAgent } from './testing/test-agent.ts';
import type { TestAgentOptions } from './testing/test-agent.ts';
import { startEdge, startTunnelBroker, until } from './testing/test-broker.ts';
import { makeCertificates } from './testing/test-certificates.ts';
import type { TestCertificates } from './testing/test-certificates.ts';
import { makeKeys } from './testing/test-keys.ts';
import type { TestKeys } from './testing/test-keys.ts';
import { ask, exchangeRaw } from './testing/visitor.ts';

const HOST = 'shop.test';
let keys: TestKeys;
let certificates: TestCertificates;
let tls: BrokerOptions['public'];
const running: Broker[] = [];
const sessions: ClientHttp2Session[] = [];

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
  for (const session of sessions.splice(0)) session.destroy();
  await Promise.all(running.splice(0).map((broker) => broker.close()));
});

async function brokerWith(agent: Partial<TestAgentOptions>, changes: Partial<BrokerOptions> = {}): Promise<Broker> {
  const broker = await startTunnelBroker(keys, changes);
  running.push(broker);
  const token = await keys.token('agent-1', [HOST]);
  await TestAgent.dial(broker.addresses.tunnelUrl ?? '', { token, hosts: [HOST], ...agent });
  return broker;
}

async function edgeOf(broker: Broker, changes: Partial<BrokerOptions> = {}): Promise<Broker> {
  const edge = await startEdge([broker.addresses.peer ?? ''], changes);
  running.push(edge);
  await until(() => edge.ready());
  return edge;
}

async function visit(to: Broker): Promise<ClientHttp2Session> {
  const session = await connectHttp2(to.addresses.public, HOST, certificates.ca);
  session.on('error', () => undefined);
  sessions.push(session);
  return session;
}

describe('what a WebSocket over HTTP/2 sends before it is accepted', () => {
  const smuggled = `GET /smuggled HTTP/1.1\r\nHost: ${HOST}\r\nX-Forwarded-For: 10.0.0.1\r\n\r\n`;

  async function smuggle(to: Broker, bytes: string): Promise<number> {
    const session = await visit(to);
    const stream = session.request({ ':method': 'CONNECT', ':protocol': 'websocket', ':path': '/socket' });
    stream.on('error', () => undefined);
    stream.write(bytes);
    const [headers] = (await once(stream, 'response')) as [Record<string, unknown>];
    // Whole answers read what is left of a stream before the next request of the test.
    stream.resume();
    await once(stream, 'end');
    return Number(headers[':status']);
  }

  test.each(['broker', 'edge'])('is no request of its own when the upstream refuses it: %s', async (kind) => {
    const seen: string[] = [];
    const broker = await brokerWith(
      {
        onRequest: (request, response) => {
          seen.push(request.url ?? '');
          response.writeHead(request.url === '/socket' ? 403 : 200).end('answer');
        },
        // As a gateway does that keeps the connection after a refused upgrade, and reads on.
        prepare: (server) => {
          server.on('upgrade', (request, socket, head) => {
            seen.push(request.url ?? '');
            socket.write('HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno');
            let text = head.toString('latin1');
            socket.on('data', (piece: Buffer) => {
              text += piece.toString('latin1');
              for (const line of text.match(/^[A-Z]+ \S+ HTTP\/1\.1\r\n/gm) ?? []) seen.push(line);
              if (text.endsWith('\r\n\r\n')) socket.write('HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nanswer');
              text = '';
            });
          });
        },
      },
      kind === 'broker' ? { public: tls } : {},
    );
    const to = kind === 'broker' ? broker : await edgeOf(broker, { public: tls });
    expect(await smuggle(to, smuggled)).toBe(403);
    expect(await smuggle(to, 'POST /swallows HTTP/1.1\r\nX-Rest: ')).toBe(403);
    const next = await askHttp2(await visit(to), { ':path': '/next' });
    expect([next.status, next.body.toString()]).toEqual([200, 'answer']);
    expect(seen.map((what) => what.replace(/^GET (\S+) .*\r\n$/, '$1'))).toEqual(['/socket', '/socket', '/next']);
  });
});

test.each(['broker', 'edge'])(
  'what a server says at once after it has switched protocols arrives: %s',
  async (kind) => {
    const broker = await brokerWith({
      prepare: (server) =>
        server.on('upgrade', (_request, socket) =>
          socket.write(
            'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\nfirst words',
          ),
        ),
    });
    const to = kind === 'broker' ? broker : await edgeOf(broker);
    const text = await exchangeRaw(
      to.addresses.public,
      `GET / HTTP/1.1\r\nHost: ${HOST}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n`,
      (all) => all.includes('words'),
    );
    expect(text).toMatch(/^HTTP\/1\.1 101 [^]*\r\n\r\nfirst words$/);
  },
);

test('what follows an answer on its stream never becomes the answer of another request', async () => {
  const streams: YamuxStream[] = [];
  const broker = await brokerWith({
    onStream: (stream) => {
      streams.push(stream);
      const answer = (text: string): Buffer =>
        Buffer.from(`HTTP/1.1 200 OK\r\nContent-Length: ${text.length}\r\n\r\n${text}`);
      stream.attach({
        onData: (bytes) => {
          stream.consumed(bytes.length);
          const own = answer(`stream ${streams.indexOf(stream) + 1}`);
          stream.write(streams.length === 1 ? Buffer.concat([own, answer('SURPLUS')]) : own);
        },
        onEnd: () => stream.end(),
        onDrain: () => undefined,
        onClosed: () => undefined,
      });
    },
  });
  const request = `GET / HTTP/1.1\r\nHost: ${HOST}\r\n\r\n`;
  // The second request waits already when the first answer comes.
  const text = await exchangeRaw(broker.addresses.public, request + request, (all) => all.includes('stream 2'));
  expect(text).not.toContain('SURPLUS');
  expect(text).toContain('stream 1');
});

test.each(['broker', 'edge'])(
  'a stream whose chunks were taken off for a visitor of HTTP/1.0 carries no other answer: %s',
  async (kind) => {
    const broker = await brokerWith({ onRequest: (_request, response) => (response.write('ab'), response.end('cd')) });
    const to = kind === 'broker' ? broker : await edgeOf(broker);
    const get = (version: string): string => `GET / HTTP/${version}\r\nHost: ${HOST}\r\nConnection: close\r\n\r\n`;
    for (const [version, body] of [
      ['1.0', 'abcd'],
      ['1.1', '2\r\nab\r\n2\r\ncd\r\n0\r\n\r\n'],
      ['1.0', 'abcd'],
      ['1.1', '2\r\nab\r\n2\r\ncd\r\n0\r\n\r\n'],
    ] as const) {
      const text = await exchangeRaw(to.addresses.public, get(version));
      expect(text.slice(text.indexOf('\r\n\r\n') + 4)).toBe(body);
    }
  },
);

test('answers that nobody reads are not made without end', async () => {
  const broker = await brokerWith({});
  const [host, port] = broker.addresses.public.split(':');
  const socket = connect(Number(port), host);
  socket.on('error', () => undefined);
  await once(socket, 'connect');
  socket.pause();
  // More than the kernel takes in, in both directions.
  const request = `GET / HTTP/1.1\r\nHost: nobody.test\r\nAccept: text/html\r\nX-Long: ${'x'.repeat(300)}\r\n\r\n`;
  for (let count = 0; count < 80; count++) socket.write(request.repeat(1_000));
  const answered = async (): Promise<number> => {
    const metrics = (await ask(broker.addresses.peer ?? '', 'any', { path: '/metrics' })).body.toString();
    const lines = metrics.match(/^adit_broker_own_answers_total\{.*\} \d+$/gm) ?? [];
    return lines.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' '))), 0);
  };
  let made = 0;
  await until(async () => {
    const before = made;
    made = await answered();
    return made > 0 && made === before;
  });
  expect(made).toBeLessThan(40_000);
  expect(socket.writableLength).toBeGreaterThan(0);
  socket.resume();
  await until(async () => (await answered()) > made + 1_000);
  socket.destroy();
}, 60_000);

test('a visitor may send his next request byte by byte while he waits, and nobody suffers', async () => {
  let answer: (() => void) | undefined;
  const broker = await brokerWith({
    onRequest: (request, response) => {
      if (request.url === '/slow') answer = () => response.end('slow');
      else response.end('quick');
    },
  });
  const [host, port] = broker.addresses.public.split(':');
  const visitor = connect({ host: host ?? '', port: Number(port), noDelay: true });
  await once(visitor, 'connect');
  let text = '';
  visitor.on('data', (bytes: Buffer) => (text += bytes.toString()));
  visitor.write(`GET /slow HTTP/1.1\r\nHost: ${HOST}\r\n\r\n`);
  await until(() => answer !== undefined);
  for (const byte of `GET /next HTTP/1.1\r\nHost: ${HOST}\r\nX-Long: ${'x'.repeat(8_000)}\r\n\r\n`) {
    visitor.write(byte);
    // Each is a read of its own.
    await nextTurn();
  }
  answer?.();
  await until(() => text.includes('quick'));
  expect(text).toContain('slow');
  expect((await ask(broker.addresses.public, HOST)).status).toBe(200);
  visitor.destroy();
});

describe('fields that only brokers set', () => {
  test('are refused behind a body as well', async () => {
    const broker = await brokerWith({});
    const answer = await exchangeRaw(
      broker.addresses.public,
      `POST / HTTP/1.1\r\nHost: ${HOST}\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX-Forwarded-For: 10.0.0.1\r\n\r\n`,
      (text) => text.includes('\r\n\r\n'),
    );
    expect(answer).toMatch(/^HTTP\/1\.1 400 /);
  });

  test('are dropped with underscores too, which CGI and WSGI cannot tell from ours', async () => {
    const broker = await brokerWith({
      onRequest: (request, response) => response.end(JSON.stringify(request.rawHeaders)),
    });
    const answer = await ask(broker.addresses.public, HOST, {
      headers: { X_Forwarded_For: '10.0.0.1', 'x-adit_request-id': 'mine', X_Other: 'kept' },
    });
    const raw = answer.body.toString();
    expect(raw).not.toMatch(/X_Forwarded|x-adit_|10\.0\.0\.1/);
    expect(raw).toContain('X_Other');
  });
});

test('a request with as many fields as a visitor may send passes every hop', async () => {
  const broker = await brokerWith({
    onRequest: (request, response) => response.end(String(Object.keys(request.headers).length)),
  });
  const edge = await edgeOf(broker);
  const headers = Object.fromEntries(Array.from({ length: 124 }, (_, index) => [`x-field-${index}`, 'v']));
  const answer = await ask(edge.addresses.public, HOST, { headers });
  expect(answer.status).toBe(200);
  expect(Number(answer.body.toString())).toBeGreaterThan(124);
});

test('a POST that the agent certainly never accepted goes to another broker of the edge', async () => {
  const full = await brokerWith({ onStream: (stream) => stream.reset() }, { id: 'b1' });
  const other = await startTunnelBroker(keys, { id: 'b2' });
  running.push(other);
  const token = await keys.token('agent-1', [HOST]);
  await TestAgent.dial(other.addresses.tunnelUrl ?? '', {
    token,
    hosts: [HOST],
    onRequest: (request, response) => request.resume().on('end', () => response.end('other')),
  });
  const edge = await startEdge([full.addresses.peer ?? '', other.addresses.peer ?? '']);
  running.push(edge);
  await until(async () => {
    const metrics = (await ask(edge.addresses.peer ?? '', 'any', { path: '/metrics' })).body.toString();
    return /^adit_broker_peers 2$/m.test(metrics);
  });
  for (let count = 0; count < 20; count++) {
    const answer = await ask(edge.addresses.public, HOST, { method: 'POST', body: 'once' });
    expect([answer.status, answer.body.toString()]).toEqual([200, 'other']);
  }
});
