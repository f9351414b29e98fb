import { once } from 'node:events';
import { createServer } from 'node:http';
import type { RequestListener, Server, ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { callControl, successOf } from './control-call.ts';

const servers: Server[] = [];
afterEach(() => servers.splice(0).forEach((server) => server.close()));

async function serve(listener: RequestListener): Promise<{ url: URL; server: Server }> {
  const server = createServer(listener).listen(0, '127.0.0.1');
  servers.push(server);
  await once(server, 'listening');
  return { url: new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/v1/x`), server };
}

const call = { timeoutMs: 5_000, signal: new AbortController().signal };

test('method, fields and body arrive, status, ETag and text come back', async () => {
  const { url } = await serve((request, response) => {
    let body = '';
    request.setEncoding('utf8').on('data', (text: string) => (body += text));
    request.on('end', () =>
      response
        .writeHead(201, { etag: '"7"' })
        .end([request.method, request.url, request.headers['authorization'], body].join(' ')),
    );
  });
  const headers = { authorization: 'Bearer k' };
  const answer = await callControl(url, { ...call, method: 'PUT', headers, body: '{"ü":1}' });
  expect(answer).toEqual({ status: 201, etag: '"7"', text: 'PUT /v1/x Bearer k {"ü":1}' });
  expect(successOf(answer)).toBe(answer.text);
});

test('a redirect is not followed, and is no success', async () => {
  const { url } = await serve((_request, response) => response.writeHead(307, { location: '/other' }).end('there'));
  const answer = await callControl(url, call);
  expect(answer.status).toBe(307);
  expect(() => successOf(answer)).toThrow('the control plane answered 307: there');
});

test('a kept connection that the server closed is not a failure', async () => {
  let connections = 0;
  const { url, server } = await serve((request, response) => {
    response.end('ok');
    // The next request on it finds it closed, or is answered by a reset.
    response.once('finish', () => setImmediate(() => request.socket.resetAndDestroy()));
  });
  server.on('connection', () => (connections += 1));
  for (let at = 0; at < 50; at += 1) expect((await callControl(url, call)).text).toBe('ok');
  expect(connections).toBeGreaterThan(1);
});

test('several kept connections that the server lost at once are not a failure', async () => {
  const known = new Set<Socket>();
  const waiting: ServerResponse[] = [];
  const { url } = await serve(({ socket }, response) => {
    if (known.has(socket)) socket.resetAndDestroy();
    else if (waiting.push(response) >= 3) for (const each of waiting) each.end('ok');
    known.add(socket);
  });
  await Promise.all([callControl(url, call), callControl(url, call), callControl(url, call)]);
  expect(known.size).toBe(3);
  expect((await callControl(url, call)).text).toBe('ok');
});

test('an answer that switches protocols is a failure, and the next call goes its way', async () => {
  const { url } = await serve((_request, response) => response.end('ok'));
  const { url: odd } = await serve((request) => {
    request.socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\nmore');
  });
  await expect(callControl(odd, call)).rejects.toThrow('it switched protocols without being asked');
  expect((await callControl(url, call)).text).toBe('ok');
});

test('a server that says nothing, an answer without end and one that was given up are failures', async () => {
  const { url } = await serve((request, response) => {
    if (request.url === '/v1/x') return;
    const more = (): void => {
      while (response.write(Buffer.alloc(1024 * 1024)));
    };
    response.on('drain', more);
    more();
  });
  await expect(callControl(url, { ...call, timeoutMs: 50 })).rejects.toThrow(/abort|timeout/i);
  await expect(callControl(new URL('/endless', url), call)).rejects.toThrow('an answer of more than 16777216 bytes');
  const abort = new AbortController();
  const asked = callControl(url, { ...call, signal: abort.signal });
  abort.abort();
  await expect(asked).rejects.toThrow(/abort/i);
});
