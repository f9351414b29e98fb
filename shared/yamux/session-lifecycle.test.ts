import { describe, expect, it } from 'vitest';
import { memoryChannelPair } from './memory-channel.ts';
import { Session, type SessionOptions } from './session.ts';
import { acceptor } from './testing/acceptor.ts';
import { memoryCarrier, sessionPair } from './testing/carriers.ts';
import { gatedPair } from './testing/gated-carrier.ts';
import { ManualClock } from './testing/manual-clock.ts';
import { StreamReader } from './testing/stream-reader.ts';
import type { YamuxStream } from './types.ts';

type Options = Omit<SessionOptions, 'role'>;

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

it.each([
  ['client', 0xffff_ffff],
  ['server', 0xffff_fffe],
] as const)('makes way for another session with the last id of a %s, whose stream is served', async (role, lastId) => {
  const clock = new ManualClock();
  const atClient = acceptor();
  const atServer = acceptor();
  const options = { clock, keepAlive: false } as const;
  await using pair = await sessionPair(memoryCarrier, { ...options, ...atClient }, { ...options, ...atServer });
  const session = pair[role];
  Reflect.set(Reflect.get(session, 'table') as object, 'nextId', lastId);
  const near = new StreamReader(session.open());
  near.stream.write(Buffer.from('last'));
  near.stream.end();
  const far = await (role === 'client' ? atServer : atClient).next();
  await far.ended;
  expect([far.stream.id, far.text(), session.canOpen]).toEqual([lastId, 'last', false]);
  far.stream.end();
  expect([await near.closed, await pair.client.closed, await pair.server.closed]).toEqual([
    undefined,
    undefined,
    undefined,
  ]);
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

  it('is not told of an end when what came before it was dropped on this side', async () => {
    const arrived: YamuxStream[] = [];
    const server: Options = { onStream: (stream) => arrived.push(stream), keepAlive: false };
    await using pair = await sessionPair(memoryCarrier, { keepAlive: false }, server);
    const near = new StreamReader(pair.client.open());
    near.stream.write(Buffer.from('all of it'));
    near.stream.end();
    await pair.client.ping();
    await pair.server.close(0);
    const [stream] = arrived;
    if (!stream) throw new Error('no stream');
    const reader = new StreamReader(stream);
    expect([reader.bytes, reader.isEnded]).toEqual([0, false]);
    expect(await reader.closed).toMatchObject({ code: 'yamux-session-closed' });
  });
});

describe('many at once', () => {
  it.each(['resets them', 'closes the session'])('all streams may be given up by who %s', async (how) => {
    const clock = new ManualClock();
    const atServer = acceptor();
    const options = { clock, keepAlive: false } as const;
    await using pair = await sessionPair(memoryCarrier, options, { ...atServer, ...options });
    const first = new StreamReader(pair.client.open());
    const others: YamuxStream[] = [];
    for (;;) {
      while (pair.client.canOpen) others.push(pair.client.open());
      if (pair.client.streams === 16_384) break;
      await pair.client.ping();
    }
    await atServer.next(16_384);
    if (how === 'resets them') {
      for (const stream of others) stream.reset();
      await pair.client.ping();
      first.stream.write(Buffer.from('still here'));
      await atServer.readers[0]?.received(10);
      expect([pair.client.streams, pair.server.streams]).toEqual([1, 1]);
    }
    const closed = pair.client.close(0);
    clock.advance(0);
    expect(await closed).toBeUndefined();
    expect(await pair.server.closed).toBeUndefined();
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

  it('ends in order, too, when all that waited for the carrier was of a stream that it gives up', async () => {
    const clock = new ManualClock();
    const server = { ...acceptor(), keepAlive: false } as const;
    await using pair = await gatedPair(memoryCarrier, { clock, keepAlive: false }, server);
    pair.client.goAway();
    await pair.client.ping();
    pair.gates.client.hold(true);
    // It fills the carrier.
    pair.client.ping().catch(() => undefined);
    await expect.poll(() => pair.gates.client.heldWrites, { interval: 1 }).toBe(1);
    pair.client.open();
    const closed = pair.client.close(0);
    clock.advance(0);
    pair.gates.client.hold(false);
    expect(await closed).toBeUndefined();
    expect(await pair.server.closed).toBeUndefined();
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

  it('does so, too, when that is because of a time limit', async () => {
    const clock = new ManualClock();
    await using pair = await sessionPair(memoryCarrier, { clock, keepAlive: false }, { onStream: () => {} });
    pair.client.open().attach({
      onData: () => {},
      onEnd: () => {},
      onDrain: () => {},
      onClosed: () => {
        throw new Error('a defect');
      },
    });
    clock.advance(75_000);
    expect(await pair.client.closed).toMatchObject({ code: 'yamux-internal', cause: { message: 'a defect' } });
    expect(await pair.server.closed).toMatchObject({ code: 'yamux-peer-internal-error' });
  });

  it('ends the carrier and says how it ended, also when its owner throws about it', async () => {
    const clock = new ManualClock();
    const [near, far] = memoryChannelPair();
    const session = new Session(near, {
      role: 'server',
      clock,
      onClosed: () => {
        throw new Error('a defect');
      },
    });
    const over = new Promise<void>((resolve) => far.attach({ onBytes: () => {}, onClosed: () => resolve() }));
    far.send([Buffer.from('no frame of Yamux')], () => {});
    expect(await session.closed).toMatchObject({ code: 'yamux-internal', cause: { message: 'a defect' } });
    await over;
    expect(clock.pending).toBe(0);
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
