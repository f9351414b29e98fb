import { describe, expect, it } from 'vitest';
import { FLAG_SYN, HEADER_BYTES, headerBytes, TYPE_DATA, TYPE_PING, TYPE_WINDOW_UPDATE } from './frame.ts';
import { ManualClock } from './testing/manual-clock.ts';
import { RawPeer } from './testing/raw-peer.ts';
import { StreamReader } from './testing/stream-reader.ts';

const MIB = 1024 * 1024;
const MINUTE_MS = 60_000;

/** Data that the peer got. */
function dataBytes(peer: RawPeer): number {
  return peer.frames.reduce((sum, { type, length }) => sum + (type === TYPE_DATA ? length : 0), 0);
}

async function settle(peer: RawPeer): Promise<void> {
  for (let before = -1; before !== peer.frames.length;) {
    before = peer.frames.length;
    for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
  }
}

/** What happens is specified here: yamux (Ping) demands the answers, and a peer without them has broken the protocol. */
describe('a peer that never answers a ping', () => {
  it('gets one bound of data, is asked again each second, and goes on with the first answer', async () => {
    const clock = new ManualClock();
    const peer = new RawPeer({ role: 'client', clock });
    const { stream } = new StreamReader(peer.session.open());
    stream.write(new Uint8Array(4 * MIB));
    peer.frame(TYPE_WINDOW_UPDATE, 0, 1, 16 * MIB);
    await settle(peer);
    const bound = peer.session.stats().boundBytes;
    expect(dataBytes(peer)).toBeGreaterThan(bound / 2);
    expect(dataBytes(peer)).toBeLessThanOrEqual(bound);
    expect(peer.session.stats().inFlightBytes).toBeLessThanOrEqual(bound + HEADER_BYTES);

    const pings = (): number =>
      peer.frames.filter(({ type, flags }) => type === TYPE_PING && flags === FLAG_SYN).length;
    const [sent, asked] = [dataBytes(peer), pings()];
    await clock.run(10_000);
    await settle(peer);
    expect(dataBytes(peer)).toBe(sent);
    expect(pings() - asked).toBeGreaterThanOrEqual(9);
    expect(pings() - asked).toBeLessThanOrEqual(11);

    // Answers from here on, also to what was asked before.
    let answered = 0;
    for (let rounds = 0; rounds < 1_000 && dataBytes(peer) < 4 * MIB; rounds++) {
      const open = peer.frames.filter(({ type, flags }) => type === TYPE_PING && flags === FLAG_SYN).slice(answered);
      answered += open.length;
      peer.send(...open.map(({ length }) => headerBytes(TYPE_PING, 2, 0, length)));
      await clock.run(1);
      await settle(peer);
    }
    expect(dataBytes(peer)).toBe(4 * MIB);
    peer.session.destroy();
    expect(clock.pending).toBe(0);
  });

  it('still gets small messages beside it, and is forgotten with bounded memory', async () => {
    const clock = new ManualClock();
    const peer = new RawPeer({ role: 'client', clock });
    const bulk = new StreamReader(peer.session.open());
    bulk.stream.write(new Uint8Array(4 * MIB));
    peer.frame(TYPE_WINDOW_UPDATE, 0, 1, 16 * MIB);
    await settle(peer);
    const small = new StreamReader(peer.session.open());
    small.stream.write(new Uint8Array(100));
    await settle(peer);
    expect(peer.frames.some(({ type, id, length }) => type === TYPE_DATA && id === 3 && length === 100)).toBe(true);
    await clock.run(MINUTE_MS);
    expect(peer.session.stats()).toMatchObject({ streams: 2, suspect: false });
    peer.session.destroy();
    expect(await bulk.closed).toMatchObject({ code: 'yamux-session-closed' });
    expect(clock.pending).toBe(0);
  });

  it('ends within two missed pings where the session watches for silence', async () => {
    const clock = new ManualClock();
    const peer = new RawPeer({ role: 'client', clock, keepAlive: { intervalMs: 1_000, missMs: 1_000 } });
    peer.session.open().write(new Uint8Array(4 * MIB));
    await clock.run(3_000);
    expect(await peer.session.closed).toMatchObject({ code: 'yamux-keepalive-timeout' });
    expect(clock.pending).toBe(0);
  });
});
