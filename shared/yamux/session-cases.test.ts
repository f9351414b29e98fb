import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { addAbortSignal } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { acceptor } from './testing/acceptor.ts';
import { type Carrier, sessionPair } from './testing/carriers.ts';
import { mainCarriers } from './testing/gated-carrier.ts';
import { ManualClock } from './testing/manual-clock.ts';
import { StreamReader } from './testing/stream-reader.ts';
import { toDuplex } from './to-duplex.ts';
import type { YamuxStream } from './types.ts';

const KIB = 1024;
const WINDOW = 256 * KIB;
const FOO = Buffer.from('foo');
const clean = { streams: 0, backlog: 0, unacknowledged: 0, bufferedBytes: 0, queuedBytes: 0 };

/** A stream with a duplex at its near and a reader at its far end; the far one takes nothing until told. */
async function duplexAndReader(makeCarrier: () => Promise<Carrier>) {
  const atServer = acceptor({ consume: false });
  const pair = await sessionPair(makeCarrier, {}, atServer);
  const near = toDuplex(pair.client.open());
  // The end of the session at the end of a test is an error for it.
  near.on('error', () => undefined);
  return { ...pair, atServer, near, far: await atServer.next() };
}

/** The cases of hashicorp's session_test.go about limits, and about callers that wait no longer. */
describe.each(mainCarriers)('over %s', (_name, makeCarrier) => {
  // TestOpenStreamTimeout
  it('gives up a stream that is not accepted in time, and keeps the session', async () => {
    const clock = new ManualClock();
    await using pair = await sessionPair(makeCarrier, { clock, keepAlive: false }, { onStream: () => {} });
    const near = new StreamReader(pair.client.open());
    await pair.client.ping();
    expect(pair.server.stats().backlog).toBe(1);
    clock.advance(74_999);
    expect(near.isClosed).toBe(false);
    clock.advance(1);
    expect(await near.closed).toMatchObject({ code: 'yamux-open-timeout' });
    await pair.client.ping();
    expect([pair.client.stats(), pair.server.stats()]).toMatchObject([clean, clean]);
    expect(pair.client.canOpen).toBe(true);
  });

  // TestClose_closeTimeout
  it('gives up a stream that the peer does not end in time', async () => {
    const clock = new ManualClock();
    const atServer = acceptor();
    const impatient = { ...atServer, clock, keepAlive: false, limits: { halfCloseTimeoutMs: 1_000 } } as const;
    await using pair = await sessionPair(makeCarrier, {}, impatient);
    const near = new StreamReader(pair.client.open());
    const far = await atServer.next();
    far.stream.end();
    await near.ended;
    clock.advance(999);
    expect(far.isClosed).toBe(false);
    clock.advance(1);
    expect(await far.closed).toMatchObject({ code: 'yamux-half-close-timeout' });
    expect(await near.closed).toMatchObject({ code: 'yamux-stream-reset' });
    near.stream.write(Buffer.from('hello'));
    expect([pair.client.stats(), pair.server.stats()]).toMatchObject([clean, clean]);
  });

  // TestReadDeadline
  it('tells a reader that nothing came, who can read on afterwards', async () => {
    await using pair = await duplexAndReader(makeCarrier);
    const { near, far } = pair;
    near.setTimeout(1);
    await once(near, 'timeout');
    expect([near.destroyed, far.isClosed]).toEqual([false, false]);
    far.stream.write(FOO);
    far.stream.end();
    expect(Buffer.concat(await near.toArray()).toString()).toBe('foo');
  });

  // TestReadDeadline_BlockedRead
  it('ends a read that waits when its caller gives up, and nobody else suffers', async () => {
    await using pair = await duplexAndReader(makeCarrier);
    const { near, far } = pair;
    const abort = new AbortController();
    addAbortSignal(abort.signal, near);
    far.stream.write(Buffer.alloc(3 * KIB, 1));
    const got = Promise.withResolvers<void>();
    const read = (async () => {
      for await (const _ of near) got.resolve();
    })();
    await got.promise;
    abort.abort();
    await expect(read).rejects.toMatchObject({ name: 'AbortError' });
    expect(await far.closed).toMatchObject({ code: 'yamux-stream-reset' });
    expect([pair.client.stats(), pair.server.stats()]).toMatchObject([clean, clean]);
    const next = new StreamReader(pair.client.open());
    const answering = await pair.atServer.next(2);
    answering.stream.write(FOO);
    await next.received(3);
  });

  // TestWriteDeadline
  it('tells a writer that there is no room, who can write on once the reader reads', async () => {
    await using pair = await duplexAndReader(makeCarrier);
    const { near, far } = pair;
    const bytes = randomBytes(4 * WINDOW);
    let isWritten = false;
    near.write(bytes, () => (isWritten = true));
    near.setTimeout(1);
    await once(near, 'timeout');
    await far.received(WINDOW);
    expect([isWritten, near.destroyed]).toEqual([false, false]);
    near.end();
    far.consumeOn();
    await far.ended;
    expect([isWritten, far.sha256()]).toEqual([true, createHash('sha256').update(bytes).digest('hex')]);
  });

  // TestWriteDeadline_BlockedWrite
  it('ends a write that waits when its caller gives up, and keeps none of its bytes', async () => {
    await using pair = await duplexAndReader(makeCarrier);
    const { near, far } = pair;
    const abort = new AbortController();
    addAbortSignal(abort.signal, near);
    const written = new Promise((resolve) => near.write(Buffer.alloc(4 * WINDOW), resolve));
    await far.received(WINDOW);
    expect(pair.client.stats().queuedBytes).toBe(3 * WINDOW);
    expect(pair.server.stats().bufferedBytes).toBe(WINDOW);
    abort.abort();
    expect(await written).toMatchObject({ name: 'AbortError' });
    expect(await far.closed).toMatchObject({ code: 'yamux-stream-reset' });
    expect([far.isEnded, far.bytes]).toEqual([false, WINDOW]);
    expect([pair.client.stats(), pair.server.stats()]).toMatchObject([clean, clean]);
  });

  // TestBacklogExceeded
  it('has the streams beyond the backlog of the peer refused, and no other', async () => {
    const waiting: YamuxStream[] = [];
    const server = { onStream: (stream: YamuxStream) => waiting.push(stream), limits: { acceptBacklog: 64 } };
    await using pair = await sessionPair(makeCarrier, {}, server);
    const nears = Array.from({ length: 65 }, () => new StreamReader(pair.client.open()));
    for (const near of nears) near.stream.write(FOO);
    const last = nears.pop();
    expect(await last?.closed).toMatchObject({ code: 'yamux-stream-refused' });
    await pair.client.ping();
    expect(pair.server.stats()).toMatchObject({ backlog: 64, refused: 1, bufferedBytes: 64 * FOO.length });
    for (const stream of waiting) {
      expect(new StreamReader(stream).text()).toBe('foo');
      stream.end();
    }
    await Promise.all(nears.map((near) => near.ended));
    expect(pair.client.stats()).toMatchObject({ streams: 64, unacknowledged: 0 });
  });

  // TestBacklogExceeded_Accept
  it('opens five times the backlog as the peer accepts, and no stream is refused', async () => {
    const total = 5 * 64;
    const limits = { acceptBacklog: 64, maxUnacknowledged: 64 };
    const waiting: YamuxStream[] = [];
    const accepted: StreamReader[] = [];
    await using pair = await sessionPair(
      makeCarrier,
      { limits },
      { limits, onStream: (stream) => waiting.push(stream) },
    );
    let opened = 0;
    const openAsMayBe = (): void => {
      for (; opened < total && pair.client.canOpen; opened++) new StreamReader(pair.client.open()).stream.write(FOO);
    };
    openAsMayBe();
    expect(opened).toBe(64);
    expect(() => pair.client.open()).toThrow(expect.objectContaining({ code: 'yamux-too-many-unacknowledged' }));
    while (accepted.length < total) {
      await pair.client.ping();
      accepted.push(...waiting.splice(0, 16).map((stream) => new StreamReader(stream)));
      await pair.server.ping();
      openAsMayBe();
    }
    await Promise.all(accepted.map((far) => far.received(FOO.length)));
    await pair.server.ping();
    expect(pair.client.stats()).toMatchObject({ opened: total, unacknowledged: 0, streams: total });
    expect(pair.server.stats()).toMatchObject({ admitted: total, refused: 0, backlog: 0, streams: total });
  });

  // TestCancelAccept
  it('takes no streams any more once its owner says so, also none that is on its way', async () => {
    const [atClient, atServer] = [acceptor(), acceptor()];
    await using pair = await sessionPair(makeCarrier, atClient, atServer);
    const before = new StreamReader(pair.client.open());
    const far = await atServer.next();
    pair.server.goAway();
    // The client cannot know yet.
    const late = new StreamReader(pair.client.open());
    expect(await late.closed).toMatchObject({ code: 'yamux-stream-refused' });
    expect([atServer.readers.length, pair.server.stats().refused, pair.client.canOpen]).toEqual([1, 1, false]);
    before.stream.write(FOO);
    await far.received(FOO.length);
    pair.server.open().write(FOO);
    await (await atClient.next()).received(FOO.length);
  });

  // TestSendData_VeryLarge
  it('carries 4 MiB on each of 16 streams at once, with nothing mixed up', async () => {
    const atServer = acceptor();
    await using pair = await sessionPair(makeCarrier, {}, atServer);
    const block = randomBytes(1024 * KIB);
    const nears = Array.from({ length: 16 }, () => new StreamReader(pair.client.open()));
    const send = async (near: StreamReader, name: number): Promise<string> => {
      const hash = createHash('sha256');
      const write = (bytes: Buffer): Promise<void> => (hash.update(bytes), near.write(bytes));
      await write(Buffer.from([0, 1, 2, 3]));
      for (let piece = 0; piece < 64; piece++) {
        const at = ((name * 7 + piece * 11) % 192) * 5 * KIB;
        await write(block.subarray(at, at + 64 * KIB));
      }
      near.stream.end();
      return hash.digest('hex');
    };
    const sent = await Promise.all(nears.map(send));
    await atServer.next(16);
    await Promise.all(atServer.readers.map((far) => far.ended));
    for (const far of atServer.readers) far.stream.end();
    await Promise.all(nears.map((near) => near.closed));
    expect(new Set(sent).size).toBe(16);
    expect(atServer.readers.map((far) => far.sha256())).toEqual(sent);
    expect(pair.server.stats()).toMatchObject({ ...clean, dataBytesReceived: 16 * (4096 * KIB + 4) });
    expect(pair.client.stats()).toMatchObject(clean);
  });
});
