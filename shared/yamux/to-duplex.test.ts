import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { Agent, createServer, request } from 'node:http';
import { PassThrough, Readable } from 'node:stream';
import { finished, pipeline } from 'node:stream/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { carriers, memoryCarrier, sessionPair, type SessionPair } from './testing/carriers.ts';
import { StreamReader } from './testing/stream-reader.ts';
import { type StreamDuplex, toDuplex } from './to-duplex.ts';

const open: SessionPair[] = [];
afterEach(async () => {
  for (const pair of open.splice(0)) await pair[Symbol.asyncDispose]();
});

/** A duplex on each side of one stream. */
async function duplexPair(
  makeCarrier = memoryCarrier,
): Promise<{ near: StreamDuplex; far: StreamDuplex; pair: SessionPair }> {
  let accept: (duplex: StreamDuplex) => void;
  const accepted = new Promise<StreamDuplex>((resolve) => (accept = resolve));
  const pair = await sessionPair(makeCarrier, {}, { onStream: (stream) => accept(toDuplex(stream)) });
  open.push(pair);
  const near = toDuplex(pair.client.open());
  const far = await accepted;
  // Each test looks at the errors that it expects; the end of the session at its end is one for the rest.
  for (const duplex of [near, far]) duplex.on('error', () => undefined);
  return { near, far, pair };
}

describe('a stream as Duplex', () => {
  it('ends one direction and keeps the other open', async () => {
    const { near, far, pair } = await duplexPair();
    near.end('request');
    const words: Buffer[] = [];
    for await (const part of far) words.push(part);
    expect(Buffer.concat(words).toString()).toBe('request');
    expect(far.writable).toBe(true);
    far.end('answer');
    expect(await near.toArray()).toEqual([Buffer.from('answer')]);
    await Promise.all([finished(near), finished(far)]);
    expect([pair.client.streams, pair.server.streams]).toEqual([0, 0]);
  });

  it('holds the writer back until the reader reads, and loses nothing', async () => {
    const { near, far, pair } = await duplexPair();
    const bytes = randomBytes(3 * 1024 * 1024);
    const written = pipeline(Readable.from(pieces(bytes, 100_000)), near);
    await once(far, 'readable');
    await pair.client.ping();
    await pair.client.ping();
    expect(pair.server.stats().bufferedBytes).toBe(256 * 1024);
    const hash = createHash('sha256');
    far.on('data', (part: Buffer) => hash.update(part));
    await once(far, 'end');
    await written.catch((error: unknown) => error);
    expect(hash.digest('hex')).toBe(createHash('sha256').update(bytes).digest('hex'));
    expect(pair.server.stats().bufferedBytes).toBe(0);
  });

  it('gives credit for what was read with read() alone', async () => {
    const { near, far, pair } = await duplexPair();
    const total = 600_000;
    near.write(Buffer.alloc(total));
    let got = 0;
    while (got < total) {
      const part: unknown = far.read();
      if (Buffer.isBuffer(part)) got += part.length;
      else await once(far, 'readable');
    }
    expect(got).toBe(total);
    expect(pair.server.stats().bufferedBytes).toBe(0);
  });

  it('resets the stream when it is destroyed, and the other side gets an error', async () => {
    const { near, far, pair } = await duplexPair();
    const failed = once(far, 'error');
    near.destroy();
    const [error] = await failed;
    expect(error).toMatchObject({ code: 'yamux-stream-reset' });
    expect([pair.client.streams, pair.server.streams]).toEqual([0, 0]);
  });

  it('delivers all that was written before end, though both sides end at once', async () => {
    const { near, far } = await duplexPair();
    const bytes = randomBytes(700_000);
    const [a, b] = [near.toArray(), far.toArray()];
    near.end(bytes);
    far.end(bytes);
    expect(Buffer.concat(await a).equals(bytes)).toBe(true);
    expect(Buffer.concat(await b).equals(bytes)).toBe(true);
  });

  it('lets what came whole be read after the connection was lost', async () => {
    const { near, far, pair } = await duplexPair();
    near.end(Buffer.alloc(100_000, 7));
    await once(far, 'readable');
    await pair.client.ping();
    pair.client.destroy();
    await pair.server.closed;
    const failed = once(far, 'error');
    let got = 0;
    far.on('data', (part: Buffer) => (got += part.length));
    const [error] = await failed;
    expect(got).toBe(100_000);
    expect(error).toMatchObject({ code: 'yamux-connection-lost' });
  });

  it('does not let single bytes that wait pin large buffers', async () => {
    const pair = await sessionPair(memoryCarrier, {}, { onStream: (stream) => (duplex = toDuplex(stream)) });
    open.push(pair);
    let duplex: StreamDuplex | undefined;
    const reader = new StreamReader(pair.client.open());
    const large = Buffer.alloc(64 * 1024, 1);
    for (let i = 0; i < 50_000; i++) reader.stream.write(large.subarray(i, i + 1));
    await pair.client.ping();
    expect(pair.server.stats().bufferedBytes).toBe(50_000);
    duplex?.destroy();
    expect(pair.server.stats().bufferedBytes).toBe(0);
  });

  it('emits timeout when nothing moves', async () => {
    const { near } = await duplexPair();
    near.setTimeout(1);
    await once(near, 'timeout');
    near.setTimeout(0);
  });
});

describe.each(carriers)('node:http through a session over %s', (_name, makeCarrier) => {
  it('serves kept-alive, large and streamed exchanges', async () => {
    const server = createServer((req, res) => {
      if (req.url === '/echo') void pipeline(req, res);
      else res.end(`hello ${req.url}`);
    });
    const pair = await sessionPair(makeCarrier, {
      onStream: (stream) => server.emit('connection', toDuplex(stream)),
    });
    open.push(pair);
    let sockets = 0;
    const agent = new Agent({ keepAlive: true, maxSockets: 4 });
    agent.createConnection = () => {
      sockets++;
      return toDuplex(pair.server.open());
    };
    const get = (path: string, body?: Buffer): Promise<Buffer> =>
      new Promise((resolve, reject) => {
        const req = request({ agent, path, host: 'petstore.localhost', method: body ? 'POST' : 'GET' }, (res) => {
          void res.toArray().then((parts) => resolve(Buffer.concat(parts)), reject);
        });
        req.on('error', reject);
        req.end(body);
      });
    for (let i = 0; i < 20; i++) expect((await get(`/${i}`)).toString()).toBe(`hello /${i}`);
    expect(sockets).toBe(1);
    const body = randomBytes(300_000);
    const answers = await Promise.all(Array.from({ length: 8 }, () => get('/echo', body)));
    for (const answer of answers) expect(answer.equals(body)).toBe(true);
    agent.destroy();
    server.closeAllConnections();
    await pair.server.close();
    expect([pair.client.streams, pair.server.streams]).toEqual([0, 0]);
  });
});

describe('pipelines', () => {
  it('can be cut in the middle without a stream left behind', async () => {
    const { near, far, pair } = await duplexPair();
    const source = new PassThrough();
    const done = pipeline(source, near).catch((error: unknown) => error);
    source.write('x');
    await once(far, 'readable');
    const reset = once(far, 'error');
    source.destroy(new Error('upstream gone'));
    expect(await done).toMatchObject({ message: 'upstream gone' });
    expect((await reset)[0]).toMatchObject({ code: 'yamux-stream-reset' });
    expect([pair.client.streams, pair.server.streams]).toEqual([0, 0]);
  });
});

function* pieces(bytes: Buffer, size: number): Iterable<Buffer> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}
