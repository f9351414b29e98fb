import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer as createHttpServer, type ServerResponse } from 'node:http';
import { createServer as createTcpServer, type AddressInfo, type Socket } from 'node:net';
import { setImmediate } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import WebSocket, { WebSocketServer } from 'ws';
import type { MiddlewareConfig } from '../../shared/gateway/middleware.ts';
import { toDuplex } from '../../shared/yamux/to-duplex.ts';
import { plain, prefix, ref, route, sha256 } from './testing/config.ts';
import { closeServer, listen, readAll } from './testing/gateway-under-test.ts';
import { useGateway } from './testing/use-gateway.ts';
import { standsStill } from './testing/stands-still.ts';

const start = useGateway();

describe('bodies', () => {
  test('large bodies arrive unchanged both ways, with length and in chunks', async () => {
    const { visitor } = await start(plain(route('all', prefix('/'))), (request, response) => {
      void readAll(request).then((body) => {
        response.setHeader('X-Sha', sha256(body));
        if (request.url === '/length') response.setHeader('Content-Length', body.length);
        response.end(body);
      });
    });
    const body = randomBytes(3_000_000);
    const kept = visitor();
    for (const [target, chunked] of [
      ['/length', undefined],
      ['/chunked', 7001],
    ] as const) {
      const answer = await kept.ask(target, { method: 'POST', body, ...(chunked === undefined ? {} : { chunked }) });
      expect([answer.status, answer.header('x-sha'), sha256(answer.body)]).toEqual([200, sha256(body), sha256(body)]);
    }
  });

  test('a visitor that reads slowly slows the upstream, and gets everything', async () => {
    let sent = 0;
    const total = 40 * 1024 * 1024;
    const block = Buffer.alloc(64 * 1024, 7);
    const { visitor } = await start(plain(route('all', prefix('/'))), (_, response) => {
      const more = (): void => {
        while (sent < total) {
          sent += block.length;
          if (!response.write(block)) {
            response.once('drain', more);
            return;
          }
        }
        response.end();
      };
      more();
    });
    const kept = visitor();
    kept.hold();
    const answer = kept.ask('/');
    await standsStill(() => sent);
    expect(sent).toBeLessThan(total);
    kept.release();
    expect((await answer).body.length).toBe(total);
  });

  test('a body that comes in the smallest pieces before there is a server costs each of them once', async () => {
    const pieces = 60_000;
    const asked = Promise.withResolvers<ServerResponse>();
    const auth = createHttpServer((_, response) => asked.resolve(response));
    const address = await listen(auth);
    const guard: MiddlewareConfig = {
      kind: 'forward-auth',
      source: ref('Middleware', 'm'),
      address,
      trustForwardHeader: false,
      responseHeaders: [],
      requestHeaders: [],
      responseCookies: [],
      forwardBody: false,
      keepLocation: false,
      keepMethod: false,
    };
    const { visitor } = await start(plain(route('all', prefix('/'), { middlewares: [guard] })));
    const kept = visitor();
    const answer = kept.expect('POST');
    kept.stream.write(Buffer.from(`POST / HTTP/1.1\r\nHost: shop.preview.test\r\nContent-Length: ${pieces}\r\n\r\n`));
    const response = await asked.promise;
    for (let piece = 0; piece < pieces; piece++) {
      kept.stream.write(Buffer.from('x'));
      // What is written in one turn goes out as one piece.
      await setImmediate();
    }
    response.end();
    expect(String((await answer).json()['body']).length).toBe(pieces);
    await closeServer(auth);
  }, 15_000);

  test('interim answers without end slow the upstream too, when the visitor does not read', async () => {
    let sent = 0;
    const total = 64 * 1024 * 1024;
    const interim = Buffer.from(`HTTP/1.1 103 Early Hints\r\nLink: <${'x'.repeat(1000)}>\r\n\r\n`.repeat(64));
    const upstream = createTcpServer((socket) => {
      socket.on('error', () => {});
      const more = (): void => {
        while (sent < total) {
          sent += interim.length;
          if (!socket.write(interim)) {
            socket.once('drain', more);
            return;
          }
        }
        socket.end('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
      };
      socket.once('data', more);
    });
    await new Promise<void>((resolve) => upstream.listen(0, '127.0.0.1', resolve));
    const { visitor, apply } = await start(plain());
    const url = `http://127.0.0.1:${(upstream.address() as AddressInfo).port}`;
    apply(plain(route('all', prefix('/'))), { upstreams: new Map([['shop/web:80', url]]) });
    const kept = visitor();
    kept.hold();
    const answer = kept.ask('/');
    await standsStill(() => sent);
    expect(sent).toBeLessThan(total);
    kept.release();
    expect((await answer).body.toString()).toBe('ok');
    upstream.close();
  });

  test('events of a stream arrive one by one, before it ends', async () => {
    const go = Promise.withResolvers<void>();
    const { visitor } = await start(plain(route('all', prefix('/'))), (_, response) => {
      response.writeHead(200, { 'Content-Type': 'text/event-stream' });
      response.write('data: 1\n\n');
      void go.promise.then(() => response.end('data: 2\n\n'));
    });
    const seen: string[] = [];
    const answer = visitor().ask('/', {}, (bytes) => {
      seen.push(bytes.toString());
      go.resolve();
    });
    await go.promise;
    expect(seen).toEqual(['data: 1\n\n']);
    expect((await answer).body.toString()).toBe('data: 1\n\ndata: 2\n\n');
  });

  test('HEAD, 204, 100-continue and early answers keep the stream in step', async () => {
    const { visitor } = await start(plain(route('all', prefix('/'))), (request, response) => {
      if (request.url === '/204') response.writeHead(204).end();
      else if (request.url === '/early') response.writeHead(413, { Connection: 'close' }).end('too large');
      else if (request.url === '/hints') {
        response.writeEarlyHints({ link: '</a.css>; rel=preload' });
        response.end('hinted');
      } else void readAll(request).then((body) => response.end(`got ${body.length}`));
    });
    const kept = visitor();
    const head = await kept.ask('/x', { method: 'HEAD' });
    expect([head.status, head.body.length]).toEqual([200, 0]);
    expect((await kept.ask('/204')).status).toBe(204);
    const hints = await kept.ask('/hints');
    expect([hints.interim, hints.body.toString()]).toEqual([[103], 'hinted']);
    const expecting = await kept.ask('/e', { method: 'POST', headers: { Expect: '100-continue' }, body: 'abc' });
    expect([expecting.interim, expecting.body.toString()]).toEqual([[100], 'got 3']);
    const early = await kept.ask('/early', { method: 'POST', body: Buffer.alloc(2_000_000) });
    expect([early.status, early.body.toString()]).toEqual([413, 'too large']);
    expect((await kept.ask('/y', { method: 'POST', body: 'abcd' })).body.toString()).toBe('got 4');
  });

  test('requests that were sent ahead are answered in order', async () => {
    const { visitor } = await start(plain(route('all', prefix('/'))), (request, response) => response.end(request.url));
    const kept = visitor();
    const first = kept.expect('GET');
    const one = (path: string) => `GET ${path} HTTP/1.1\r\nHost: shop.preview.test\r\n\r\n`;
    kept.stream.write(Buffer.from(one('/1') + one('/2')));
    expect((await first).body.toString()).toBe('/1');
    expect((await kept.expect('GET')).body.toString()).toBe('/2');
  });
});

describe('upgrades', () => {
  test('bytes pass both ways after a 101, and the end of each direction', async () => {
    const { visitor, upstream } = await start(plain(route('all', prefix('/'))));
    const sockets: Socket[] = [];
    upstream.on('upgrade', (_, socket: Socket) => {
      sockets.push(socket);
      socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\nfirst');
      socket.on('data', (bytes) => socket.write(bytes));
      socket.on('end', () => socket.end('bye'));
    });
    const kept = visitor();
    const answer = await kept.ask('/', { headers: { Connection: 'Upgrade', Upgrade: 'echo' } });
    expect([answer.status, answer.header('upgrade'), answer.header('connection')]).toEqual([101, 'echo', 'Upgrade']);
    const seen: Buffer[] = [];
    const big = randomBytes(1_000_000);
    kept.takeOver((bytes) => seen.push(bytes));
    kept.stream.write(big);
    await expect.poll(() => Buffer.concat(seen).length).toBe(5 + big.length);
    kept.stream.end();
    expect(await kept.closed).toBeUndefined();
    const all = Buffer.concat(seen);
    expect(all.subarray(0, 5).toString() + all.subarray(-3).toString()).toBe('firstbye');
    expect(sha256(all.subarray(5, -3))).toBe(sha256(big));
  });

  test('what an upstream did not take is forgotten with the visitor, who had ended his side', async () => {
    const { visitor, upstream, session } = await start(plain(route('all', prefix('/'))));
    let accepted: Socket | undefined;
    upstream.on('upgrade', (_, socket: Socket) => {
      accepted = socket;
      socket.pause();
      socket.on('error', () => undefined);
      socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n');
    });
    const kept = visitor();
    await kept.ask('/', { headers: { Connection: 'Upgrade', Upgrade: 'echo' } });
    // More than the kernel takes for a reader that does not read.
    const piece = Buffer.alloc(64 * 1024);
    while (session.stats().bufferedBytes < 100_000) {
      kept.stream.write(piece);
      await session.ping();
    }
    expect(kept.stream.queuedBytes).toBe(0);
    kept.stream.end();
    // Behind the FIN.
    await session.ping();
    kept.stream.reset();
    await expect.poll(() => session.streams).toBe(0);
    accepted?.destroy();
    expect(session.stats().bufferedBytes).toBe(0);
  });

  test('a WebSocket client and server speak through it', async () => {
    const { open, upstream } = await start(plain(route('all', prefix('/'))));
    const server = new WebSocketServer({ server: upstream });
    server.on('connection', (socket) => socket.on('message', (data, binary) => socket.send(data, { binary })));
    const client = new WebSocket('ws://shop.preview.test/chat', {
      createConnection: () => toDuplex(open()) as unknown as Socket,
    });
    await once(client, 'open');
    const big = randomBytes(500_000);
    for (const sent of [Buffer.from('hello'), big]) {
      client.send(sent);
      const [got] = await once(client, 'message');
      expect(sha256(got as Buffer)).toBe(sha256(sent));
    }
    client.close(1000, 'done');
    const [code] = await once(client, 'close');
    expect(code).toBe(1000);
    server.close();
  });

  test('a refused upgrade is an ordinary answer and the stream goes on', async () => {
    const { visitor } = await start(plain(route('all', prefix('/'))));
    const kept = visitor();
    expect((await kept.ask('/', { headers: { Connection: 'Upgrade', Upgrade: 'echo' } })).status).toBe(200);
    expect((await kept.ask('/again')).status).toBe(200);
  });
});
