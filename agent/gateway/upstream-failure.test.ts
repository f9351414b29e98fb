import { createServer as createTcpServer, type AddressInfo } from 'node:net';
import { describe, expect, test } from 'vitest';
import { plain, prefix, route } from './testing/config.ts';
import { closeServer } from './testing/gateway-under-test.ts';
import { useGateway } from './testing/use-gateway.ts';

const start = useGateway();

describe('failure', () => {
  test('an upstream that does not listen is 502, and the recorder knows why', async () => {
    const { apply, ask, url, upstream, recorder } = await start(plain());
    await closeServer(upstream);
    apply(plain(route('all', prefix('/'))), { upstreams: new Map([['shop/web:80', url]]) });
    const answer = await ask('/');
    expect([answer.status, answer.body.toString(), answer.header('content-type')]).toEqual([
      502,
      'Bad Gateway',
      undefined,
    ]);
    const [record] = recorder.list().exchanges;
    expect(record).toMatchObject({ verdict: 'upstream-unreachable' });
  });

  test('an upstream that dies is 502 before its answer and a reset within it', async () => {
    const { visitor, recorder } = await start(plain(route('all', prefix('/'))), (request, response) => {
      if (request.url === '/before') request.socket.destroy();
      else {
        response.writeHead(200, { 'Content-Length': '10' });
        response.write('half', () => request.socket.destroy());
      }
    });
    const kept = visitor();
    const before = await kept.ask('/before');
    expect([before.status, before.body.toString()]).toEqual([502, 'Bad Gateway']);
    await expect(kept.ask('/within')).rejects.toThrow();
    expect(recorder.list().exchanges.map(({ status }) => status)).toEqual([502, 200]);
  });

  test('a kept connection that had gone stale is replaced without the visitor noticing', async () => {
    let served = 0;
    const server = createTcpServer((socket) => {
      socket.on('error', () => {});
      socket.once('data', () => {
        served += 1;
        socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
        // The second request on a connection finds it closed, without an answer.
        socket.once('data', () => socket.destroy());
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const { apply, visitor } = await start(plain());
    apply(plain(route('all', prefix('/'))), { upstreams: new Map([['shop/web:80', url]]) });
    const kept = visitor();
    for (let call = 0; call < 4; call++) expect((await kept.ask('/')).body.toString()).toBe('ok');
    expect(served).toBe(4);
    expect((await kept.ask('/', { method: 'POST', body: 'x' })).status).toBe(502);
    server.close();
  });

  test('bytes after a response never become the answer of the next request', async () => {
    const server = createTcpServer((socket) => {
      socket.on('error', () => {});
      socket.on('data', () =>
        socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil'),
      );
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const { apply, visitor } = await start(plain());
    apply(plain(route('all', prefix('/'))), { upstreams: new Map([['shop/web:80', url]]) });
    const kept = visitor();
    for (let call = 0; call < 3; call++) expect((await kept.ask('/')).body.toString()).toBe('ok');
    server.close();
  });

  test('a visitor that goes away ends the work of the upstream', async () => {
    const gone = Promise.withResolvers<void>();
    const began = Promise.withResolvers<void>();
    const { visitor, recorder } = await start(plain(route('all', prefix('/'))), (_, response) => {
      began.resolve();
      response.on('close', () => gone.resolve());
    });
    const kept = visitor();
    const answer = kept.ask('/');
    answer.catch(() => {});
    await began.promise;
    kept.stream.reset();
    await gone.promise;
    expect(recorder.list().exchanges[0]).toMatchObject({ seq: 1, tookMs: expect.any(Number) });
  });

  test('an upstream that does not answer in time is 504', async () => {
    const { ask } = await start(plain(route('all', prefix('/'))), () => {}, { responseTimeoutMs: 30 });
    const answer = await ask('/');
    expect([answer.status, answer.body.toString()]).toEqual([504, 'Gateway Timeout']);
  });

  test('a malformed answer is 500 as Traefik has it, a body until the end of the connection arrives whole', async () => {
    let reply = 'SMTP ready\r\n\r\n';
    const server = createTcpServer((socket) => {
      socket.on('error', () => {});
      socket.once('data', () => socket.end(reply));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const { apply, visitor } = await start(plain());
    apply(plain(route('all', prefix('/'))), { upstreams: new Map([['shop/web:80', url]]) });
    const kept = visitor();
    const malformed = await kept.ask('/');
    expect([malformed.status, malformed.body.toString()]).toEqual([500, 'Internal Server Error']);
    reply = `HTTP/1.0 200 OK\r\n\r\n${'x'.repeat(100_000)}`;
    expect((await kept.ask('/')).body.length).toBe(100_000);
    server.close();
  });

  test('a malformed request is 400 and ends the stream', async () => {
    const { visitor } = await start(plain(route('all', prefix('/'))));
    const kept = visitor();
    const answer = kept.expect('GET');
    kept.stream.write(
      Buffer.from('GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n'),
    );
    expect((await answer).status).toBe(400);
  });
});
