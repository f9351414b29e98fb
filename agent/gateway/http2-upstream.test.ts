import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type Http2Server, type ServerHttp2Session, type ServerHttp2Stream } from 'node:http2';
import type { IncomingHttpHeaders } from 'node:http2';
import { createServer as createHttp1Server } from 'node:http';
import { connect, createServer as createTcpServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import { plain, prefix, route, sha256 } from './testing/config.ts';
import { useGateway } from './testing/use-gateway.ts';
import { standsStill } from './testing/stands-still.ts';

const start = useGateway();
const servers: Http2Server[] = [];
const sessions: ServerHttp2Session[] = [];
const relays: Server[] = [];

afterEach(() => {
  for (const session of sessions.splice(0)) session.destroy();
  for (const server of [...servers.splice(0), ...relays.splice(0)]) server.close();
});

type OnStream = (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => void;

async function startHttp2(onStream: OnStream, settings = {}) {
  const server = createServer({ settings });
  servers.push(server);
  server.on('session', (session) => {
    sessions.push(session);
    session.on('error', () => {});
  });
  server.on('stream', (stream, headers) => {
    stream.on('error', () => {});
    onStream(stream, headers);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `h2c://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const under = await start(plain());
  under.apply(plain(route('all', prefix('/'))), { upstreams: new Map([['shop/web:80', url]]) });
  return under;
}

async function bodyOf(stream: ServerHttp2Stream): Promise<Buffer> {
  const parts: Buffer[] = [];
  for await (const part of stream) parts.push(part as Buffer);
  return Buffer.concat(parts);
}

describe('an HTTP/2 upstream in the clear', () => {
  test('gets method, path, host and fields, and its answer arrives with every cookie', async () => {
    let seen: IncomingHttpHeaders = {};
    const { ask } = await startHttp2((stream, headers) => {
      seen = headers;
      stream.respond({ ':status': 201, 'set-cookie': ['a=1', 'b=2'], 'content-length': 2 });
      stream.end('ok');
    });
    const answer = await ask('/a%2Fb?x=1', {
      headers: { Cookie: 'c=3', 'X-One': '1', Connection: 'X-Drop', 'X-Drop': '1' },
    });
    expect([answer.status, answer.body.toString()]).toEqual([201, 'ok']);
    expect(answer.head.headers.getAll('set-cookie')).toEqual(['a=1', 'b=2']);
    expect(seen).toMatchObject({
      ':method': 'GET',
      ':path': '/a%2Fb?x=1',
      ':authority': 'shop.preview.test',
      cookie: 'c=3',
      'x-one': '1',
    });
    expect(Object.keys(seen)).not.toContain('x-drop');
  });

  test('large bodies arrive unchanged both ways', async () => {
    const { visitor } = await startHttp2((stream) => {
      void bodyOf(stream).then((body) => {
        stream.respond({ ':status': 200, 'x-sha': sha256(body) });
        stream.end(body);
      });
    });
    const body = randomBytes(5_000_000);
    const kept = visitor();
    for (const chunked of [undefined, 7001]) {
      const answer = await kept.ask('/', { method: 'POST', body, ...(chunked === undefined ? {} : { chunked }) });
      expect([answer.status, answer.header('x-sha'), sha256(answer.body)]).toEqual([200, sha256(body), sha256(body)]);
    }
  });

  test('a visitor that reads slowly slows it', async () => {
    let sent = 0;
    const total = 40 * 1024 * 1024;
    const block = Buffer.alloc(64 * 1024, 7);
    const { visitor } = await startHttp2((stream) => {
      stream.respond({ ':status': 200 });
      const more = (): void => {
        while (sent < total) {
          sent += block.length;
          if (!stream.write(block)) {
            stream.once('drain', more);
            return;
          }
        }
        stream.end();
      };
      more();
    });
    const kept = visitor();
    kept.hold();
    const answer = kept.ask('/');
    await standsStill(() => sent);
    expect(sent).toBeLessThan(total / 2);
    kept.release();
    expect((await answer).body.length).toBe(total);
  });

  test('trailers pass both ways', async () => {
    let trailers: IncomingHttpHeaders | undefined;
    const { visitor } = await startHttp2((stream) => {
      stream.on('trailers', (fields) => (trailers = fields));
      void bodyOf(stream).then((body) => {
        stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
        stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0', 'x-bin': 'AA==' }));
        stream.end(body);
      });
    });
    const kept = visitor();
    const answer = kept.expect('POST');
    const raw: string[] = [];
    kept.stream.write(
      Buffer.from(
        'POST / HTTP/1.1\r\nHost: shop.preview.test\r\nTE: trailers\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\nX-Sum: 1\r\n\r\n',
      ),
    );
    const got = await answer;
    raw.push(got.body.toString(), String(got.trailers?.get('grpc-status')), String(got.trailers?.get('x-bin')));
    expect(raw).toEqual(['hi', '0', 'AA==']);
    expect(trailers).toMatchObject({ 'x-sum': '1' });
  });

  test('many requests share one connection, up to what the server allows', async () => {
    let most = 0;
    let open = 0;
    const { visitor } = await startHttp2(
      (stream) => {
        most = Math.max(most, ++open);
        stream.once('close', () => (open -= 1));
        stream.respond({ ':status': 200 });
        setImmediate(() => stream.end('ok'));
      },
      { maxConcurrentStreams: 5 },
    );
    expect((await visitor().ask('/')).status).toBe(200);
    const answers = await Promise.all(Array.from({ length: 40 }, () => visitor().ask('/')));
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
    expect(sessions.length).toBeLessThan(40);
    expect(sessions.length).toBeGreaterThanOrEqual(1);
    expect(most).toBeGreaterThan(1);
  });

  test('a stream that the server refused goes out again, with its body', async () => {
    let refused = 0;
    const bodies: string[] = [];
    const { ask } = await startHttp2((stream) => {
      if (refused < 2) {
        refused += 1;
        stream.close(7);
        return;
      }
      void bodyOf(stream).then((body) => {
        bodies.push(body.toString());
        stream.respond({ ':status': 200 });
        stream.end('ok');
      });
    });
    const answer = await ask('/', { method: 'POST', body: 'once' });
    expect([answer.status, refused, bodies]).toEqual([200, 2, ['once']]);
  });

  test('after a GOAWAY new requests take another connection, and those under way end on theirs', async () => {
    const slow = Promise.withResolvers<ServerHttp2Stream>();
    const { ask } = await startHttp2((stream, headers) => {
      if (headers[':path'] === '/slow') slow.resolve(stream);
      else {
        stream.respond({ ':status': 200 });
        stream.end('quick');
      }
    });
    const first = ask('/slow');
    const stream = await slow.promise;
    stream.session?.goaway(0);
    stream.session?.close();
    expect((await ask('/quick')).body.toString()).toBe('quick');
    expect(sessions.length).toBe(2);
    stream.respond({ ':status': 200 });
    stream.end('slow');
    expect((await first).body.toString()).toBe('slow');
  });

  describe('that ends its side of the connection alone', () => {
    /** `end`: the server's half of every connection so far, and nothing else of them. */
    async function startHalf(onStream: OnStream) {
      const server = createServer();
      servers.push(server);
      server.on('session', (session) => session.on('error', () => {}));
      server.on('stream', (stream, headers) => {
        stream.on('error', () => {});
        onStream(stream, headers);
      });
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      const halves: Socket[] = [];
      const relay = createTcpServer({ allowHalfOpen: true }, (near) => {
        const far = connect((server.address() as AddressInfo).port, '127.0.0.1');
        for (const socket of [near, far]) socket.on('error', () => {});
        near.pipe(far);
        far.pipe(near, { end: false });
        near.on('close', () => far.destroy());
        halves.push(near);
      });
      relays.push(relay);
      await new Promise<void>((resolve) => relay.listen(0, '127.0.0.1', resolve));
      const under = await start(plain());
      const url = `h2c://127.0.0.1:${(relay.address() as AddressInfo).port}`;
      under.apply(plain(route('all', prefix('/'))), { upstreams: new Map([['shop/web:80', url]]) });
      return { ...under, halves, end: () => halves.splice(0).forEach((half) => half.end()) };
    }

    test('fails what waits, cuts what runs, and gets no more requests', async () => {
      const began = Promise.withResolvers<void>();
      const { visitor, end } = await startHalf((stream, headers) => {
        if (headers[':path'] === '/wait') {
          began.resolve();
          return;
        }
        stream.respond({ ':status': 200 });
        if (headers[':path'] === '/run') stream.write('half');
        else stream.end('whole');
      });
      const running = visitor();
      const half = Promise.withResolvers<void>();
      const run = running.ask('/run', {}, () => half.resolve());
      run.catch(() => {});
      // A GET would be asked again on another connection, as this one has carried a stream before.
      const waits = visitor().ask('/wait', { method: 'POST', body: 'x' });
      await Promise.all([began.promise, half.promise]);
      end();
      expect((await waits).status).toBe(502);
      await expect(run).rejects.toThrow();
      expect((await visitor().ask('/next')).body.toString()).toBe('whole');
    });

    test.each(['whole', 'under way'])(
      'takes nothing away from what came whole before; the request: %s',
      async (kind) => {
        // More than the tunnel takes for a visitor who does not read, so that the rest waits in the stream of the upstream.
        const body = randomBytes(700_000);
        const sent = Promise.withResolvers<void>();
        const { visitor, end, halves } = await startHalf((stream) => {
          stream.respond({ ':status': 200 });
          stream.end(body);
          stream.once('finish', () => sent.resolve());
        });
        const slow = visitor();
        slow.hold();
        const answer = slow.expect('POST');
        const length = kind === 'whole' ? 3 : 4;
        slow.stream.write(
          Buffer.from(`POST / HTTP/1.1\r\nHost: shop.preview.test\r\nContent-Length: ${length}\r\n\r\nabc`),
        );
        await sent.promise;
        const [half] = halves;
        await expect.poll(() => (half?.bytesWritten ?? 0) > body.length && half?.writableLength === 0).toBe(true);
        end();
        // The end has been seen there: this takes another connection.
        await visitor().ask('/other');
        expect(halves.length).toBe(1);
        slow.release();
        expect((await answer).body.equals(body)).toBe(true);
      },
    );
  });

  test('a stream that ends without an answer is 500, within one a reset; a visitor that goes ends it with CANCEL', async () => {
    const cancelled = Promise.withResolvers<number>();
    const began = Promise.withResolvers<void>();
    const { ask, visitor, recorder } = await startHttp2((stream, headers) => {
      if (headers[':path'] === '/before') stream.close(2);
      else {
        stream.respond({ ':status': 200 });
        stream.write('half');
        if (headers[':path'] === '/within') setImmediate(() => stream.destroy(new Error('broken')));
        else began.resolve();
        if (headers[':path'] === '/left') stream.once('close', () => cancelled.resolve(stream.rstCode));
      }
    });
    const before = await ask('/before');
    expect([before.status, before.body.toString()]).toEqual([500, 'Internal Server Error']);
    expect(recorder.list().exchanges[0]).toMatchObject({ verdict: 'upstream-stream-reset' });
    await expect(ask('/within')).rejects.toThrow();
    const left = visitor();
    left.ask('/left').catch(() => {});
    await began.promise;
    left.stream.reset();
    expect(await cancelled.promise).toBe(8);
  });

  test('an HTTP/1.1 server in its place is 500, a closed port 502', async () => {
    const server = createHttp1Server((_, response) => response.end('no'));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const { apply, ask } = await start(plain());
    const places = { upstreams: new Map([['shop/web:80', `h2c://127.0.0.1:${port}`]]) };
    apply(plain(route('all', prefix('/'))), places);
    expect((await ask('/')).status).toBe(500);
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
    expect((await ask('/')).status).toBe(502);
  });
});
