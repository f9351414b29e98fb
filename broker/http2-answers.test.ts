import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import type { YamuxStream } from '../shared/yamux/types.ts';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { answerOf, askHttp2 } from './testing/http2-visitor.ts';
import type { Http2Answer } from './testing/http2-visitor.ts';
import { HOST, Http2Stage, NOBODY, OTHER } from './testing/http2-stage.ts';
import { until } from './testing/test-broker.ts';

let stage: Http2Stage;
beforeEach(async () => {
  stage = await Http2Stage.open({ limits: { warmUpMs: 0, responseTimeoutMs: 400, bodyIdleTimeoutMs: 400 } });
});
afterEach(() => stage[Symbol.asyncDispose]());

/** A stream of the agent that writes these bytes as soon as a request comes, and ends. */
function sends(...lines: string[]): (stream: YamuxStream) => void {
  return (stream) =>
    stream.attach({
      onData: (bytes) => {
        stream.consumed(bytes.length);
        stream.write(Buffer.from(lines.join('\r\n'), 'latin1'));
        stream.end();
      },
      onEnd: () => undefined,
      onDrain: () => undefined,
      onClosed: () => undefined,
    });
}

function problem(answer: Http2Answer): object {
  expect(answer.headers['content-type']).toBe('application/problem+json');
  expect(answer.headers['content-length']).toBe(String(answer.body.length));
  expect(answer.headers['cache-control']).toBe('no-store');
  expect(Object.keys(answer.headers)).not.toContain('connection');
  return JSON.parse(answer.body.toString()) as object;
}

describe('our own answers over HTTP/2', () => {
  test('an unknown host is 404, as a page for browsers, and without a body for HEAD', async () => {
    const session = await stage.visit(NOBODY);
    expect(problem(await askHttp2(session, {}))).toMatchObject({ status: 404, code: 'broker.unknown-host' });
    const page = await askHttp2(session, { accept: 'text/html,*/*' });
    expect([page.status, page.headers['content-type']]).toEqual([404, 'text/html; charset=utf-8']);
    expect(page.body.toString()).toContain('broker.unknown-host');
    const head = await askHttp2(session, { ':method': 'HEAD' });
    expect([head.status, head.body.length]).toEqual([404, 0]);
    expect(Number(head.headers['content-length'])).toBeGreaterThan(0);
  });

  test('another host than the handshake named is 421, also when only `host` differs', async () => {
    const session = await stage.visit(HOST);
    for (const headers of [{ ':authority': OTHER }, { ':authority': HOST, host: OTHER }])
      expect(problem(await askHttp2(session, headers))).toMatchObject({ status: 421, code: 'broker.misdirected' });
  });

  test('a field with white space around its value is 400, for it would be dropped (RFC 9113 §8.2.1)', async () => {
    const session = await stage.visit(HOST);
    for (const value of [' a', 'a ', '\ta', 'a\t'])
      expect(problem(await askHttp2(session, { 'x-given': value }))).toMatchObject({
        status: 400,
        code: 'broker.bad-request',
      });
  });

  test('a tunnel that went is 503 with Retry-After', async () => {
    const agent = await stage.dial();
    agent.socket.terminate();
    await until(() => !stage.broker.ready());
    const answer = await askHttp2(await stage.visit(), {});
    expect(answer.headers['retry-after']).toBe('2');
    expect(problem(answer)).toMatchObject({ status: 503, code: 'broker.no-tunnel' });
  });

  test('a tunnel that dies under a request that may not be repeated is 502', async () => {
    const agent = await stage.dial({ onRequest: () => agent.socket.terminate() });
    const answer = await askHttp2(await stage.visit(), { ':method': 'POST' }, 'body');
    expect(problem(answer)).toMatchObject({ status: 502, code: 'broker.upstream-gone' });
  });

  test('an answer that is no HTTP is 502 and says what is wrong with it', async () => {
    await stage.dial({ onStream: sends('HTTP/1.1 200 OK', 'content-length: 1', 'content-length: 2', '', '') });
    const answer = await askHttp2(await stage.visit(), {});
    expect(problem(answer)).toMatchObject({ status: 502, code: 'broker.upstream-invalid' });
  });

  test('an upstream that says nothing is 504', async () => {
    await stage.dial({ onRequest: () => undefined });
    const session = await stage.visit();
    expect(problem(await askHttp2(session, {}))).toMatchObject({ status: 504, code: 'broker.upstream-timeout' });
    expect((await askHttp2(session, { ':method': 'CONNECT', ':authority': `${HOST}:443` })).status).toBe(405);
  });

  test('a body that stops coming is 408, and other streams go on', async () => {
    await stage.dial({ onRequest: (request, response) => void (request.url === '/other' && response.end('other')) });
    const session = await stage.visit();
    const stream = session.request({ ':method': 'POST', 'content-length': 10 });
    stream.write('abc');
    const answer = await answerOf(stream);
    expect(problem(answer)).toMatchObject({ status: 408, code: 'broker.body-timeout' });
    expect((await askHttp2(session, { ':path': '/other' })).body.toString()).toBe('other');
  });
});

describe('what an upstream answers, over HTTP/2', () => {
  test('lines that repeat stay, bytes above ASCII stay, and hop-by-hop fields go', async () => {
    await stage.dial({
      onStream: sends(
        'HTTP/1.1 299 Odd',
        'ETag: "a"',
        'etag: "b"',
        'X-Name: caf\xe9',
        'Connection: x-hop',
        'X-Hop: 1',
        'X-Adit-Broker: forged',
        'Content-Length: 2',
        '',
        'ok',
      ),
    });
    const answer = await askHttp2(await stage.visit(), {});
    expect(answer.status).toBe(299);
    expect(answer.headers['x-name']).toBe('caf\xe9');
    expect(answer.headers.etag).toBe('"a"');
    expect(Object.keys(answer.headers)).not.toEqual(expect.arrayContaining(['x-hop']));
    expect(Object.keys(answer.headers)).not.toEqual(expect.arrayContaining(['x-adit-broker']));
  });

  test('names of ours among the trailers go, in both directions; others pass', async () => {
    let seen: IncomingMessage | undefined;
    await stage.dial({
      onRequest: (request, response) => {
        request.resume().on('end', () => {
          seen = request;
          response.writeHead(200, { trailer: 'x-sum, x-adit-broker' });
          response.write('body');
          response.addTrailers({ 'x-sum': '1', 'x-adit-broker': 'forged', 'X-Adit-Own': 'broker.no-tunnel' });
          response.end();
        });
      },
    });
    const session = await stage.visit();
    const stream = session.request({ ':method': 'POST' }, { waitForTrailers: true });
    stream.on('wantTrailers', () =>
      stream.sendTrailers({
        'x-sum': '2',
        'x-adit-request-id': 'forged',
        'x-forwarded-for': '6.6.6.6',
        forwarded: 'for=6.6.6.6',
        'x-real-ip': '6.6.6.6',
      }),
    );
    stream.end('body');
    const answer = await answerOf(stream);
    expect(Object.entries(answer.trailers)).toEqual([['x-sum', '1']]);
    expect(seen?.trailers).toEqual({ 'x-sum': '2' });
  });

  test('a request keeps bytes above ASCII', async () => {
    let name: string | undefined;
    await stage.dial({
      onRequest: (request, response) => {
        name = request.headers['x-name']?.toString();
        response.end();
      },
    });
    const session = await stage.visit();
    const stream = session.request({ 'x-name': 'caf\xe9' });
    stream.resume();
    await once(stream, 'close');
    expect(name).toBe('caf\xe9');
  });
});
