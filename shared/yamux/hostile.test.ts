import { describe, expect, it } from 'vitest';
import {
  FLAG_ACK,
  FLAG_FIN,
  FLAG_RST,
  FLAG_SYN,
  headerBytes,
  MAX_UINT32,
  TYPE_DATA,
  TYPE_GO_AWAY,
  TYPE_PING,
  TYPE_WINDOW_UPDATE,
} from './frame.ts';
import { ManualClock } from './testing/manual-clock.ts';
import { RawPeer } from './testing/raw-peer.ts';
import { StreamReader } from './testing/stream-reader.ts';
import type { YamuxStream } from './types.ts';

const WINDOW = 256 * 1024;
const header = headerBytes;
const versionOne = header(TYPE_DATA, 0, 1, 0).fill(1, 0, 1);
const syn = header(TYPE_WINDOW_UPDATE, FLAG_SYN, 1, 0);
const bytes = (count: number): Uint8Array => new Uint8Array(count);

/** What a peer in the client role says, and the code with which a server session ends. */
const deadly: readonly [string, readonly Uint8Array[], string][] = [
  ['another version', [versionOne], 'yamux-bad-version'],
  ['an unknown type', [header(4, 0, 1, 0)], 'yamux-bad-type'],
  ['an HTTP request', [Buffer.from('GET / HTTP/1.1\r\n\r\n')], 'yamux-bad-version'],
  ['an unknown flag', [header(TYPE_WINDOW_UPDATE, 16, 1, 0)], 'yamux-bad-flags'],
  ['data on stream 0', [header(TYPE_DATA, 0, 0, 1), bytes(1)], 'yamux-bad-stream-id'],
  ['a stream id of our parity', [header(TYPE_WINDOW_UPDATE, FLAG_SYN, 2, 0)], 'yamux-bad-stream-id'],
  ['a stream opened twice', [syn, syn], 'yamux-bad-stream-id'],
  ['data for a stream never opened', [header(TYPE_DATA, 0, 7, 1), bytes(1)], 'yamux-unknown-stream'],
  ['data for a stream that only we may open', [header(TYPE_DATA, 0, 2, 1), bytes(1)], 'yamux-unknown-stream'],
  ['a frame that claims 2^32-1 bytes', [syn, header(TYPE_DATA, 0, 1, MAX_UINT32)], 'yamux-window-exceeded'],
  ['a SYN that claims 2^32-1 bytes', [header(TYPE_DATA, FLAG_SYN, 1, MAX_UINT32)], 'yamux-window-exceeded'],
  ['one byte more than the window', [syn, header(TYPE_DATA, 0, 1, WINDOW + 1)], 'yamux-window-exceeded'],
  [
    'the window and one byte',
    [syn, header(TYPE_DATA, 0, 1, WINDOW), bytes(WINDOW), header(TYPE_DATA, 0, 1, 1)],
    'yamux-window-exceeded',
  ],
  ['a window beyond 2^32-1', [syn, header(TYPE_WINDOW_UPDATE, 0, 1, MAX_UINT32)], 'yamux-window-overflow'],
  ['a ping on a stream', [syn, header(TYPE_PING, FLAG_SYN, 1, 0)], 'yamux-bad-stream-id'],
  ['a ping that asks and answers', [header(TYPE_PING, FLAG_SYN | FLAG_ACK, 0, 0)], 'yamux-bad-flags'],
  ['a ping without a flag', [header(TYPE_PING, 0, 0, 0)], 'yamux-bad-flags'],
  ['a go-away on a stream', [header(TYPE_GO_AWAY, 0, 1, 0)], 'yamux-bad-stream-id'],
  ['a go-away for a protocol error', [header(TYPE_GO_AWAY, 0, 0, 1)], 'yamux-peer-protocol-error'],
  ['a go-away for an internal error', [header(TYPE_GO_AWAY, 0, 0, 2)], 'yamux-peer-internal-error'],
  ['a go-away of an unknown kind', [header(TYPE_GO_AWAY, 0, 0, 99)], 'yamux-peer-protocol-error'],
  [
    'data on a reset stream beyond what was promised',
    [syn, header(TYPE_WINDOW_UPDATE, FLAG_RST, 1, 0), header(TYPE_DATA, 0, 1, WINDOW + 1)],
    'yamux-window-exceeded',
  ],
];

describe('a hostile peer', () => {
  it.each(deadly)('ends the session with a go-away by %s', async (_name, says, code) => {
    const streams: YamuxStream[] = [];
    const peer = new RawPeer({ role: 'server', onStream: (stream) => streams.push(stream) });
    for (const part of says) peer.send(part);
    expect(await peer.session.closed).toMatchObject({ code });
    await peer.closed();
    expect(peer.frames.at(-1)).toEqual({ type: TYPE_GO_AWAY, flags: 0, id: 0, length: 1 });
    expect(peer.session.streams).toBe(0);
    await expect(peer.session.ping()).rejects.toMatchObject({ code });
    expect(() => peer.session.open()).toThrow(expect.objectContaining({ code: 'yamux-session-closed' }));
  });

  it('makes nothing grow by a length that it only claims', async () => {
    const before = process.memoryUsage().arrayBuffers;
    const peers = Array.from({ length: 20 }, () => new RawPeer({ role: 'server', onStream: () => {} }));
    for (const peer of peers) peer.send(syn, header(TYPE_DATA, 0, 1, MAX_UINT32));
    const errors = await Promise.all(peers.map((peer) => peer.session.closed));
    expect(errors.every((error) => error?.code === 'yamux-window-exceeded')).toBe(true);
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(20 * 1024 * 1024);
  });

  const floods: readonly [string, (index: number) => Uint8Array, number][] = [
    ['pings', (index) => header(TYPE_PING, FLAG_SYN, 0, index), 1_000],
    ['answers to pings that nobody sent', (index) => header(TYPE_PING, FLAG_ACK, 0, index), 1_000],
    ['empty data', () => header(TYPE_DATA, 0, 1, 0), 1_000],
    ['empty data that acknowledges its own stream', () => header(TYPE_DATA, FLAG_ACK, 1, 0), 1_000],
    ['updates by nothing', () => header(TYPE_WINDOW_UPDATE, 0, 1, 0), 1_000],
    ['go-aways', () => header(TYPE_GO_AWAY, 0, 0, 0), 1_000],
    ['updates', () => header(TYPE_WINDOW_UPDATE, 0, 1, 1), 100_000],
    ['updates that acknowledge its own stream', () => header(TYPE_WINDOW_UPDATE, FLAG_ACK, 1, 1), 100_000],
    ['streams that data open and reset', (index) => header(TYPE_DATA, FLAG_SYN | FLAG_RST, index * 2 + 3, 0), 20_000],
    ['opened and reset streams', (index) => header(TYPE_WINDOW_UPDATE, FLAG_SYN | FLAG_RST, index * 2 + 3, 0), 20_000],
  ];
  it.each(floods)('is stopped when it floods with %s', async (_name, frame, allowed) => {
    const clock = new ManualClock();
    const peer = new RawPeer({ role: 'server', onStream: (stream) => new StreamReader(stream), clock });
    peer.send(syn, Buffer.concat(Array.from({ length: allowed }, (_, index) => frame(index))));
    peer.send(header(TYPE_DATA, 0, 1, 3), Buffer.from('end'));
    await settled(() => peer.session.stats().dataBytesReceived === 3);
    expect(peer.session.streams).toBe(1);
    peer.send(Buffer.concat(Array.from({ length: 5 }, (_, index) => frame(allowed + index))));
    expect(await peer.session.closed).toMatchObject({ code: 'yamux-flood' });
  });

  it('is stopped when it opens streams without end', async () => {
    const peer = new RawPeer({
      role: 'server',
      clock: new ManualClock(),
      floodRates: { syn: { perSecond: 1, burst: 100, bytesPerFrame: 1e9 } },
      onStream: (stream) => new StreamReader(stream),
    });
    const open = (index: number): Uint8Array => header(TYPE_WINDOW_UPDATE, FLAG_SYN, index * 2 + 1, 0);
    for (let index = 0; index < 100; index++) peer.send(open(index));
    await settled(() => peer.session.streams === 100);
    peer.send(open(100));
    expect(await peer.session.closed).toMatchObject({ code: 'yamux-flood' });
  });

  it('may not send on streams that are gone what windows once allowed for thousands of them', async () => {
    const peer = new RawPeer({ role: 'server', onStream: (stream) => stream.reset() });
    for (let index = 0; index < 2_000; index++) peer.send(header(TYPE_WINDOW_UPDATE, FLAG_SYN, index * 2 + 1, 0));
    await settled(() => peer.session.stats().admitted === 2_000 && peer.session.streams === 0);
    peer.send(header(TYPE_DATA, 0, 1, 300 * 1024 * 1024));
    expect(await peer.session.closed).toMatchObject({ code: 'yamux-window-exceeded' });
  });

  it('ends the session, and not the process, when a receiver throws about what has left', async () => {
    const peer = new RawPeer({
      role: 'server',
      onStream: (stream) => {
        stream.attach({
          onData: (data) => stream.consumed(data.length),
          onEnd: () => {},
          onDrain: () => {},
          onClosed: () => {},
          onFinished: () => {
            throw new Error('a fault of ours');
          },
        });
        stream.end();
      },
    });
    peer.send(syn);
    expect(await peer.session.closed).toMatchObject({
      code: 'yamux-internal',
      message: expect.stringContaining('a fault of ours'),
    });
  });

  it.each([
    ['in order', undefined],
    ['for another reason', new Error('cut')],
  ])('leaves nobody untold when a receiver throws at the end of a session that ends %s', async (_name, reason) => {
    const told: string[] = [];
    let ended: unknown;
    const peer = new RawPeer({
      role: 'server',
      onStream: (stream) =>
        stream.attach({
          onData: (data) => stream.consumed(data.length),
          onEnd: () => {},
          onDrain: () => {},
          onClosed: () => {
            told.push(`stream ${told.length + 1}`);
            if (told.length === 1) throw new Error('a fault of ours');
          },
        }),
      onClosed: (error) => (ended = error),
    });
    peer.send(syn, header(TYPE_WINDOW_UPDATE, FLAG_SYN, 3, 0));
    await settled(() => peer.session.streams === 2);
    peer.session.destroy(reason);
    expect(await peer.session.closed).toMatchObject({ code: 'yamux-internal' });
    expect(told).toEqual(['stream 1', 'stream 2']);
    expect(ended).toMatchObject({ code: 'yamux-internal' });
  });

  it('may open and end streams in order as fast as it likes', async () => {
    const peer = new RawPeer({
      role: 'server',
      clock: new ManualClock(),
      floodRates: { syn: { perSecond: 1, burst: 100, bytesPerFrame: 1e9 } },
      onStream: (stream) => new StreamReader(stream).stream.end(),
    });
    for (let index = 0; index < 1000; index++) {
      const id = index * 2 + 1;
      peer.send(header(TYPE_WINDOW_UPDATE, FLAG_SYN, id, 0));
      await peer.until((frame) => frame.id === id && frame.flags === FLAG_FIN);
      peer.send(header(TYPE_WINDOW_UPDATE, FLAG_FIN, id, 0));
    }
    await settled(() => peer.session.streams === 0);
    expect(peer.session.stats().admitted).toBe(1000);
  });

  it('may send pings in proportion to its data', async () => {
    const peer = new RawPeer({
      role: 'server',
      onStream: (stream) => new StreamReader(stream),
      clock: new ManualClock(),
    });
    peer.send(syn);
    const block = bytes(4096);
    for (let index = 0; index < 3000; index++) {
      peer.frame(TYPE_DATA, 0, 1, block.length, block);
      peer.frame(TYPE_PING, FLAG_SYN, 0, index);
    }
    await peer.until((frame) => frame.type === TYPE_PING && frame.length === 2999);
    expect(peer.session.canOpen).toBe(true);
  });

  it('that does not read the answers it asks for is cut off', async () => {
    const peer = new RawPeer({
      role: 'server',
      onStream: () => {},
      floodRates: { ping: { perSecond: 1e9, burst: 1e9, bytesPerFrame: 1 } },
    });
    peer.stopReading();
    peer.send(Buffer.concat(Array.from({ length: 10_000 }, (_, index) => header(TYPE_PING, FLAG_SYN, 0, index))));
    expect(await peer.session.closed).toMatchObject({ code: 'yamux-control-overflow' });
  });

  it('gets only its stream reset for data after the end, as racing writers of the Go library send it', async () => {
    const readers: StreamReader[] = [];
    const peer = new RawPeer({ role: 'server', onStream: (stream) => readers.push(new StreamReader(stream)) });
    peer.send(syn, header(TYPE_WINDOW_UPDATE, FLAG_FIN, 1, 0), header(TYPE_DATA, 0, 1, 5), bytes(5));
    await peer.until((frame) => frame.flags === FLAG_RST && frame.id === 1);
    expect(await readers[0]?.closed).toMatchObject({ code: 'yamux-data-after-end' });
    expect(peer.session.canOpen).toBe(true);
  });

  it('has streams refused beyond the backlog, and nothing else suffers', async () => {
    const peer = new RawPeer({ role: 'server', onStream: () => {}, limits: { acceptBacklog: 4 } });
    for (let index = 0; index < 6; index++) peer.frame(TYPE_DATA, FLAG_SYN, index * 2 + 1, 3, Buffer.from('abc'));
    await peer.until((frame) => frame.flags === FLAG_RST && frame.id === 11);
    expect(peer.frames.filter((frame) => frame.flags === FLAG_RST).map((frame) => frame.id)).toEqual([9, 11]);
    expect(peer.session.stats()).toMatchObject({ streams: 4, backlog: 4, refused: 2 });
  });

  it('has streams refused beyond the maximum of streams', async () => {
    const streams: YamuxStream[] = [];
    const peer = new RawPeer({
      role: 'server',
      onStream: (stream) => streams.push(new StreamReader(stream).stream),
      limits: { maxStreams: 3 },
    });
    for (let index = 0; index < 4; index++) peer.frame(TYPE_WINDOW_UPDATE, FLAG_SYN, index * 2 + 1, 0);
    await peer.until((frame) => frame.flags === FLAG_RST);
    expect([streams.length, peer.session.streams]).toEqual([3, 3]);
    expect(() => peer.session.open()).toThrow(expect.objectContaining({ code: 'yamux-too-many-streams' }));
  });

  it('makes the session hold no more than its budget: the fattest stream is reset', async () => {
    const readers: StreamReader[] = [];
    const peer = new RawPeer({
      role: 'server',
      onStream: (stream) => readers.push(new StreamReader(stream, { consume: false })),
      limits: { sessionBudgetBytes: 500_000 },
    });
    const sizes = [100_000, 250_000, 120_000, 60_000];
    sizes.forEach((size, index) => peer.frame(TYPE_DATA, FLAG_SYN, index * 2 + 1, size, bytes(size)));
    await peer.until((frame) => frame.flags === FLAG_RST);
    expect(await readers[1]?.closed).toMatchObject({ code: 'yamux-session-budget' });
    await settled(() => peer.session.stats().bufferedBytes === 280_000);
    expect(peer.session.streams).toBe(3);
  });
});

async function settled(condition: () => boolean): Promise<void> {
  for (let turns = 0; turns < 100_000; turns++) {
    if (condition()) return;
    await new Promise((resolve) => setImmediate(resolve));
  }
  throw new Error('the condition never came true');
}
