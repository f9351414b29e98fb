import { setImmediate as nextTurn } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import {
  FLAG_ACK,
  FLAG_RST,
  FLAG_SYN,
  headerBytes,
  INITIAL_WINDOW_BYTES,
  TYPE_PING,
  TYPE_WINDOW_UPDATE,
} from './frame.ts';
import { acceptor } from './testing/acceptor.ts';
import { memoryCarrier } from './testing/carriers.ts';
import { collect } from './testing/collect.ts';
import { gatedPair } from './testing/gated-carrier.ts';
import { ManualClock } from './testing/manual-clock.ts';
import { RawPeer } from './testing/raw-peer.ts';
import { StreamReader } from './testing/stream-reader.ts';
import type { YamuxStream } from './types.ts';

/** Nearly what may be reset at once. */
const GONE = 9_000;
const FEW = 200;
const soon = { interval: 1, timeout: 30_000 };

/** How many of them something still refers to. */
async function kept(streams: readonly WeakRef<YamuxStream>[]): Promise<number> {
  // What was looked at in this turn stays until the next.
  await nextTurn();
  collect();
  return streams.filter((stream) => stream.deref() !== undefined).length;
}

describe('streams that are gone', () => {
  const answers: readonly [string, number][] = [
    ['only acknowledged', 0],
    ['answered', 100],
  ];

  it.each(answers)('are not kept when a peer that reads nothing has reset them, %s', async (_name, answerBytes) => {
    const gone: WeakRef<YamuxStream>[] = [];
    let accepted = 0;
    const peer = new RawPeer({
      role: 'server',
      clock: new ManualClock(),
      onStream: (stream) => {
        new StreamReader(stream);
        // The first fills the carrier.
        stream.write(new Uint8Array(accepted++ === 0 ? INITIAL_WINDOW_BYTES : answerBytes));
        if (accepted > 1) gone.push(new WeakRef(stream));
      },
    });
    peer.stopReading();
    peer.send(headerBytes(TYPE_WINDOW_UPDATE, FLAG_SYN, 1, 0));
    await expect.poll(() => peer.session.stats().dataBytesSent, soon).toBe(INITIAL_WINDOW_BYTES);
    await openAndReset(peer, gone);
    expect(await kept(gone)).toBeLessThan(FEW);
    expect([peer.session.streams, peer.session.canOpen]).toEqual([1, true]);
  });

  it('are not kept behind an answer that waits because the peer does not say what has arrived', async () => {
    const STAY = 10;
    const gone: WeakRef<YamuxStream>[] = [];
    let accepted = 0;
    const peer = new RawPeer({
      role: 'server',
      clock: new ManualClock(),
      onStream: (stream) => {
        new StreamReader(stream);
        // The first fill what may be in flight, also what may be for small answers.
        stream.write(new Uint8Array(accepted++ < 2 ? INITIAL_WINDOW_BYTES : 16 * 1024));
        if (accepted > STAY) gone.push(new WeakRef(stream));
      },
    });
    for (let index = 0; index < STAY; index++) {
      peer.send(headerBytes(TYPE_WINDOW_UPDATE, FLAG_SYN, index * 2 + 1, 0));
      await peer.until((frame) => frame.id === index * 2 + 1);
    }
    await openAndReset(peer, gone, STAY * 2 + 1);
    // What is not bounded so still leaves: this peer is never given up.
    peer.send(headerBytes(TYPE_PING, FLAG_SYN, 0, 7));
    await peer.until((frame) => frame.type === TYPE_PING && frame.flags === FLAG_ACK && frame.length === 7);
    expect(await kept(gone)).toBeLessThan(FEW);
    expect(peer.session.streams).toBe(STAY);
    expect(peer.session.stats().queuedBytes).toBeGreaterThan(0);
  });

  it('are not kept when they were opened and given up here while nothing left', async () => {
    const gone: WeakRef<YamuxStream>[] = [];
    const atServer = acceptor();
    await using pair = await gatedPair(memoryCarrier, { keepAlive: false }, { ...atServer, keepAlive: false });
    await pair.client.ping();
    pair.gates.client.hold(true);
    const first = new StreamReader(pair.client.open());
    first.stream.write(Buffer.from('first'));
    await expect.poll(() => pair.gates.client.heldWrites, soon).toBeGreaterThan(0);
    const alive: StreamReader[] = [];
    for (let round = 0; round < GONE / 100; round++) {
      for (let count = 0; count < 100; count++) openAndGiveUp();
      const stays = new StreamReader(pair.client.open());
      stays.stream.write(Buffer.from(`round ${round}`));
      alive.push(stays);
      await nextTurn();
    }
    expect(await kept(gone)).toBeLessThan(FEW);

    // Those that were not given up are none the worse, and in their order.
    pair.gates.client.hold(false);
    const far = await atServer.next(1 + alive.length);
    await far.received('round 89'.length);
    expect(atServer.readers.map((reader) => reader.text())).toEqual(['first', ...alive.map((_, at) => `round ${at}`)]);
    expect([pair.client.streams, pair.server.streams]).toEqual([1 + alive.length, 1 + alive.length]);

    function openAndGiveUp(): void {
      const stream = pair.client.open();
      gone.push(new WeakRef(stream));
      stream.write(Buffer.from('never sent'));
      stream.reset();
    }
  });
});

async function openAndReset(peer: RawPeer, gone: readonly unknown[], firstId = 3): Promise<void> {
  for (let index = 0; index < GONE; index++) {
    const id = firstId + index * 2;
    peer.send(headerBytes(TYPE_WINDOW_UPDATE, FLAG_SYN, id, 0), headerBytes(TYPE_WINDOW_UPDATE, FLAG_RST, id, 0));
  }
  await expect.poll(() => gone.length, soon).toBe(GONE);
}
