import { describe, expect, it } from 'vitest';
import { INITIAL_WINDOW_BYTES } from './frame.ts';
import { OWN_PEER_SHARE_BYTES } from './limits.ts';
import { acceptor } from './testing/acceptor.ts';
import { memoryCarrier, secureWebSocketCarrier, sessionPair } from './testing/carriers.ts';
import { collect } from './testing/collect.ts';
import { StreamReader } from './testing/stream-reader.ts';

const STALLED = 1_000;
const PIECE = new Uint8Array(64 * 1024);

/** Writes as long as it is told to go on, as one who reads an upstream does. */
class Pump {
  readonly reader: StreamReader;
  private left: number;

  constructor(reader: StreamReader, bytes: number) {
    this.reader = reader;
    this.left = bytes;
    void this.run();
  }

  get toldToWait(): boolean {
    return this.left > 0;
  }

  private async run(): Promise<void> {
    const { reader } = this;
    while (this.left > 0 && !reader.isClosed) {
      const piece = PIECE.subarray(0, Math.min(PIECE.length, this.left));
      this.left -= piece.length;
      await reader.write(piece);
    }
    reader.stream.end();
  }
}

describe('1,000 streams whose consumers take nothing', () => {
  it.each([
    ['memory', memoryCarrier],
    ['WebSocket in TLS', secureWebSocketCarrier],
  ])(
    'cost both ends little, and none of 200 small ones beside them waits for them, over %s',
    async (_, carrier) => {
      const limits = { maxUnacknowledged: 2_000, acceptBacklog: 2_000, untakenShareBytes: OWN_PEER_SHARE_BYTES };
      const atServer = acceptor({ consume: false });
      await using pair = await sessionPair(carrier, { limits }, { ...atServer, limits });
      const total = INITIAL_WINDOW_BYTES + PIECE.length;
      const pumps = Array.from({ length: STALLED }, () => new Pump(new StreamReader(pair.client.open()), total));
      await atServer.next(STALLED);
      let before = -1;
      while (before !== pair.server.stats().bufferedBytes) {
        before = pair.server.stats().bufferedBytes;
        await pair.client.ping();
      }

      expect(pumps.every((pump) => pump.toldToWait)).toBe(true);
      expect(before).toBeLessThan(STALLED * OWN_PEER_SHARE_BYTES + 40 * 2 ** 20);
      const queued = pumps.map((pump) => pump.reader.stream.queuedBytes);
      expect(queued.reduce((sum, bytes) => sum + bytes, 0)).toBeLessThan(STALLED * PIECE.length + 10 * 2 ** 20);

      for (let count = 1; count <= 200; count++) {
        const small = new StreamReader(pair.client.open());
        small.stream.write(PIECE.subarray(0, 1024));
        small.stream.end();
        const far = await atServer.next(STALLED + count);
        await far.ended;
        far.stream.consumed(1024);
        far.stream.write(Buffer.from('ok'));
        far.stream.end();
        expect(await small.closed).toBeUndefined();
        expect(small.text()).toBe('ok');
      }

      // Nobody was reset to make room, and everybody goes on.
      expect(pumps.filter((pump) => pump.reader.isClosed)).toEqual([]);
      for (const far of atServer.readers.slice(0, STALLED)) {
        far.consumeOn();
        far.stream.end();
      }
      expect(await Promise.all(pumps.map((pump) => pump.reader.closed))).toEqual(pumps.map(() => undefined));
      const stalled = atServer.readers.slice(0, STALLED);
      await Promise.all(stalled.map((far) => far.closed));
      expect(stalled.every((far) => far.bytes === total)).toBe(true);
      expect([pair.client.stats().queuedBytes, pair.server.stats().bufferedBytes]).toEqual([0, 0]);
    },
    60_000,
  );

  it('leave to a stream that moves all that its window allows', async () => {
    const limits = { untakenBudgetBytes: 2 * 2 ** 20, untakenShareBytes: OWN_PEER_SHARE_BYTES };
    const atServer = acceptor({ consume: false });
    await using pair = await sessionPair(memoryCarrier, { limits }, atServer);
    for (let count = 0; count < 64; count++) new Pump(new StreamReader(pair.client.open()), 2 ** 20);
    await atServer.next(64);
    const moving = new Pump(new StreamReader(pair.client.open()), 32 * 2 ** 20);
    const far = await atServer.next(65);
    far.consumeOn();
    await far.ended;
    expect(far.bytes).toBe(32 * 2 ** 20);
    expect(moving.toldToWait).toBe(false);
  });

  it('a peer that tells late of what was consumed is never waited for', async () => {
    // hashicorp/yamux tells after half of a window.
    const atServer = acceptor({ consume: false });
    await using pair = await sessionPair(memoryCarrier, { limits: { untakenBudgetBytes: 0 } }, atServer);
    const pump = new Pump(new StreamReader(pair.client.open()), 2 ** 20);
    const far = await atServer.next();
    for (let taken = 0; taken < 2 ** 20; taken += INITIAL_WINDOW_BYTES / 2) {
      await far.received(taken + INITIAL_WINDOW_BYTES / 2);
      far.stream.consumed(INITIAL_WINDOW_BYTES / 2);
    }
    await far.ended;
    expect(pump.toldToWait).toBe(false);
  });

  it('keep what they wait with, and not the buffers that it was cut from', async () => {
    const limits = { untakenBudgetBytes: 0, untakenShareBytes: OWN_PEER_SHARE_BYTES };
    const atServer = acceptor({ consume: false });
    await using pair = await sessionPair(
      memoryCarrier,
      { limits, keepAlive: false },
      { ...atServer, keepAlive: false },
    );
    const senders = Array.from({ length: 100 }, () => new StreamReader(pair.client.open()));
    for (const { stream } of senders) stream.write(PIECE);
    for (const far of await Promise.all(senders.map((_, at) => atServer.next(at + 1))))
      await far.received(PIECE.length);
    await pair.client.ping();
    // Their windows and the carrier have room: it is the share of the session that is used up.
    const { queuedBytes, inFlightBytes } = pair.client.stats();
    expect([queuedBytes, inFlightBytes]).toEqual([0, 0]);

    const buffers = senders.map(({ stream }) => {
      const read = new Uint8Array(64 * 1024).fill(7);
      for (let at = 0; at < 3; at++) stream.write(read.subarray(at * 1000, at * 1000 + 10));
      return new WeakRef(read.buffer);
    });
    expect(pair.client.stats().queuedBytes).toBe(senders.length * 30);
    await pair.client.ping();
    collect();
    expect(buffers.filter((buffer) => buffer.deref() !== undefined)).toEqual([]);

    for (const far of atServer.readers) far.consumeOn();
    for (const far of atServer.readers) await far.received(PIECE.length + 30);
    expect(atServer.readers.every((far) => far.text().endsWith('\x07'.repeat(30)))).toBe(true);
  });
});
