import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import type { ClientHttp2Session } from 'node:http2';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { WebSocketServer } from 'ws';
import type { Broker } from './index.ts';
import { answerOf, askHttp2, connectHttp2 } from './testing/http2-visitor.ts';
import { END_HEADERS, END_STREAM, FRAME, headerBlock, RawHttp2 } from './testing/raw-http2.ts';
import { TestAgent } from './testing/test-agent.ts';
import type { TestAgentOptions } from './testing/test-agent.ts';
import { startTunnelBroker, until } from './testing/test-broker.ts';
import { makeCertificates } from './testing/test-certificates.ts';
import type { TestCertificates } from './testing/test-certificates.ts';
import { makeKeys } from './testing/test-keys.ts';
import type { TestKeys } from './testing/test-keys.ts';

const HOST = 'shop.test';
let keys: TestKeys;
let certificates: TestCertificates;
let files: { cert: string; key: string };
let broker: Broker;
let sessions: ClientHttp2Session[] = [];

beforeAll(async () => {
  keys = await makeKeys();
  certificates = await makeCertificates();
  files = await certificates.write('all', [HOST, 'other.test', 'nobody.test']);
});
afterAll(async () => {
  await keys.remove();
  await certificates.remove();
});
beforeEach(async () => {
  broker = await startTunnelBroker(keys, { public: { host: '127.0.0.1', port: 0, tls: [files] } });
});
afterEach(async () => {
  for (const session of sessions) session.destroy();
  sessions = [];
  await broker.close();
});

async function visit(host = HOST, to = broker): Promise<ClientHttp2Session> {
  const session = await connectHttp2(to.addresses.public, host, certificates.ca);
  session.on('error', () => undefined);
  sessions.push(session);
  return session;
}

async function dial(options: Partial<TestAgentOptions> = {}, to = broker): Promise<TestAgent> {
  const token = await keys.token('agent-1', [HOST]);
  return TestAgent.dial(to.addresses.tunnelUrl ?? '', { token, hosts: [HOST], ...options });
}

const sha = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');

async function readAll(request: IncomingMessage): Promise<Buffer> {
  const pieces: Buffer[] = [];
  for await (const piece of request) pieces.push(piece as Buffer);
  return Buffer.concat(pieces);
}

describe('HTTP/2 visitors', () => {
  test('reach the agent with method, path, cookies in one line, and forwarded facts of ours', async () => {
    let seen: IncomingMessage | undefined;
    await dial({
      onRequest: (request, response) => {
        seen = request;
        response.setHeader('set-cookie', ['a=1', 'b=2']);
        response.setHeader('keep-alive', 'timeout=5');
        response.end('hello');
      },
    });
    const session = await visit();
    const answer = await askHttp2(session, {
      ':path': '/a?b=c',
      cookie: ['x=1', 'y=2'],
      'x-forwarded-for': '6.6.6.6',
      'x-adit-broker': 'evil',
      te: 'trailers',
    });
    expect(answer.status).toBe(200);
    expect(answer.body.toString()).toBe('hello');
    expect(answer.headers['set-cookie']).toEqual(['a=1', 'b=2']);
    expect(answer.headers['keep-alive']).toBeUndefined();
    const port = broker.addresses.public.split(':')[1];
    expect(seen?.url).toBe('/a?b=c');
    expect(seen?.headers).toMatchObject({
      host: `${HOST}:${port}`,
      cookie: 'x=1; y=2',
      te: 'trailers',
      'x-forwarded-for': '127.0.0.1',
      'x-forwarded-proto': 'https',
      'x-forwarded-host': `${HOST}:${port}`,
      'x-forwarded-port': port,
    });
    expect(seen?.headers['x-adit-broker']).toBeUndefined();
  });

  test('many streams of one connection run at once, and their bodies stay apart', async () => {
    await dial({ onRequest: (request, response) => void readAll(request).then((body) => response.end(body)) });
    const session = await visit();
    const bodies = Array.from({ length: 60 }, (_none, n) => randomBytes(1 + n * 3_000));
    const answers = await Promise.all(bodies.map((body) => askHttp2(session, { ':method': 'POST' }, body)));
    expect(answers.map((answer) => sha(answer.body))).toEqual(bodies.map(sha));
  });

  test('20 MB up and down arrive whole, with a length and without', async () => {
    await dial({ onRequest: (request, response) => void readAll(request).then((body) => response.end(body)) });
    const session = await visit();
    const body = randomBytes(20 * 1024 * 1024);
    for (const length of [{}, { 'content-length': body.length }]) {
      const answer = await askHttp2(session, { ':method': 'PUT', ...length }, body);
      expect(sha(answer.body)).toBe(sha(body));
    }
  });

  test('trailers pass both ways', async () => {
    let trailers: NodeJS.Dict<string> = {};
    await dial({
      onRequest: (request, response) =>
        void readAll(request).then((body) => {
          trailers = request.trailers;
          response.writeHead(200, { trailer: 'grpc-status' });
          response.write(body);
          response.addTrailers({ 'grpc-status': '0' });
          response.end();
        }),
    });
    const session = await visit();
    const stream = session.request({ ':method': 'POST', te: 'trailers' }, { waitForTrailers: true });
    stream.on('wantTrailers', () => stream.sendTrailers({ 'x-checksum': 'abc' }));
    stream.end('body');
    const answer = await answerOf(stream);
    expect(trailers).toEqual({ 'x-checksum': 'abc' });
    expect(answer.body.toString()).toBe('body');
    expect(answer.trailers['grpc-status']).toBe('0');
  });

  test('a request and its response stream at the same time', async () => {
    await dial({ onRequest: (request, response) => void request.pipe(response) });
    const session = await visit();
    const stream = session.request({ ':method': 'POST' });
    stream.write('one');
    for (const next of ['two', 'three', undefined]) {
      const [piece] = (await once(stream, 'data')) as [Buffer];
      expect(piece.toString()).toBe(next === 'two' ? 'one' : next === 'three' ? 'two' : 'three');
      if (next === undefined) stream.end();
      else stream.write(next);
    }
    await once(stream, 'close');
    expect(stream.rstCode).toBe(0);
  });

  test('Expect, HEAD, 204 and early hints keep their meaning', async () => {
    await dial({
      onRequest: (request, response) => {
        if (request.url === '/empty') response.writeHead(204).end();
        else if (request.url === '/hints') {
          response.writeEarlyHints({ link: '</a.css>; rel=preload' });
          response.end('x');
        } else response.end('body');
      },
    });
    const session = await visit();
    expect((await askHttp2(session, { ':path': '/empty' })).status).toBe(204);
    const head = await askHttp2(session, { ':method': 'HEAD' });
    expect([head.status, head.body.length]).toEqual([200, 0]);
    const stream = session.request({ ':path': '/hints' });
    let hints = 0;
    stream.on('headers', (given) => (hints = Number(given[':status'])));
    expect((await answerOf(stream)).status).toBe(200);
    expect(hints).toBe(103);
    const asked = session.request({ ':method': 'PUT', expect: '100-continue' });
    await once(asked, 'continue');
    asked.end('abc');
    expect((await answerOf(asked)).status).toBe(200);
  });

  test('a WebSocket runs in a stream (RFC 8441), and both ends can end it', async () => {
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
    const session = await visit();
    expect(session.remoteSettings.enableConnectProtocol).toBe(true);
    const stream = session.request({
      ':method': 'CONNECT',
      ':protocol': 'websocket',
      ':path': '/socket',
      'sec-websocket-version': '13',
    });
    const [headers] = (await once(stream, 'response')) as [Record<string, unknown>];
    expect(headers[':status']).toBe(200);
    expect(headers['sec-websocket-accept']).toBeUndefined();
    // A text frame "hi" with a mask of zeros.
    stream.write(Buffer.from([0x81, 0x82, 0, 0, 0, 0, 0x68, 0x69]));
    const [echoed] = (await once(stream, 'data')) as [Buffer];
    expect([...echoed]).toEqual([0x81, 0x02, 0x68, 0x69]);
    stream.write(Buffer.from([0x88, 0x82, 0, 0, 0, 0, 0x03, 0xe8]));
    const [closing] = (await once(stream, 'data')) as [Buffer];
    expect(closing[0]).toBe(0x88);
    stream.end();
    await once(stream, 'close');
  });

  test('a WebSocket that the upstream refuses is an ordinary answer', async () => {
    await dial({ onRequest: (_request, response) => response.writeHead(403).end('no') });
    const session = await visit();
    const stream = session.request({ ':method': 'CONNECT', ':protocol': 'websocket', ':path': '/' });
    const [headers] = (await once(stream, 'response')) as [Record<string, unknown>];
    expect(headers[':status']).toBe(403);
    stream.destroy();
  });

  test('a visitor that does not read stops the upstream, and other streams go on', async () => {
    let sent = 0;
    await dial({
      onRequest: (request, response) => {
        if (request.url === '/small') {
          response.end('small');
          return;
        }
        const piece = Buffer.alloc(64 * 1024);
        const more = (): void => {
          while (sent < 400_000_000 && !response.destroyed) {
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
    const session = await visit();
    const stream = session.request({ ':path': '/large' });
    await once(stream, 'response');
    stream.pause();
    let before = -1;
    let same = 0;
    await until(() => {
      same = sent === before ? same + 1 : 0;
      before = sent;
      return same > 40;
    }, 10_000);
    expect(sent).toBeLessThan(40_000_000);
    expect((await askHttp2(session, { ':path': '/small' })).body.toString()).toBe('small');
  });

  test('an upload stops while the upstream does not read', async () => {
    let upstream: IncomingMessage | undefined;
    await dial({ onRequest: (request) => void (upstream = request.pause()) });
    const session = await visit();
    const stream = session.request({ ':method': 'POST' });
    stream.on('error', () => undefined);
    let taken = 0;
    const piece = Buffer.alloc(64 * 1024);
    const more = (): void => {
      while (taken < 200_000_000) {
        taken += piece.length;
        if (!stream.write(piece)) {
          stream.once('drain', more);
          return;
        }
      }
    };
    more();
    let before = -1;
    let same = 0;
    await until(() => {
      same = upstream !== undefined && taken === before ? same + 1 : 0;
      before = taken;
      return same > 40;
    }, 10_000);
    expect(taken).toBeLessThan(20_000_000);
  });

  test('a visitor that resets its stream ends the request at the agent', async () => {
    let gone = false;
    let came = false;
    await dial({
      onRequest: (_request, response) => {
        came = true;
        response.on('close', () => (gone = true));
      },
    });
    const session = await visit();
    const stream = session.request({});
    stream.on('error', () => undefined);
    await until(() => came);
    stream.close(8);
    await until(() => gone);
  });

  test('a visitor whose connection ends without a word ends its requests at the agent', async () => {
    let left = 0;
    await dial({
      onRequest: (request, response) => {
        response.on('close', () => (left += 1));
        if (request.url === '/events') response.write('data: 1\n\n');
      },
    });
    const visitor = await RawHttp2.open(broker.addresses.public, HOST, certificates.ca);
    const asked = (path: string): Buffer =>
      headerBlock([
        [':method', 'GET'],
        [':scheme', 'https'],
        [':path', path],
        [':authority', HOST],
      ]);
    visitor.send(FRAME.headers, END_HEADERS | END_STREAM, 1, asked('/slow'));
    visitor.send(FRAME.headers, END_HEADERS | END_STREAM, 3, asked('/events'));
    await visitor.frame(({ type, stream }) => type === FRAME.data && stream === 3);
    visitor.socket.end();
    await until(() => left === 2);
  });

  test('a response that breaks off resets its stream only', async () => {
    await dial({
      onRequest: (request, response) => {
        if (request.url === '/good') {
          response.end('good');
          return;
        }
        response.writeHead(200, { 'content-length': 100 });
        response.write('abc');
        setImmediate(() => response.destroy());
      },
    });
    const session = await visit();
    await expect(askHttp2(session, { ':path': '/bad' })).rejects.toThrow(/NGHTTP2_INTERNAL_ERROR/);
    expect((await askHttp2(session, { ':path': '/good' })).body.toString()).toBe('good');
  });

  test('answers of our own are problem documents or pages', async () => {
    const session = await visit('nobody.test');
    const problem = await askHttp2(session, {});
    expect(problem.status).toBe(404);
    expect(JSON.parse(problem.body.toString())).toMatchObject({ code: 'broker.unknown-host' });
    const page = await askHttp2(session, { accept: 'text/html' });
    expect(page.headers['content-type']).toContain('text/html');
    const agent = await dial();
    agent.socket.terminate();
    await until(() => !broker.ready());
    const gone = await askHttp2(await visit(), {});
    expect([gone.status, gone.headers['retry-after']]).toEqual([503, '2']);
  });

  test('drain says GOAWAY, and what runs is finished', async () => {
    let finish: (() => void) | undefined;
    await dial({ onRequest: (_request, response) => void (finish = () => response.end('done')) });
    const session = await visit();
    const running = askHttp2(session, {});
    await until(() => finish !== undefined);
    const away = once(session, 'goaway');
    const drained = broker.drain({ graceMs: 5_000 });
    await away;
    finish?.();
    expect((await running).body.toString()).toBe('done');
    await drained;
    await until(() => session.destroyed);
  });
});
