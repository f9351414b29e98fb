import { describe, expect, test } from 'vitest';
import { askHttp2 } from './testing/http2-visitor.ts';
import { HOST, Http2Stage } from './testing/http2-stage.ts';
import { END_HEADERS, END_STREAM, FRAME, frameBytes, headerBlock, requestBlock } from './testing/raw-http2.ts';
import type { RawHttp2 } from './testing/raw-http2.ts';
import { until } from './testing/test-broker.ts';

const PRIORITY = 2;
const UNKNOWN = 0xbe;
const PIECE = 20;

const number = (value: number): Buffer => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
};
const request = (stream: number, flags = END_STREAM): Buffer =>
  frameBytes(FRAME.headers, END_HEADERS | flags, stream, requestBlock(HOST));
/** The n-th stream of a visitor. */
const id = (n: number): number => 2 * n + 1;

/** Sends what `make` makes until the broker ends the connection; rejects when it takes all of it. */
async function flood(visitor: RawHttp2, most: number, make: (n: number) => Buffer): Promise<void> {
  for (let n = 0; n < most && !visitor.closed; n += PIECE) {
    visitor.write(Buffer.concat(Array.from({ length: PIECE }, (_none, at) => make(n + at))));
    await visitor.flushed();
    // So that the broker, which is in the same process, has its turn.
    await new Promise((resolve) => setImmediate(resolve));
  }
  await Promise.race([
    visitor.end(),
    new Promise((_resolve, reject) => setTimeout(() => reject(new Error('the broker took it all')), 30_000).unref()),
  ]);
}

/** Each is endless for a broker without a bound: the number is far above every bound. */
const FLOODS: Record<string, (visitor: RawHttp2, stage: Http2Stage) => Promise<void>> = {
  'requests that are reset at once (CVE-2023-44487)': (visitor) =>
    flood(visitor, 20_000, (n) => Buffer.concat([request(id(n)), frameBytes(FRAME.reset, 0, id(n), number(8))])),
  'requests that are reset without an error': (visitor) =>
    flood(visitor, 20_000, (n) => Buffer.concat([request(id(n)), frameBytes(FRAME.reset, 0, id(n), number(0))])),
  'requests that make us reset them, by a window of 0 (CVE-2025-8671)': (visitor) =>
    flood(visitor, 20_000, (n) =>
      Buffer.concat([request(id(n), 0), frameBytes(FRAME.windowUpdate, 0, id(n), number(0))]),
    ),
  'requests that make us reset them, by too large a window': (visitor) =>
    flood(visitor, 20_000, (n) =>
      Buffer.concat([request(id(n), 0), frameBytes(FRAME.windowUpdate, 0, id(n), number(0x7fff_ffff))]),
    ),
  'requests that make us reset them, by data after their end': (visitor) =>
    flood(visitor, 20_000, (n) => Buffer.concat([request(id(n)), frameBytes(FRAME.data, 0, id(n), Buffer.from('x'))])),
  'SETTINGS (CVE-2019-9515)': (visitor) =>
    flood(visitor, 200_000, () => frameBytes(FRAME.settings, 0, 0, Buffer.alloc(0))),
  'SETTINGS of a hundred entries': (visitor) =>
    flood(visitor, 20_000, () => frameBytes(FRAME.settings, 0, 0, Buffer.alloc(600))),
  'PING (CVE-2019-9512)': (visitor) => flood(visitor, 200_000, () => frameBytes(FRAME.ping, 0, 0, Buffer.alloc(8))),
  'PING whose answers nobody reads': (visitor, stage) => {
    visitor.socket.pause();
    const ping = Buffer.concat(Array.from({ length: 50 }, () => frameBytes(FRAME.ping, 0, 0, Buffer.alloc(8))));
    // The end is seen by reading only.
    const noticed = until(async () => (await stage.metric('adit_broker_refused_connections_total')) > 0);
    const resumed = noticed.finally(() => visitor.socket.resume());
    return Promise.all([flood(visitor, 200_000, () => ping), resumed]).then(() => undefined);
  },
  'CONTINUATION with fields (CVE-2024-27983)': (visitor) => {
    visitor.send(FRAME.headers, 0, 1, requestBlock(HOST));
    return flood(visitor, 100_000, () => frameBytes(FRAME.continuation, 0, 1, headerBlock([['a', 'b']])));
  },
  'CONTINUATION without bytes': (visitor) => {
    visitor.send(FRAME.headers, 0, 1, requestBlock(HOST));
    return flood(visitor, 100_000, () => frameBytes(FRAME.continuation, 0, 1, Buffer.alloc(0)));
  },
  'DATA without bytes (CVE-2019-9518)': (visitor) => {
    visitor.write(request(1, 0));
    return flood(visitor, 200_000, () => frameBytes(FRAME.data, 0, 1, Buffer.alloc(0)));
  },
  'heads that grow by compression': (visitor) => {
    // One field of 3,000 bytes goes into the table; each byte 0xbe (index 62) after it stands for it again.
    const field = Buffer.concat([Buffer.from([0x40]), headerBlock([['x-a', 'a'.repeat(3_000)]]).subarray(1)]);
    visitor.send(FRAME.headers, END_HEADERS | END_STREAM, 1, Buffer.concat([requestBlock(HOST), field]));
    const bomb = Buffer.concat([requestBlock(HOST), Buffer.alloc(4_000, 0xbe)]);
    return flood(visitor, 20_000, (n) => frameBytes(FRAME.headers, END_HEADERS | END_STREAM, id(n + 1), bomb));
  },
  'WINDOW_UPDATE by one': (visitor) => flood(visitor, 200_000, () => frameBytes(FRAME.windowUpdate, 0, 0, number(1))),
  'PRIORITY (CVE-2019-9513)': (visitor) =>
    flood(visitor, 200_000, (n) => frameBytes(PRIORITY, 0, 1, Buffer.concat([number(3), Buffer.from([n % 256])]))),
  'frames of a type that nobody knows': (visitor) =>
    flood(visitor, 200_000, () => frameBytes(UNKNOWN, 0, 0, Buffer.alloc(100))),
};

describe('a flood ends its own connection and leaves the others alone:', () => {
  test.each(Object.keys(FLOODS))('%s', async (name) => {
    await using stage = await Http2Stage.open();
    let works = 0;
    await stage.dial({
      onRequest: (incoming, response) => {
        works += 1;
        if (incoming.url === '/good') response.end('good');
      },
    });
    const session = await stage.visit();
    const other = askHttp2(session, { ':path': '/good' });
    const visitor = await stage.raw();
    const over = FLOODS[name]?.(visitor, stage);
    const during = askHttp2(session, { ':path': '/good' });
    await over;
    expect(visitor.closed).toBe(true);
    expect((await other).body.toString()).toBe('good');
    expect((await during).body.toString()).toBe('good');
    expect((await askHttp2(session, { ':path': '/good' })).status).toBe(200);
    // Hardly any of it came to the upstream.
    expect(works).toBeLessThan(200);
    await until(async () => (await stage.metric('adit_broker_requests_in_flight')) === 0);
  });
});

describe('what is no flood passes:', () => {
  test('fifty pings and a hundred requests, with four pings after each answer', async () => {
    await using stage = await Http2Stage.open();
    await stage.dial({ onRequest: (_request, response) => response.end('x'.repeat(5_000)) });
    const session = await stage.visit();
    const ping = (): Promise<void> =>
      new Promise((resolve, reject) => session.ping((error) => (error === null ? resolve() : reject(error))));
    for (let n = 0; n < 50; n += 1) await ping();
    for (let n = 0; n < 100; n += 1) {
      const answer = await askHttp2(session, {});
      expect(answer.status).toBe(200);
      await Promise.all([ping(), ping(), ping(), ping()]);
    }
  });

  test('a visitor that gives up eighty requests at once still gets its answers', async () => {
    await using stage = await Http2Stage.open();
    await stage.dial({ onRequest: (incoming, response) => void (incoming.url === '/good' && response.end('good')) });
    const session = await stage.visit();
    for (let n = 0; n < 80; n += 1) {
      const stream = session.request({});
      stream.on('error', () => undefined);
      stream.close(8);
    }
    expect((await askHttp2(session, { ':path': '/good' })).body.toString()).toBe('good');
  });
});

test('a hundred streams that nobody reads hold little, and are reset after the idle limit', async () => {
  await using stage = await Http2Stage.open({ limits: { warmUpMs: 0, streamIdleTimeoutMs: 1_000 } });
  let sent = 0;
  const piece = Buffer.alloc(64 * 1024);
  await stage.dial({
    onRequest: (_request, response) => {
      const more = (): void => {
        while (!response.destroyed) {
          sent += piece.length;
          if (!response.write(piece)) return;
        }
      };
      response.on('drain', more);
      more();
    },
  });
  const visitor = await stage.raw();
  visitor.send(FRAME.settings, 0, 0, Buffer.from([0, 4, 0, 0, 0, 0]));
  for (let n = 0; n < 100; n += 1) visitor.write(request(id(n)));
  await until(() => visitor.frames.filter(({ type }) => type === FRAME.reset).length === 100);
  expect(visitor.frames.some(({ type, payload }) => type === FRAME.data && payload.length > 0)).toBe(false);
  // 256 KiB of window and what both ends buffer, for each.
  expect(sent).toBeLessThan(100 * 2 * 1024 * 1024);
});
