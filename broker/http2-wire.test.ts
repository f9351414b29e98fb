import { expect, test } from 'vitest';
import type { YamuxStream } from '../shared/yamux/types.ts';
import { askHttp2 } from './testing/http2-visitor.ts';
import { HOST, Http2Stage } from './testing/http2-stage.ts';
import { END_HEADERS, END_STREAM, FRAME, headerBlock, requestBlock } from './testing/raw-http2.ts';
import { until } from './testing/test-broker.ts';

const webSocket = (more: readonly (readonly [string, string])[] = []): Buffer =>
  headerBlock([
    [':method', 'CONNECT'],
    [':protocol', 'websocket'],
    [':scheme', 'https'],
    [':path', '/'],
    [':authority', HOST],
    ['sec-websocket-version', '13'],
    ...more,
  ]);

/** Takes the bytes of a stream, of which the first are told to `onHead`. */
function takeStream(stream: YamuxStream, onHead: () => void): void {
  let text = '';
  stream.attach({
    onData(bytes) {
      const before = text.includes('\r\n\r\n');
      text += Buffer.from(bytes).toString('latin1');
      stream.consumed(bytes.length);
      if (!before && text.includes('\r\n\r\n')) onHead();
    },
    onEnd: () => undefined,
    onDrain: () => undefined,
    onClosed: () => undefined,
  });
}

test('a visitor who resets a WebSocket without an error before it is accepted, and had sent bytes, ends no tunnel', async () => {
  await using stage = await Http2Stage.open();
  const asked = Promise.withResolvers<YamuxStream>();
  const agent = await stage.dial({ onStream: (stream) => takeStream(stream, () => asked.resolve(stream)) });
  const visitor = await stage.raw();
  visitor.send(FRAME.headers, END_HEADERS, 1, webSocket());
  visitor.send(FRAME.data, 0, 1, Buffer.alloc(1_000));
  const stream = await asked.promise;
  visitor.send(FRAME.reset, 0, 1, Buffer.alloc(4));
  visitor.send(FRAME.ping, 0, 0, Buffer.alloc(8));
  await visitor.frame(({ type }) => type === FRAME.ping);
  stream.write(Buffer.from('HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno'));
  await until(async () => (await stage.metric('adit_broker_requests_in_flight')) === 0);
  visitor.send(FRAME.headers, END_HEADERS | END_STREAM, 3, requestBlock(HOST));
  await until(() => agent.streams > 1);
});

test('a WebSocket over HTTP/2 with Content-Length is refused: no body follows, and the next request would be taken for it', async () => {
  await using stage = await Http2Stage.open();
  const paths: string[] = [];
  await stage.dial({
    onRequest: (asked, response) => {
      paths.push(asked.url ?? '');
      response.end('ok');
    },
  });
  const visitor = await stage.raw();
  visitor.send(FRAME.headers, END_HEADERS, 1, webSocket([['content-length', '100']]));
  await visitor.frame(({ type, stream }) => type === FRAME.headers && stream === 1);
  const session = await stage.visit();
  const answer = await askHttp2(session, { ':path': '/mine' });
  expect(answer.body.toString()).toBe('ok');
  expect(paths).toEqual(['/mine']);
});

test('a trailer that HTTP/2 forbids is dropped: no agent ends a broker by it', async () => {
  await using stage = await Http2Stage.open();
  await stage.dial({
    onStream: (stream) =>
      takeStream(stream, () =>
        stream.write(
          Buffer.from(
            'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\nHTTP2-Settings: AAMAAABk\r\nProxy-Connection: close\r\nX-Sum: 1\r\n\r\n',
          ),
        ),
      ),
  });
  const session = await stage.visit();
  const answer = await askHttp2(session, { ':path': '/' });
  expect(answer.body.toString()).toBe('hi');
  expect(Object.keys(answer.trailers)).toEqual(['x-sum']);
});

test('an agent that sends interim answers to a visitor who does not read fills no broker', async () => {
  await using stage = await Http2Stage.open();
  const INTERIM = 6_000;
  const interim = Buffer.from(`HTTP/1.1 103 Early Hints\r\nLink: ${'a'.repeat(7_000)}\r\n\r\n`);
  const asked = Promise.withResolvers<YamuxStream>();
  await stage.dial({ onStream: (stream) => takeStream(stream, () => asked.resolve(stream)) });
  const visitor = await stage.raw();
  visitor.send(FRAME.headers, END_HEADERS | END_STREAM, 1, requestBlock(HOST));
  const stream = await asked.promise;
  visitor.socket.pause();
  for (let sent = 0; sent < INTERIM; sent += 100) {
    for (let at = 0; at < 100; at += 1) stream.write(interim);
    await until(() => stream.queuedBytes === 0);
  }
  stream.write(Buffer.from('HTTP/1.1 204 No Content\r\n\r\n'));
  await until(async () => (await stage.metric('adit_broker_requests_in_flight')) === 0);
  visitor.socket.resume();
  await visitor.frame(({ type, flags }) => type === FRAME.headers && (flags & END_STREAM) !== 0);
  const seen = visitor.frames.filter(({ type, stream: id }) => type === FRAME.headers && id === 1).length;
  expect(seen).toBeGreaterThan(1);
  expect(seen).toBeLessThan(INTERIM / 2);
});

test('a visitor who says that he leaves, breaks the protocol and is gone, holds no connection', async () => {
  await using stage = await Http2Stage.open({ limits: { streamIdleTimeoutMs: 300, headTimeoutMs: 300 } });
  await stage.dial({ onRequest: (_request, response) => response.end('x'.repeat(1_000)) });
  const visitor = await stage.raw();
  // SETTINGS_INITIAL_WINDOW_SIZE = 0: the answer waits.
  visitor.send(FRAME.settings, 0, 0, Buffer.from([0, 4, 0, 0, 0, 0]));
  visitor.send(FRAME.headers, END_HEADERS | END_STREAM, 1, requestBlock(HOST));
  await visitor.frame(({ type }) => type === FRAME.headers);
  visitor.send(FRAME.goAway, 0, 0, Buffer.alloc(8));
  visitor.send(FRAME.data, 0, 99, Buffer.alloc(10));
  await visitor.frame(({ type }) => type === FRAME.goAway);
  visitor.socket.destroy();
  // The one is that of the question.
  await until(async () => (await stage.metric('adit_broker_connections')) === 1, 10_000);
});
