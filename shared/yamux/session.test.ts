import { createHash, randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { acceptor } from './testing/acceptor.ts';
import { carriers, sessionPair } from './testing/carriers.ts';
import { StreamReader } from './testing/stream-reader.ts';
import type { YamuxStream } from './types.ts';

const WINDOW = 256 * 1024;

/** Ends when the other side ends, and sends back what came. */
function echo(stream: YamuxStream): void {
  stream.attach({
    onData(bytes) {
      stream.write(bytes);
      stream.consumed(bytes.length);
    },
    onEnd: () => stream.end(),
    onDrain() {},
    onClosed() {},
  });
}

/** The cases of hashicorp's session_test.go that apply, over every carrier. */
describe.each(carriers)('over %s', (_name, makeCarrier) => {
  it('measures a round trip in both directions', async () => {
    await using pair = await sessionPair(makeCarrier);
    expect(await pair.client.ping()).toBeGreaterThan(0);
    expect(await pair.server.ping()).toBeGreaterThan(0);
    expect(pair.client.rttMs).toBeGreaterThan(0);
  });

  it('gives odd ids to the client and even ids to the server, and both accept', async () => {
    const [atClient, atServer] = [acceptor(), acceptor()];
    await using pair = await sessionPair(makeCarrier, atClient, atServer);
    expect([pair.client.streams, pair.server.streams]).toEqual([0, 0]);
    const [odd, even] = [new StreamReader(pair.client.open()), new StreamReader(pair.server.open())];
    expect((await atServer.next()).stream.id).toBe(1);
    expect((await atClient.next()).stream.id).toBe(2);
    for (const reader of [odd, even, ...atClient.readers, ...atServer.readers]) reader.stream.end();
    expect(await Promise.all([odd.closed, even.closed])).toEqual([undefined, undefined]);
    expect([pair.client.streams, pair.server.streams]).toEqual([0, 0]);
  });

  it('takes a stream that was closed before it was accepted, and gives its place back', async () => {
    const atServer = acceptor();
    await using pair = await sessionPair(makeCarrier, { limits: { maxUnacknowledged: 8 } }, atServer);
    for (let round = 0; round < 3; round++) {
      const readers = Array.from({ length: 8 }, () => new StreamReader(pair.client.open()));
      for (const reader of readers) reader.stream.end();
      await atServer.next(8 * (round + 1));
      for (const reader of atServer.readers) reader.stream.end();
      expect(await Promise.all(readers.map((reader) => reader.closed))).toEqual(readers.map(() => undefined));
    }
    expect(pair.client.stats().unacknowledged).toBe(0);
  });

  it('carries 1000 small messages in order', async () => {
    const atServer = acceptor();
    await using pair = await sessionPair(makeCarrier, {}, atServer);
    const reader = new StreamReader(pair.client.open());
    for (let index = 0; index < 1000; index++) reader.stream.write(Buffer.from(`${index};`));
    reader.stream.end();
    const far = await atServer.next();
    await far.ended;
    expect(far.text()).toBe(Array.from({ length: 1000 }, (_, index) => `${index};`).join(''));
    far.stream.end();
    expect(await reader.closed).toBeUndefined();
    expect([pair.client.streams, pair.server.streams]).toEqual([0, 0]);
  });

  it('echoes much more than a window, written at any size', async () => {
    await using pair = await sessionPair(makeCarrier, {}, { onStream: echo });
    const reader = new StreamReader(pair.client.open());
    const hash = createHash('sha256');
    for (let index = 0; index < 60; index++) {
      const bytes = randomBytes((index * 7919) % 70_000);
      hash.update(bytes);
      await reader.write(bytes);
    }
    reader.stream.end();
    expect(await reader.closed).toBeUndefined();
    expect(reader.sha256()).toBe(hash.digest('hex'));
    expect(pair.client.stats().bufferedBytes + pair.server.stats().bufferedBytes).toBe(0);
  });

  it('answers on 50 streams at once, message by message', async () => {
    await using pair = await sessionPair(makeCarrier, {}, { onStream: echo });
    const talk = async (name: number): Promise<string> => {
      const reader = new StreamReader(pair.client.open());
      for (let round = 1; round <= 20; round++) {
        reader.stream.write(Buffer.from(`${String(name).padStart(3, '0')};`));
        await reader.received(round * 4);
      }
      reader.stream.end();
      await reader.closed;
      return reader.text();
    };
    const talks = await Promise.all(Array.from({ length: 50 }, (_, name) => talk(name)));
    expect(talks).toEqual(talks.map((_, name) => `${String(name).padStart(3, '0')};`.repeat(20)));
  });

  it('reads on after its own half-close', async () => {
    const atServer = acceptor();
    await using pair = await sessionPair(makeCarrier, {}, atServer);
    const near = new StreamReader(pair.client.open());
    near.stream.write(Buffer.from('a'));
    const far = await atServer.next();
    far.stream.end();
    await near.ended;
    near.stream.write(Buffer.from('bcd'));
    near.stream.end();
    expect(await far.closed).toBeUndefined();
    expect([far.text(), far.isEnded]).toEqual(['abcd', true]);
  });

  it('delivers a full window and its end although the sender closes its session at once', async () => {
    const atServer = acceptor();
    await using pair = await sessionPair(makeCarrier, {}, atServer);
    const near = new StreamReader(pair.client.open());
    near.stream.write(Buffer.alloc(WINDOW, 1));
    near.stream.end();
    const closed = pair.client.close();
    const far = await atServer.next();
    await far.ended;
    expect(far.bytes).toBe(WINDOW);
    far.stream.end();
    expect(await closed).toBeUndefined();
    expect(await near.closed).toBeUndefined();
  });

  it('gives back exactly what a consumer that reads a part has read', async () => {
    const atServer = acceptor({ consume: false });
    await using pair = await sessionPair(makeCarrier, {}, { ...atServer, limits: { maxWindowBytes: WINDOW } });
    const near = new StreamReader(pair.client.open());
    near.stream.write(Buffer.alloc(2 * WINDOW));
    const far = await atServer.next();
    await far.received(WINDOW);
    await pair.client.ping();
    expect([far.bytes, near.stream.queuedBytes]).toEqual([WINDOW, WINDOW]);
    far.stream.consumed(WINDOW / 4 - 1);
    await pair.server.ping();
    await pair.client.ping();
    expect(near.stream.queuedBytes).toBe(WINDOW);
    far.stream.consumed(2);
    await far.received(WINDOW + WINDOW / 4 + 1);
    await pair.client.ping();
    expect(near.stream.queuedBytes).toBe((WINDOW / 4) * 3 - 1);
  });

  it('starts with a larger window when told so', async () => {
    const atServer = acceptor({ consume: false });
    const limits = { initialWindowBytes: 2 * 1024 * 1024, streamHighWaterBytes: 1 };
    await using pair = await sessionPair(makeCarrier, { limits }, { ...atServer, limits });
    const near = new StreamReader(pair.client.open());
    near.stream.write(Buffer.alloc(3 * 1024 * 1024));
    const far = await atServer.next();
    await far.received(limits.initialWindowBytes);
    await pair.client.ping();
    expect(near.stream.queuedBytes).toBe(1024 * 1024);
  });

  it('keeps open streams after a go-away and opens no new ones', async () => {
    let wentAway = 0;
    const atServer = acceptor();
    await using pair = await sessionPair(makeCarrier, { onGoAway: () => wentAway++ }, { ...atServer });
    const near = new StreamReader(pair.client.open());
    const far = await atServer.next();
    pair.server.goAway();
    await pair.server.ping();
    expect(() => pair.client.open()).toThrow(expect.objectContaining({ code: 'yamux-peer-went-away' }));
    expect([wentAway, pair.client.canOpen]).toEqual([1, false]);
    near.stream.write(Buffer.from('still'));
    near.stream.end();
    await far.ended;
    expect(far.text()).toBe('still');
  });

  it('tells both sides of a reset, with what waits dropped', async () => {
    const atServer = acceptor({ consume: false });
    await using pair = await sessionPair(makeCarrier, {}, atServer);
    const near = new StreamReader(pair.client.open());
    near.stream.write(Buffer.alloc(2 * WINDOW));
    const far = await atServer.next();
    await far.received(WINDOW);
    far.stream.reset();
    expect(await near.closed).toMatchObject({ code: 'yamux-stream-reset' });
    expect(await far.closed).toMatchObject({ code: 'yamux-stream-reset-here' });
    expect([pair.client.streams, pair.server.streams, pair.server.stats().bufferedBytes]).toEqual([0, 0, 0]);
    await pair.client.ping();
  });

  it('ends every stream and ping of a connection that is lost', async () => {
    const atServer = acceptor();
    await using pair = await sessionPair(makeCarrier, {}, atServer);
    const near = new StreamReader(pair.client.open());
    const far = await atServer.next();
    pair.carrier.client.destroy();
    expect(await far.closed).toMatchObject({ code: 'yamux-connection-lost' });
    expect(await near.closed).toMatchObject({ code: 'yamux-connection-lost' });
    await expect(pair.server.ping()).rejects.toMatchObject({ code: 'yamux-connection-lost' });
  });

  it('opens and closes 2000 streams, 256 at a time, and leaves nothing behind', async () => {
    await using pair = await sessionPair(makeCarrier, {}, { onStream: echo });
    let started = 0;
    const worker = async (): Promise<void> => {
      while (started < 2000) {
        const index = started++;
        const reader = new StreamReader(pair.client.open());
        reader.stream.write(Buffer.from('x'));
        if (index % 10 === 0) reader.stream.reset();
        else reader.stream.end();
        await reader.closed;
      }
    };
    await Promise.all(Array.from({ length: 256 }, worker));
    await pair.client.ping();
    const clean = { streams: 0, backlog: 0, unacknowledged: 0, bufferedBytes: 0, refused: 0 };
    expect(pair.client.stats()).toMatchObject(clean);
    expect(pair.server.stats()).toMatchObject(clean);
  });

  it('closes in order', async () => {
    await using pair = await sessionPair(makeCarrier);
    expect(await pair.client.close()).toBeUndefined();
    expect(await pair.server.closed).toBeUndefined();
    expect(() => pair.client.open()).toThrow(expect.objectContaining({ code: 'yamux-session-closed' }));
    await expect(pair.client.ping()).rejects.toMatchObject({ code: 'yamux-session-closed' });
  });
});
