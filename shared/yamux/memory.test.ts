import { describe, expect, it } from 'vitest';
import { headerBytes, INITIAL_WINDOW_BYTES, MAX_UINT32, TYPE_DATA } from './frame.ts';
import { ReceiveBudget } from './receive-budget.ts';
import { acceptor } from './testing/acceptor.ts';
import { memoryCarrier, sessionPair } from './testing/carriers.ts';
import { collect } from './testing/collect.ts';
import { RawPeer } from './testing/raw-peer.ts';
import { StreamReader } from './testing/stream-reader.ts';

const MIB = 1024 * 1024;

function heldBytes(): number {
  collect();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}

describe('memory', () => {
  it('does not grow for a frame that claims 2^32-1 bytes and goes on', async () => {
    const peer = new RawPeer({ role: 'server', onStream: () => {} });
    const before = heldBytes();
    peer.send(headerBytes(TYPE_DATA, 1, 1, 0), headerBytes(TYPE_DATA, 0, 1, MAX_UINT32));
    const chunk = new Uint8Array(64 * 1024);
    for (let count = 0; count < 512; count++) peer.send(chunk);
    const error = await peer.session.closed;
    expect(error?.code).toBe('yamux-window-exceeded');
    await peer.closed();
    expect(heldBytes() - before).toBeLessThan(MIB);
  });

  it('holds no more than the budget of a session for 1,000 streams whose consumers stall', async () => {
    const sessionBudgetBytes = 16 * MIB;
    const atServer = acceptor({ consume: false });
    const limits = { acceptBacklog: 1_000, maxUnacknowledged: 1_000, sessionBudgetBytes };
    await using pair = await sessionPair(memoryCarrier, { limits }, { ...atServer, limits });
    const chunk = new Uint8Array(INITIAL_WINDOW_BYTES);
    const senders = Array.from({ length: 1_000 }, () => {
      const near = new StreamReader(pair.client.open());
      near.stream.write(chunk);
      return near;
    });
    let most = 0;
    for (let round = 0; round < 50; round++) {
      await pair.client.ping();
      most = Math.max(most, pair.server.stats().bufferedBytes);
    }
    expect(most).toBeGreaterThan(sessionBudgetBytes / 2);
    expect(most).toBeLessThanOrEqual(sessionBudgetBytes);
    // Those that were not reset still work.
    const alive = senders.filter((sender) => !sender.isClosed);
    expect(alive.length).toBeGreaterThan(10);
  });

  it('bounds what all sessions that share a budget hold, and lets go of it when they end', async () => {
    const budget = new ReceiveBudget(4 * MIB);
    const servers = await Promise.all(
      Array.from({ length: 8 }, async () => {
        const atServer = acceptor({ consume: false });
        const pair = await sessionPair(memoryCarrier, {}, { ...atServer, budget });
        for (let count = 0; count < 8; count++) {
          new StreamReader(pair.client.open()).stream.write(new Uint8Array(INITIAL_WINDOW_BYTES));
        }
        return pair;
      }),
    );
    let most = 0;
    for (let round = 0; round < 20; round++) {
      await Promise.all(servers.map((pair) => pair.client.ping()));
      most = Math.max(most, budget.bufferedBytes);
    }
    const held = servers.reduce((sum, pair) => sum + pair.server.stats().bufferedBytes, 0);
    expect(budget.bufferedBytes).toBe(held);
    expect(most).toBeGreaterThan(2 * MIB);
    expect(most).toBeLessThanOrEqual(budget.maxBytes);
    for (const pair of servers) await pair[Symbol.asyncDispose]();
    expect([budget.bufferedBytes, budget.grownBytes]).toEqual([0, 0]);
  });

  it('bounds it also when all of them are in the midst of a frame', async () => {
    const budget = new ReceiveBudget(MIB);
    const options = { role: 'server', keepAlive: false, budget } as const;
    const peers = Array.from(
      { length: 16 },
      () => new RawPeer({ ...options, onStream: (stream) => void new StreamReader(stream, { consume: false }) }),
    );
    for (const peer of peers) peer.send(headerBytes(TYPE_DATA, 1, 1, INITIAL_WINDOW_BYTES), new Uint8Array(1));
    await expect.poll(() => budget.bufferedBytes, { interval: 1 }).toBe(peers.length);
    let most = 0;
    for (const peer of peers) {
      peer.send(new Uint8Array(INITIAL_WINDOW_BYTES - 1));
      await expect.poll(() => peer.session.stats().dataBytesReceived, { interval: 1 }).toBe(INITIAL_WINDOW_BYTES);
      most = Math.max(most, budget.bufferedBytes);
    }
    expect(most).toBeGreaterThan(MIB / 2);
    expect(most).toBeLessThanOrEqual(MIB);
    for (const peer of peers) peer.session.destroy();
  });

  it('grows windows by no more than the budget, and leaves some of it for the next', async () => {
    const budget = new ReceiveBudget(MIB);
    const atServer = acceptor();
    await using pair = await sessionPair(memoryCarrier, {}, { ...atServer, budget });
    const senders = Array.from({ length: 12 }, () => new StreamReader(pair.client.open()));
    for (const { stream } of senders) stream.write(new Uint8Array(2 * MIB));
    for (const { stream } of senders) stream.end();
    const readers = await Promise.all(senders.map(() => atServer.next()));
    let most = 0;
    for (const reader of readers) {
      await reader.ended;
      most = Math.max(most, budget.grownBytes);
    }
    expect(readers.map((reader) => reader.bytes)).toEqual(senders.map(() => 2 * MIB));
    expect(most).toBeLessThanOrEqual(budget.maxBytes);
  });
});
