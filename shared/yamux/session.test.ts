import { createHash, randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { memoryChannelPair } from './memory-channel.ts';
import { Session, type SessionOptions } from './session.ts';
import { carriers, memoryCarrier, sessionPair } from './testing/carriers.ts';
import { ManualClock } from './testing/manual-clock.ts';
import { StreamReader } from './testing/stream-reader.ts';
import type { YamuxStream } from './types.ts';
import { fixedWindow } from './window-policy.ts';

const WINDOW = 256 * 1024;
type Options = Omit<SessionOptions, 'role'>;

/** Collects the streams that a session accepts. */
function acceptor(options: { consume?: boolean } = {}) {
  const readers: StreamReader[] = [];
  const waiters: (() => void)[] = [];
  const onStream = (stream: YamuxStream): void => {
    readers.push(new StreamReader(stream, options));
    for (const wake of waiters.splice(0)) wake();
  };
  const next = async (count = 1): Promise<StreamReader> => {
    while (readers.length < count) await new Promise<void>((resolve) => waiters.push(resolve));
    const reader = readers[count - 1];
    if (!reader) throw new Error('no such stream');
    return reader;
  };
  return { onStream, readers, next };
}

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
    await using pair = await sessionPair(
      makeCarrier,
      { windowPolicy: fixedWindow },
      { ...atServer, windowPolicy: fixedWindow },
    );
    const near = new StreamReader(pair.client.open());
    near.stream.write(Buffer.alloc(2 * WINDOW));
    const far = await atServer.next();
    await far.received(WINDOW);
    await pair.client.ping();
    expect([far.bytes, near.stream.queuedBytes]).toEqual([WINDOW, WINDOW]);
    far.stream.consumed(WINDOW / 2 - 1);
    await pair.server.ping();
    await pair.client.ping();
    expect(near.stream.queuedBytes).toBe(WINDOW);
    far.stream.consumed(2);
    await far.received(WINDOW + WINDOW / 2 + 1);
    await pair.client.ping();
    expect(near.stream.queuedBytes).toBe(WINDOW / 2 - 1);
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

describe('the limits of opening', () => {
  it('opens at most 256 streams that the peer has not accepted', async () => {
    await using pair = await sessionPair(memoryCarrier, {}, { onStream: () => {} });
    const streams = Array.from({ length: 256 }, () => pair.client.open());
    expect(() => pair.client.open()).toThrow(expect.objectContaining({ code: 'yamux-too-many-unacknowledged' }));
    streams[0]?.reset();
    expect(pair.client.canOpen).toBe(true);
  });

  it('is accepted when the application attaches, not when the stream arrives', async () => {
    const arrived: YamuxStream[] = [];
    await using pair = await sessionPair(memoryCarrier, {}, { onStream: (stream) => arrived.push(stream) });
    const near = pair.client.open();
    near.write(Buffer.from('held until somebody attaches'));
    await pair.client.ping();
    expect([near.accepted, arrived.length, pair.server.stats().backlog]).toEqual([false, 1, 1]);
    const [stream] = arrived;
    if (!stream) throw new Error('no stream');
    const far = new StreamReader(stream);
    expect(far.text()).toBe('held until somebody attaches');
    await pair.server.ping();
    expect([near.accepted, pair.server.stats().backlog]).toEqual([true, 0]);
  });

  it('refuses streams where nobody takes them, and says that they were never accepted', async () => {
    await using pair = await sessionPair(memoryCarrier);
    const reader = new StreamReader(pair.client.open());
    expect(await reader.closed).toMatchObject({ code: 'yamux-stream-refused' });
    expect(reader.stream.accepted).toBe(false);
  });

  it('gives up a stream that is not accepted in time', async () => {
    const clock = new ManualClock();
    await using pair = await sessionPair(memoryCarrier, { clock, keepAlive: false }, { onStream: () => {} });
    const reader = new StreamReader(pair.client.open());
    await pair.client.ping();
    clock.advance(75_000);
    expect(await reader.closed).toMatchObject({ code: 'yamux-open-timeout' });
  });

  it('gives up a stream whose peer does not end its direction in time, if told so', async () => {
    const clock = new ManualClock();
    const options: Options = { clock, keepAlive: false, limits: { halfCloseTimeoutMs: 1_000 } };
    const atServer = acceptor();
    await using pair = await sessionPair(memoryCarrier, options, atServer);
    const reader = new StreamReader(pair.client.open());
    reader.stream.end();
    await reader.finished;
    clock.advance(1_000);
    expect(await reader.closed).toMatchObject({ code: 'yamux-half-close-timeout' });
    expect(await (await atServer.next()).closed).toMatchObject({ code: 'yamux-stream-reset' });
  });
});

describe('a receiver that attaches late', () => {
  it('gets what came, the end and the loss of the session, in this order', async () => {
    const arrived: YamuxStream[] = [];
    await using pair = await sessionPair(memoryCarrier, {}, { onStream: (stream) => arrived.push(stream) });
    const near = pair.client.open();
    near.write(Buffer.from('early'));
    near.end();
    await pair.client.ping();
    pair.server.destroy();
    const [stream] = arrived;
    if (!stream) throw new Error('no stream');
    const reader = new StreamReader(stream);
    expect([reader.text(), reader.isEnded, reader.isClosed]).toEqual(['early', true, true]);
    expect(reader.error).toMatchObject({ code: 'yamux-session-closed' });
  });

  it('is told of a reset that came before, with nothing of what it dropped', async () => {
    const arrived: YamuxStream[] = [];
    await using pair = await sessionPair(memoryCarrier, {}, { onStream: (stream) => arrived.push(stream) });
    const near = pair.client.open();
    near.write(Buffer.from('early'));
    await pair.client.ping();
    near.reset();
    await pair.client.ping();
    const [stream] = arrived;
    if (!stream) throw new Error('no stream');
    const reader = new StreamReader(stream);
    expect([reader.bytes, reader.isEnded]).toEqual([0, false]);
    expect(await reader.closed).toMatchObject({ code: 'yamux-stream-reset' });
    expect(pair.server.stats()).toMatchObject({ bufferedBytes: 0, backlog: 0, streams: 0 });
  });
});

describe('closing', () => {
  it('resets what is still open when the grace is over', async () => {
    const clock = new ManualClock();
    const atServer = acceptor();
    await using pair = await sessionPair(memoryCarrier, { clock, keepAlive: false }, atServer);
    const near = new StreamReader(pair.client.open());
    const far = await atServer.next();
    const closed = pair.client.close(2_000);
    clock.advance(2_000);
    expect(await near.closed).toMatchObject({ code: 'yamux-session-closed' });
    expect(await far.closed).toMatchObject({ code: 'yamux-stream-reset' });
    expect(await closed).toBeUndefined();
  });

  it('does not wait for a carrier that takes no bytes', async () => {
    const clock = new ManualClock();
    const [near] = memoryChannelPair();
    const session = new Session(near, { role: 'client', clock, keepAlive: false });
    near.hold(true);
    const closed = session.close();
    clock.advance(2_000);
    expect(await closed).toBeUndefined();
    expect(clock.pending).toBe(0);
  });

  it('ends the session, not the process, when a receiver throws', async () => {
    await using pair = await sessionPair(
      memoryCarrier,
      {},
      {
        onStream: () => {
          throw new Error('a defect');
        },
      },
    );
    pair.client.open();
    expect(await pair.server.closed).toMatchObject({ code: 'yamux-internal', cause: { message: 'a defect' } });
    expect(await pair.client.closed).toMatchObject({ code: 'yamux-peer-internal-error' });
  });
});

describe('pings', () => {
  it('can be given up, and the session goes on', async () => {
    const carrier = await memoryCarrier();
    const [near] = [carrier.client];
    const session = new Session(near, { role: 'client', keepAlive: false });
    const abort = new AbortController();
    const ping = session.ping(abort.signal);
    abort.abort(new Error('enough'));
    await expect(ping).rejects.toThrow('enough');
    const server = new Session(carrier.server, { role: 'server', keepAlive: false });
    expect(await session.ping()).toBeGreaterThan(0);
    server.destroy();
    session.destroy();
  });

  it('are answered while the other side cannot write, once it can again', async () => {
    const [near, far] = memoryChannelPair();
    const client = new Session(near, { role: 'client', keepAlive: false });
    const server = new Session(far, { role: 'server', keepAlive: false });
    far.hold(true);
    const pings = Array.from({ length: 200 }, () => client.ping());
    far.hold(false);
    for (const rtt of await Promise.all(pings)) expect(rtt).toBeGreaterThan(0);
    client.destroy();
    server.destroy();
  });
});
