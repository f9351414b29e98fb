import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { Agent, request } from 'node:http';
import type { IncomingMessage } from 'node:http';
import { connect } from 'node:net';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import type { Broker } from './index.ts';
import { TestAgent } from './testing/test-agent.ts';
import type { TestAgentOptions } from './testing/test-agent.ts';
import { startTunnelBroker, until } from './testing/test-broker.ts';
import { makeKeys } from './testing/test-keys.ts';
import type { TestKeys } from './testing/test-keys.ts';
import { ask, exchangeRaw } from './testing/visitor.ts';

const HOST = 'shop-x1.localhost';
let keys: TestKeys;
let broker: Broker;
let agents: TestAgent[] = [];

beforeAll(async () => {
  keys = await makeKeys();
});
afterAll(() => keys.remove());
beforeEach(async () => {
  broker = await startTunnelBroker(keys);
});
afterEach(async () => {
  await broker.close();
  agents = [];
});

async function dial(options: Partial<TestAgentOptions> = {}, to = broker): Promise<TestAgent> {
  const token = await keys.token(options.agent ?? 'agent-1', options.hosts ?? [HOST]);
  const agent = await TestAgent.dial(to.addresses.tunnelUrl ?? '', { token, hosts: [HOST], ...options });
  agents.push(agent);
  return agent;
}

const sha = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');

async function readAll(request: IncomingMessage): Promise<Buffer> {
  const pieces: Buffer[] = [];
  for await (const piece of request) pieces.push(piece as Buffer);
  return Buffer.concat(pieces);
}

describe('requests through the tunnel', () => {
  test('reach the agent with their path, and what the visitor says of itself is replaced', async () => {
    let seen: IncomingMessage | undefined;
    await dial({ onRequest: (request, response) => ((seen = request), response.end('hello')) });
    const answer = await ask(broker.addresses.public, `${HOST.toUpperCase()}.:8080`, {
      path: '/a/b?c=d',
      headers: {
        'x-forwarded-for': '6.6.6.6',
        'x-forwarded-host': 'evil',
        forwarded: 'for=6.6.6.6',
        'x-real-ip': '6.6.6.6',
        'x-adit-broker': 'evil',
        connection: 'keep-alive, x-secret',
        'x-secret': '1',
        'proxy-authorization': 'x',
        te: 'trailers',
        accept: 'a/b',
      },
    });
    expect(answer.status).toBe(200);
    expect(answer.body.toString()).toBe('hello');
    expect(seen?.url).toBe('/a/b?c=d');
    expect(seen?.headers).toMatchObject({
      host: `${HOST.toUpperCase()}.:8080`,
      accept: 'a/b',
      te: 'trailers',
      'x-forwarded-for': '127.0.0.1',
      'x-forwarded-proto': 'http',
      'x-forwarded-host': `${HOST.toUpperCase()}.:8080`,
      'x-forwarded-port': '8080',
    });
    for (const name of ['x-adit-broker', 'x-adit-attempt', 'forwarded', 'x-real-ip', 'x-secret', 'proxy-authorization'])
      expect(seen?.headers[name]).toBeUndefined();
  });

  test('keep the visitor connection and the stream', async () => {
    const agent = await dial();
    const http = new Agent({ keepAlive: true, maxSockets: 1 });
    for (let n = 0; n < 20; n += 1)
      expect((await ask(broker.addresses.public, HOST, { agent: http })).status).toBe(200);
    http.destroy();
    expect(agent.streams).toBe(1);
  });

  test('pipelined requests are answered in order', async () => {
    await dial({ onRequest: (request, response) => void setImmediate(() => response.end(request.url)) });
    const get = (path: string) => `GET ${path} HTTP/1.1\r\nHost: ${HOST}\r\n\r\n`;
    const text = await exchangeRaw(
      broker.addresses.public,
      get('/1') +
        get('/2') +
        `POST /3 HTTP/1.1\r\nHost: ${HOST}\r\nContent-Length: 3\r\n\r\nabc` +
        get('/4').replace('\r\n\r\n', '\r\nConnection: close\r\n\r\n'),
    );
    expect(text.match(/\r\n\r\n\/\d/g)).toEqual(['\r\n\r\n/1', '\r\n\r\n/2', '\r\n\r\n/3', '\r\n\r\n/4']);
  });

  test('20 MB up and down arrive whole, with a length and in chunks', async () => {
    await dial({
      onRequest: (request, response) => {
        void readAll(request).then((body) => {
          response.setHeader('x-sha', sha(body));
          if (request.url === '/length') response.setHeader('content-length', body.length);
          response.end(body);
        });
      },
    });
    const body = randomBytes(20 * 1024 * 1024);
    for (const [path, headers] of [
      ['/length', {}],
      ['/chunks', { 'transfer-encoding': 'chunked' }],
    ] as const) {
      const answer = await ask(broker.addresses.public, HOST, { method: 'POST', path, body, headers });
      expect(answer.headers['x-sha']).toBe(sha(body));
      expect(sha(answer.body)).toBe(sha(body));
    }
  });

  test('Expect: 100-continue is answered by the upstream', async () => {
    await dial({ onRequest: (request, response) => void readAll(request).then((body) => response.end(body)) });
    const [name, port] = broker.addresses.public.split(':');
    const asked = request({
      host: name,
      port,
      method: 'PUT',
      headers: { host: HOST, expect: '100-continue', 'content-length': 3 },
    });
    asked.flushHeaders();
    await once(asked, 'continue');
    asked.end('abc');
    const [response] = (await once(asked, 'response')) as [IncomingMessage];
    expect((await readAll(response)).toString()).toBe('abc');
  });

  test('an early answer to a large upload reaches the visitor', async () => {
    await dial({
      onRequest: (_request, response) => response.writeHead(413, { connection: 'close' }).end('too large'),
    });
    const [name, port] = broker.addresses.public.split(':');
    const asked = request({ host: name, port, method: 'POST', headers: { host: HOST, 'content-length': 50_000_000 } });
    asked.on('error', () => undefined);
    asked.write(Buffer.alloc(1_000_000));
    const [response] = (await once(asked, 'response')) as [IncomingMessage];
    expect(response.statusCode).toBe(413);
    expect((await readAll(response)).toString()).toBe('too large');
    asked.destroy();
  });

  test('server-sent events come one by one, and end at the agent when the visitor leaves', async () => {
    let push: (text: string) => void = () => undefined;
    let gone = false;
    await dial({
      onRequest: (_request, response) => {
        response.writeHead(200, { 'content-type': 'text/event-stream' });
        push = (text) => void response.write(text);
        response.on('close', () => (gone = true));
        push('data: 1\n\n');
      },
    });
    const [name, port] = broker.addresses.public.split(':');
    const asked = request({ host: name, port, headers: { host: HOST } }).end();
    const [response] = (await once(asked, 'response')) as [IncomingMessage];
    response.on('error', () => undefined);
    for (let n = 1; n <= 3; n += 1) {
      const [piece] = (await once(response, 'data')) as [Buffer];
      expect(piece.toString()).toBe(`data: ${n}\n\n`);
      push(`data: ${n + 1}\n\n`);
    }
    asked.destroy();
    await until(() => gone);
  });

  test('WebSockets pass both ways with large messages', async () => {
    await dial({
      prepare: (server) => {
        const echo = new WebSocketServer({ noServer: true });
        server.on('upgrade', (request, socket, head) =>
          echo.handleUpgrade(request, socket, head, (ws) =>
            ws.on('message', (data, binary) => ws.send(data, { binary })),
          ),
        );
      },
    });
    const ws = new WebSocket(`ws://${broker.addresses.public}/socket`, { headers: { host: HOST } });
    await once(ws, 'open');
    for (const size of [1, 1000, 3_000_000]) {
      const body = randomBytes(size);
      ws.send(body);
      const [data] = (await once(ws, 'message')) as [Buffer];
      expect(sha(data)).toBe(sha(body));
    }
    ws.close();
    await once(ws, 'close');
  });

  test('half-close is kept after an upgrade', async () => {
    await dial({
      prepare: (server) => {
        server.on('upgrade', (_request, socket) => {
          socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n');
          let text = '';
          socket.on('data', (piece: Buffer) => (text += piece.toString()));
          socket.on('end', () => socket.end(`got ${text}`));
        });
      },
    });
    const [name, port] = broker.addresses.public.split(':');
    const socket = connect({ host: name ?? '', port: Number(port), allowHalfOpen: true });
    let text = '';
    socket.on('data', (piece) => (text += piece.toString()));
    socket.write(`GET / HTTP/1.1\r\nHost: ${HOST}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\nearly`);
    await until(() => text.includes('\r\n\r\n'));
    socket.end(' late');
    await once(socket, 'end');
    expect(text.endsWith('\r\n\r\ngot early late')).toBe(true);
  });

  test('HTTP/1.0 visitors get no chunks', async () => {
    await dial({ onRequest: (_request, response) => (response.write('ab'), response.end('cd')) });
    const text = await exchangeRaw(broker.addresses.public, `GET / HTTP/1.0\r\nHost: ${HOST}\r\n\r\n`);
    expect(text).toMatch(/Connection: close\r\n\r\nabcd$/);
    expect(text.toLowerCase()).not.toContain('transfer-encoding');
  });

  test('a visitor that does not read stops the upstream, and memory stays bounded', async () => {
    let sent = 0;
    await dial({
      onRequest: (_request, response) => {
        const piece = Buffer.alloc(64 * 1024);
        const more = (): void => {
          while (sent < 400_000_000) {
            sent += piece.length;
            if (!response.write(piece)) {
              response.once('drain', more);
              return;
            }
          }
        };
        more();
      },
    });
    const [name, port] = broker.addresses.public.split(':');
    const socket = connect(Number(port), name);
    socket.pause();
    socket.write(`GET / HTTP/1.1\r\nHost: ${HOST}\r\n\r\n`);
    let before = -1;
    let same = 0;
    await until(() => {
      same = sent > 0 && sent === before ? same + 1 : 0;
      before = sent;
      return same > 40;
    }, 10_000);
    expect(sent).toBeLessThan(40_000_000);
    socket.destroy();
  });
});

describe('answers of the broker itself', () => {
  test('an unknown host is 404, as a problem document or as a page', async () => {
    const problem = await ask(broker.addresses.public, 'nobody.localhost');
    expect(problem.status).toBe(404);
    expect(problem.headers['content-type']).toBe('application/problem+json');
    expect(JSON.parse(problem.body.toString())).toMatchObject({ status: 404, code: 'broker.unknown-host' });
    const page = await ask(broker.addresses.public, 'nobody.localhost', { headers: { accept: 'text/html,*/*' } });
    expect(page.headers['content-type']).toContain('text/html');
    expect(page.body.toString()).toContain('No preview here');
  });

  test('a host whose agent left is 503 with Retry-After', async () => {
    const agent = await dial();
    agent.socket.terminate();
    await until(() => !broker.ready());
    const answer = await ask(broker.addresses.public, HOST);
    expect(answer.status).toBe(503);
    expect(answer.headers['retry-after']).toBe('2');
    expect(JSON.parse(answer.body.toString())).toMatchObject({ code: 'broker.no-tunnel' });
  });

  test('own answers keep the connection, also after a refused upgrade', async () => {
    const get = `GET / HTTP/1.1\r\nHost: nobody.localhost\r\n`;
    const text = await exchangeRaw(
      broker.addresses.public,
      `${get}Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n${get}\r\n${get}Connection: close\r\n\r\n`,
    );
    expect(text.match(/HTTP\/1\.1 404/g)).toHaveLength(3);
  });

  test.each([
    [
      'CL and TE',
      `POST / HTTP/1.1\r\nHost: ${HOST}\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
      400,
    ],
    ['two lengths', `POST / HTTP/1.1\r\nHost: ${HOST}\r\nContent-Length: 4\r\nContent-Length: 5\r\n\r\nabcd`, 400],
    ['an odd encoding', `POST / HTTP/1.1\r\nHost: ${HOST}\r\nTransfer-Encoding: chunked, identity\r\n\r\n`, 501],
    ['obs-fold', `GET / HTTP/1.1\r\nHost: ${HOST}\r\nA: b\r\n c\r\n\r\n`, 400],
    ['bare LF', `GET / HTTP/1.1\nHost: ${HOST}\n\n`, 400],
    ['space before colon', `GET / HTTP/1.1\r\nHost : ${HOST}\r\n\r\n`, 400],
    ['two hosts', `GET / HTTP/1.1\r\nHost: ${HOST}\r\nHost: other\r\n\r\n`, 400],
    ['a host with a path', `GET / HTTP/1.1\r\nHost: ${HOST}/x\r\n\r\n`, 400],
    ['a host with a user', `GET / HTTP/1.1\r\nHost: a@${HOST}\r\n\r\n`, 400],
    ['absolute form of another host', `GET http://other/ HTTP/1.1\r\nHost: ${HOST}\r\n\r\n`, 421],
    ['CONNECT', `CONNECT ${HOST}:80 HTTP/1.1\r\nHost: ${HOST}\r\n\r\n`, 405],
    ['HTTP/2 preface', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 400],
    ['a long target', `GET /${'a'.repeat(9000)} HTTP/1.1\r\nHost: ${HOST}\r\n\r\n`, 414],
    ['a large head', `GET / HTTP/1.1\r\nHost: ${HOST}\r\nA: ${'a'.repeat(40_000)}\r\n\r\n`, 431],
    ['a bad chunk', `POST / HTTP/1.1\r\nHost: ${HOST}\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n`, 400],
  ])('%s is refused, and the connection ends', async (_name, bytes, status) => {
    let requests = 0;
    await dial({
      onRequest: (request, response) =>
        void readAll(request)
          .then(() => ((requests += 1), response.end('reached')))
          .catch(() => undefined),
    });
    const text = await exchangeRaw(broker.addresses.public, `${bytes}GET /smuggled HTTP/1.1\r\nHost: ${HOST}\r\n\r\n`);
    expect(text.match(/HTTP\/1\.1 \d+/g)).toEqual([`HTTP/1.1 ${status}`]);
    expect(requests).toBe(0);
  });

  test.each([
    ['http://HOST/a?b', 'HOST'],
    ['https://HOST:443/a?b', 'HOST'],
    ['HTTPS://HOST/a?b', 'HOST:443'],
  ])('the absolute form of the same host is served in origin form: %s for %s', async (target, named) => {
    await dial({ onRequest: (request, response) => response.end(request.url) });
    const filled = `GET ${target} HTTP/1.1\r\nHost: ${named}\r\nConnection: close\r\n\r\n`.replaceAll('HOST', HOST);
    const text = await exchangeRaw(broker.addresses.public, filled);
    expect(text.endsWith('\r\n\r\n/a?b')).toBe(true);
  });

  test('a slow head is ended with 408', async () => {
    const other = await startTunnelBroker(keys, { limits: { headTimeoutMs: 200 } });
    const text = await exchangeRaw(other.addresses.public, 'GET / HTTP/1.1\r\nHost: a');
    expect(text).toContain('HTTP/1.1 408 ');
    await other.close();
  });

  test('an upstream without an answer is 504', async () => {
    const other = await startTunnelBroker(keys, { limits: { responseTimeoutMs: 200 } });
    await dial({ onRequest: () => undefined }, other);
    const answer = await ask(other.addresses.public, HOST);
    expect(answer.status).toBe(504);
    await other.close();
  });

  test('connections of one address are limited', async () => {
    const other = await startTunnelBroker(keys, { limits: { maxConnectionsPerAddress: 1 } });
    const [name, port] = other.addresses.public.split(':');
    const first = connect(Number(port), name);
    await once(first, 'connect');
    const refused = await exchangeRaw(other.addresses.public, `GET / HTTP/1.1\r\nHost: ${HOST}\r\n\r\n`);
    expect(refused).toMatch(/^HTTP\/1.1 429 [^]*\r\nRetry-After: 1\r\n[^]*broker.too-many-connections/);
    first.destroy();
    await other.close();
  });

  test.each([
    ['no HTTP', 'hello\r\n\r\n'],
    ['CL and TE', 'HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n'],
    ['an unasked upgrade', 'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n'],
  ])('%s from the agent is 502, and the stream is not used again', async (_name, bytes) => {
    const agent = await dial({
      onStream: (stream) =>
        stream.attach({
          onData: (data) => (stream.consumed(data.length), void stream.write(Buffer.from(bytes))),
          onEnd: () => undefined,
          onDrain: () => undefined,
          onClosed: () => undefined,
        }),
    });
    expect((await ask(broker.addresses.public, HOST)).status).toBe(502);
    expect((await ask(broker.addresses.public, HOST)).status).toBe(502);
    expect(agent.streams).toBe(2);
  });

  test('a response that breaks off resets the visitor', async () => {
    await dial({
      onRequest: (_request, response) => (
        response.writeHead(200, { 'content-length': 100 }),
        response.write('abc'),
        void setImmediate(() => response.destroy())
      ),
    });
    await expect(ask(broker.addresses.public, HOST)).rejects.toThrow(/ECONNRESET|aborted/);
  });

  test('metrics, health and readiness are served to peers only', async () => {
    const peer = broker.addresses.peer ?? '';
    expect((await ask(peer, 'any', { path: '/healthz' })).status).toBe(200);
    expect((await ask(peer, 'any', { path: '/readyz' })).status).toBe(503);
    await dial();
    expect((await ask(peer, 'any', { path: '/readyz' })).status).toBe(200);
    expect((await ask(broker.addresses.tunnel ?? '', 'any', { path: '/readyz' })).status).toBe(200);
    await ask(broker.addresses.public, HOST);
    const metrics = (await ask(peer, 'any', { path: '/metrics' })).body.toString();
    expect(metrics).toContain('adit_broker_sessions 1');
    expect(metrics).toContain('adit_broker_responses_total{class="2xx"} 1');
    expect((await ask(peer, 'any', { path: '/routes' })).status).toBe(403);
    for (const path of ['/metrics', '/routes'])
      expect((await ask(broker.addresses.public, 'nobody.localhost', { path })).status).toBe(404);
  });
});
