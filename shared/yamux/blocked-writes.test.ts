import { setImmediate as nextTurn } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { acceptor } from './testing/acceptor.ts';
import { type Gate, gatedPair, mainCarriers } from './testing/gated-carrier.ts';
import { ManualClock } from './testing/manual-clock.ts';
import { memoryCarrier } from './testing/carriers.ts';
import { StreamReader } from './testing/stream-reader.ts';

const KIB = 1024;
const WINDOW = 256 * KIB;
const SECOND_MS = 1_000;
const soon = { interval: 1, timeout: 30_000 };
const clean = { streams: 0, backlog: 0, unacknowledged: 0, bufferedBytes: 0, queuedBytes: 0 };
const anyPings = { ping: { perSecond: 1e9, burst: 1e9, bytesPerFrame: 1 } };

/** Two missed pings by this clock, while what would answer them, or the pings themselves, wait at the gate. */
async function missTwoPings(clock: ManualClock, gate: Gate): Promise<void> {
  clock.advance(SECOND_MS);
  await expect.poll(() => gate.heldWrites, soon).toBeGreaterThan(0);
  clock.advance(2 * SECOND_MS);
}

/** The cases of hashicorp's session_test.go in which one side cannot write any more, and one of go-yamux. */
describe.each(mainCarriers)('over %s', (_name, makeCarrier) => {
  // TestKeepAlive
  it('pings of its own accord on both sides', async () => {
    const keepAlive = { intervalMs: 5, missMs: 60_000 };
    await using pair = await gatedPair(makeCarrier, { keepAlive }, { keepAlive });
    await expect.poll(() => Math.min(pair.client.rttMs, pair.server.rttMs), soon).toBeGreaterThan(0);
    expect([pair.client.suspect, pair.server.suspect]).toEqual([false, false]);
  });

  // TestKeepAlive_Timeout
  it('ends a session whose peer answers no ping, and lives with one that does', async () => {
    const clock = new ManualClock();
    const suspicions: boolean[] = [];
    const onSuspect = (suspect: boolean): void => void suspicions.push(suspect);
    await using pair = await gatedPair(makeCarrier, { keepAlive: false }, { clock, onSuspect });
    for (let second = 0; second < 5; second++) {
      clock.advance(SECOND_MS);
      await pair.server.ping();
    }
    expect([suspicions, pair.server.canOpen]).toEqual([[], true]);
    pair.gates.client.hold(true);
    await missTwoPings(clock, pair.gates.client);
    expect(await pair.server.closed).toMatchObject({ code: 'yamux-keepalive-timeout' });
    expect(await pair.client.closed).toMatchObject({ code: 'yamux-connection-lost' });
    expect([suspicions, clock.pending]).toEqual([[true], 0]);
  });

  // TestPing_Timeout
  it('lets a ping be given up, and answers the next one', async () => {
    await using pair = await gatedPair(makeCarrier);
    pair.gates.client.hold(true);
    const abort = new AbortController();
    const ping = pair.server.ping(abort.signal);
    await expect.poll(() => pair.gates.client.heldWrites, soon).toBeGreaterThan(0);
    abort.abort(new Error('enough'));
    await expect(ping).rejects.toThrow('enough');
    pair.gates.client.hold(false);
    expect(await pair.server.ping()).toBeGreaterThan(0);
  });

  // TestSession_ConnectionWriteTimeout
  it('ends a session that can write no more, and the writer that waits is told', async () => {
    const clock = new ManualClock();
    const atServer = acceptor();
    await using pair = await gatedPair(makeCarrier, { clock }, { ...atServer, keepAlive: false });
    const near = new StreamReader(pair.client.open());
    await atServer.next();
    await pair.server.ping();
    pair.gates.client.hold(true);
    const written = near.write(Buffer.alloc(4 * WINDOW));
    await missTwoPings(clock, pair.gates.client);
    expect(await pair.client.closed).toMatchObject({ code: 'yamux-keepalive-timeout' });
    expect(await near.closed).toMatchObject({ code: 'yamux-keepalive-timeout' });
    await written;
    expect([near.drains, clock.pending]).toEqual([0, 0]);
    expect(pair.client.stats()).toMatchObject(clean);
    expect(await pair.server.closed).toMatchObject({ code: 'yamux-connection-lost' });
    expect(atServer.readers[0]?.bytes).toBe(0);
  });

  // TestSession_WindowUpdateWriteDuringRead
  it('reads on while its credit cannot leave, and gets the rest once it can', async () => {
    const atServer = acceptor();
    await using pair = await gatedPair(makeCarrier, {}, atServer);
    const near = new StreamReader(pair.client.open());
    const far = await atServer.next();
    await pair.client.ping();
    pair.gates.client.hold(true);
    far.stream.write(Buffer.alloc(3 * WINDOW));
    far.stream.end();
    // More than what is worth an update.
    await near.received(WINDOW / 2);
    await expect.poll(() => pair.gates.client.heldWrites, soon).toBeGreaterThan(0);
    expect(far.stream.queuedBytes).toBeGreaterThanOrEqual(2 * WINDOW);
    expect(pair.client.stats().bufferedBytes).toBe(0);
    pair.gates.client.hold(false);
    await near.ended;
    expect([near.bytes, far.stream.queuedBytes]).toEqual([3 * WINDOW, 0]);
  });

  // TestSession_sendNoWait_Timeout
  it('queues no more than 256 pings while nothing leaves, and all are answered in the end', async () => {
    await using pair = await gatedPair(makeCarrier);
    await pair.client.ping();
    pair.gates.client.hold(true);
    let answers = 0;
    const pings = Promise.all(
      Array.from({ length: 256 }, async () => {
        await pair.client.ping();
        answers++;
      }),
    );
    await expect(pair.client.ping()).rejects.toMatchObject({ code: 'yamux-too-many-pings' });
    pair.client.goAway();
    // What the server says is heard all the same.
    pair.server.goAway();
    await expect.poll(() => pair.client.stats().peerWentAway, soon).toBe(true);
    expect([answers, pair.server.stats().peerWentAway]).toEqual([0, false]);
    pair.gates.client.hold(false);
    await pings;
    expect([answers, pair.server.stats().peerWentAway]).toEqual([256, true]);
    await pair.client.ping();
  });

  // TestSession_PingOfDeath
  it('reads on while it cannot answer pings, and answers them once it can', async () => {
    const atServer = acceptor();
    await using pair = await gatedPair(makeCarrier, {}, atServer);
    const near = new StreamReader(pair.client.open());
    const far = await atServer.next();
    await pair.client.ping();
    pair.gates.server.hold(true);
    far.stream.write(Buffer.alloc(2 * WINDOW));
    let answers = 0;
    const pings = Promise.all(
      Array.from({ length: 512 }, async (_, index) => {
        await (index % 2 === 0 ? pair.client : pair.server).ping();
        answers++;
      }),
    );
    near.stream.write(Buffer.alloc(20 * KIB));
    await far.received(20 * KIB);
    expect([answers, near.bytes]).toEqual([0, 0]);
    pair.gates.server.hold(false);
    await pings;
    await near.received(2 * WINDOW);
    expect(await pair.client.ping()).toBeGreaterThan(0);
  });

  // TestSession_PingOfDeath, of a peer that goes on
  it('cuts off a peer that asks for answers without end while none can leave', async () => {
    const atServer = acceptor();
    await using pair = await gatedPair(makeCarrier, {}, { ...atServer, floodRates: anyPings });
    const near = new StreamReader(pair.client.open());
    const far = await atServer.next();
    pair.gates.server.hold(true);
    far.stream.write(Buffer.alloc(WINDOW));
    await expect.poll(() => pair.gates.server.heldWrites, soon).toBeGreaterThan(0);
    for (let asked = 0; asked <= 8192; asked += 256) {
      const abort = new AbortController();
      const pings = Array.from({ length: 256 }, () => pair.client.ping(abort.signal));
      abort.abort();
      const given = await Promise.allSettled(pings);
      expect(given.every(({ status }) => status === 'rejected')).toBe(true);
    }
    expect(await pair.server.closed).toMatchObject({ code: 'yamux-control-overflow' });
    expect(await far.closed).toMatchObject({ code: 'yamux-control-overflow' });
    pair.gates.server.hold(false);
    expect(await near.closed).toMatchObject({ code: 'yamux-peer-protocol-error' });
  });

  // go-yamux: TestLotsOfWritesWithStreamDeadline
  it('sends nothing of what was given up while it waited behind a blocked stream', async () => {
    const atServer = acceptor();
    await using pair = await gatedPair(makeCarrier, {}, atServer);
    const clogger = new StreamReader(pair.client.open());
    const given = Array.from({ length: 50 }, () => new StreamReader(pair.client.open()));
    await atServer.next(51);
    await pair.client.ping();
    pair.gates.client.hold(true);
    clogger.stream.write(Buffer.alloc(WINDOW, 1));
    await expect.poll(() => pair.gates.client.heldWrites, soon).toBeGreaterThan(0);
    const waiting = pair.client.stats().queuedBytes;
    for (let round = 0; round < 20; round++) {
      for (const near of given) near.stream.write(Buffer.alloc(KIB));
    }
    // The end of the tick is when what may leave does.
    await nextTurn();
    expect(pair.client.stats().queuedBytes).toBe(waiting + 50 * 20 * KIB);
    for (const near of given) near.stream.reset();
    expect(pair.client.stats()).toMatchObject({ queuedBytes: waiting, streams: 1 });
    clogger.stream.end();
    pair.gates.client.hold(false);
    const [far, ...others] = atServer.readers;
    await far?.ended;
    expect(far?.bytes).toBe(WINDOW);
    const errors = await Promise.all(others.map((other) => other.closed));
    expect(errors).toMatchObject(others.map(() => ({ code: 'yamux-stream-reset' })));
    expect(others.map((other) => other.bytes)).toEqual(others.map(() => 0));
    far?.stream.end();
    expect(await clogger.closed).toBeUndefined();
    expect([pair.client.stats(), pair.server.stats()]).toMatchObject([clean, clean]);
  });
});

it('ends a session that is heard, and whose peer takes nothing, after so many pings', async () => {
  const clock = new ManualClock();
  const limits = { writeTimeoutMs: 10 * SECOND_MS };
  const atClient = acceptor();
  await using pair = await gatedPair(memoryCarrier, { ...atClient, clock, limits }, { keepAlive: false });
  const speaker = new StreamReader(pair.server.open());
  let said = 0;
  const heardFor = async (seconds: number): Promise<void> => {
    for (let second = 0; second < seconds; second++) {
      clock.advance(SECOND_MS);
      if (!pair.client.canOpen) return;
      speaker.stream.write(Buffer.alloc(1));
      said++;
      await expect.poll(() => atClient.readers[0]?.bytes, soon).toBe(said);
    }
  };
  pair.gates.client.hold(true);
  await heardFor(8);
  pair.gates.client.hold(false);
  await heardFor(20);
  expect(pair.client.canOpen).toBe(true);
  pair.gates.client.hold(true);
  await heardFor(9);
  expect([pair.client.canOpen, pair.client.suspect]).toEqual([true, false]);
  await heardFor(4);
  expect(await pair.client.closed).toMatchObject({ code: 'yamux-write-timeout' });
  expect(clock.pending).toBe(0);
});
