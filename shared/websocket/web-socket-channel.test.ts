import { Duplex } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { ManualClock } from '../yamux/testing/manual-clock.ts';
import { frameBytes, type FrameSpec } from './testing/frame-bytes.ts';
import { rawPair } from './testing/raw-pair.ts';
import { RawWebSocketChannel } from './web-socket-channel.ts';

const masked = (spec: FrameSpec): Buffer => frameBytes({ mask: [9, 8, 7, 6], ...spec });
const closeFrame = (code: number): FrameSpec => ({ opcode: 8, payload: Uint8Array.of(code >> 8, code & 255) });
const plain = (spec: FrameSpec): string => frameBytes(spec).toString('hex');

describe('the close handshake', () => {
  it('answers the close of the peer with its code and ends; that is in order', async () => {
    await using pair = await rawPair();
    pair.peer.write(masked(closeFrame(1000)));
    await pair.peerEnded;
    expect(pair.wire().toString('hex')).toBe(plain(closeFrame(1000)));
    pair.peer.end();
    expect(await pair.closed).toBeUndefined();
  });

  it('sends what was given before the close, waits for the answer, and ends', async () => {
    await using pair = await rawPair();
    const sent = new Promise<void>((resolve) => pair.channel.send([Buffer.from('last words')], resolve));
    pair.channel.close();
    pair.channel.send([Buffer.from('too late')], () => expect.unreachable());
    await sent;
    await expect.poll(() => pair.wire().toString('hex')).toContain(plain(closeFrame(1000)));
    pair.peer.write(Buffer.concat([masked({ opcode: 2, payload: Buffer.from('mine') }), masked(closeFrame(1000))]));
    await pair.peerEnded;
    expect(Buffer.concat(pair.received).toString()).toBe('mine');
    pair.peer.end();
    expect(await pair.closed).toBeUndefined();
    expect(pair.wire().toString('hex')).toBe(
      plain({ opcode: 2, payload: Buffer.from('last words') }) + plain(closeFrame(1000)),
    );
  });

  it.each([
    ['answers no close', (): undefined => undefined],
    ['answers, and does not end', (): Buffer => masked(closeFrame(1000))],
  ])('ends by itself when the peer %s', async (_name, answer) => {
    const clock = new ManualClock();
    await using pair = await rawPair({ clock, closeTimeoutMs: 700 });
    pair.channel.close();
    await expect.poll(() => pair.wire().length).toBe(4);
    const bytes = answer();
    if (bytes !== undefined) {
      pair.peer.write(bytes);
      await pair.peerEnded;
    }
    clock.advance(700);
    expect((await pair.closed)?.message).toBe(
      bytes === undefined ? 'the connection ended without a close frame' : undefined,
    );
    expect(clock.pending).toBe(0);
  });

  it('a close with another code is told with it', async () => {
    await using pair = await rawPair();
    pair.peer.end(masked({ opcode: 8, payload: Buffer.from('\x03\xf3full', 'latin1') }));
    expect(await pair.closed).toMatchObject({
      code: 'websocket-closed-by-peer',
      message: expect.stringContaining('1011 full'),
    });
  });

  it('the end of the connection without a close frame is its death, though the socket is half open', async () => {
    await using pair = await rawPair();
    pair.peer.end(masked({ opcode: 2, payload: Buffer.from('half a frame') }).subarray(0, 9));
    expect(await pair.closed).toMatchObject({ code: 'websocket-cut' });
    expect(Buffer.concat(pair.received).toString()).toBe('hal');
  });
});

it('tells a peer that breaks the protocol why, and reads no more of it', async () => {
  await using pair = await rawPair();
  pair.peer.write(Buffer.concat([masked({ opcode: 2, payload: Buffer.from('good') }), masked({ opcode: 1 })]));
  await pair.peerEnded;
  pair.peer.end(masked({ opcode: 2, payload: Buffer.from('more') }));
  expect(await pair.closed).toMatchObject({ code: 'websocket-not-binary' });
  expect(pair.wire().toString('hex')).toBe(plain(closeFrame(1003)));
  expect(Buffer.concat(pair.received).toString()).toBe('good');
});

it('reads first what came with the handshake, and nothing before it is attached', async () => {
  await using pair = await rawPair({ head: masked({ opcode: 2, payload: Buffer.from('early ') }) });
  pair.peer.write(masked({ opcode: 2, payload: Buffer.from('late') }));
  await expect.poll(() => Buffer.concat(pair.received).toString()).toBe('early late');
});

describe('pings', () => {
  it('are answered with their payload', async () => {
    await using pair = await rawPair();
    const payloads = ['', 'a', 'x'.repeat(125)].map((text) => Buffer.from(text));
    for (const payload of payloads) pair.peer.write(masked({ opcode: 9, payload }));
    const expected = payloads.map((payload) => plain({ opcode: 10, payload })).join('');
    await expect.poll(() => pair.wire().toString('hex')).toBe(expected);
  });

  it('are answered with the newest only while the peer does not read', async () => {
    await using pair = await rawPair();
    pair.peer.pause();
    while (pair.channel.queuedBytes < 1 << 20) pair.channel.send([Buffer.alloc(1 << 20)], () => undefined);
    const held = pair.channel.queuedBytes;
    for (let count = 0; count < 500; count++)
      pair.peer.write(masked({ opcode: 9, payload: Buffer.from(`ping ${count}`) }));
    pair.peer.write(masked({ opcode: 2, payload: Buffer.from('seen') }));
    await expect.poll(() => pair.received.length).toBe(1);
    expect(pair.channel.queuedBytes).toBe(held);
    pair.peer.resume();
    const pong = frameBytes({ opcode: 10, payload: Buffer.from('ping 499') });
    await expect.poll(() => pair.wire().subarray(-pong.length).equals(pong)).toBe(true);
  });

  it('are answered, too, when what waited before was not enough for the socket to ask for a rest', async () => {
    const written: Buffer[] = [];
    const done: (() => void)[] = [];
    const socket = new Duplex({
      read: () => {},
      write: (bytes: Buffer, _encoding, callback) => {
        written.push(bytes);
        done.push(callback);
      },
    });
    const channel = new RawWebSocketChannel(socket, { role: 'server' });
    const received = new Promise<void>((resolve) => {
      channel.attach({ onBytes: () => resolve(), onClosed: () => {} });
    });
    channel.send([new Uint8Array(20_000)], () => {});
    socket.push(
      Buffer.concat([
        masked({ opcode: 9, payload: Buffer.from('there?') }),
        masked({ opcode: 2, payload: Buffer.from('x') }),
      ]),
    );
    await received;
    const pong = plain({ opcode: 10, payload: Buffer.from('there?') });
    await expect
      .poll(() => (done.shift()?.(), Buffer.concat(written).toString('hex').endsWith(pong)), { interval: 1 })
      .toBe(true);
    channel.destroy();
  });

  it('in a flood end the channel, and so do pongs and empty messages', async () => {
    for (const opcode of [9, 10, 2]) {
      await using pair = await rawPair({ clock: new ManualClock() });
      pair.peer.write(Buffer.concat(Array.from({ length: 1_001 }, () => masked({ opcode }))));
      await pair.peerEnded;
      pair.peer.end();
      expect(await pair.closed).toMatchObject({ code: 'websocket-flood' });
    }
  });
});
