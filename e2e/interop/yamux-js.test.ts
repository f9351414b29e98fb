import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { afterEach, describe, expect, it } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import { Client, Server } from 'yamux-js';
import { Session, type SessionOptions } from '../../shared/yamux/session.ts';
import { StreamReader } from '../../shared/yamux/testing/stream-reader.ts';
import { WsChannel } from '../../shared/yamux/testing/ws-channel.ts';

const WINDOW = 256 * 1024;
const disposals: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const dispose of disposals.splice(0)) await dispose();
});

/**
 * Our session on one end of a WebSocket and yamux-js on the other. What yamux-js 0.2.0 gets wrong is left out: it
 * never sees our FIN or RST, and loses bytes unless each message holds whole frames.
 */
async function withYamuxJs(theirs: Client | Server, ours: SessionOptions): Promise<Session> {
  const listener = new WebSocketServer({ port: 0, host: '127.0.0.1', perMessageDeflate: false });
  await once(listener, 'listening');
  const accepted = new Promise<Session>((resolve) => {
    listener.once('connection', (socket) => resolve(new Session(new WsChannel(socket), ours)));
  });
  const socket = new WebSocket(`ws://127.0.0.1:${(listener.address() as AddressInfo).port}`, {
    perMessageDeflate: false,
  });
  socket.on('message', (data: Buffer) => theirs.write(data));
  theirs.on('data', (bytes: Buffer) => {
    if (socket.readyState === socket.OPEN) socket.send(bytes);
  });
  await once(socket, 'open');
  const session = await accepted;
  disposals.push(async () => {
    session.destroy();
    theirs.close();
    socket.terminate();
    listener.close();
    await once(listener, 'close');
  });
  return session;
}

describe('with yamux-js over a WebSocket', () => {
  it('takes an upload of several windows from it, and its half-close', async () => {
    const theirs = new Client({ enableKeepAlive: false });
    let accept: (reader: StreamReader) => void = () => {};
    const arrived = new Promise<StreamReader>((resolve) => (accept = resolve));
    await withYamuxJs(theirs, { role: 'server', onStream: (stream) => accept(new StreamReader(stream)) });
    const bytes = randomBytes(3 * WINDOW);
    const stream = theirs.open();
    stream.write(bytes);
    const reader = await arrived;
    await reader.received(bytes.length);
    stream.close();
    await reader.ended;
    expect(reader.sha256()).toBe(createHash('sha256').update(bytes).digest('hex'));
  });

  it('is echoed on 16 streams, and its answers to pings are understood', async () => {
    const theirs = new Server((stream: Duplex) => stream.on('data', (bytes: Buffer) => stream.write(bytes)), {
      enableKeepAlive: false,
    });
    const session = await withYamuxJs(theirs, { role: 'client' });
    const readers = Array.from({ length: 16 }, () => new StreamReader(session.open()));
    readers.forEach((reader, index) => reader.stream.write(Buffer.from(`words of ${index}`)));
    await Promise.all(readers.map((reader, index) => reader.received(`words of ${index}`.length)));
    expect(readers.map((reader) => reader.text())).toEqual(readers.map((_, index) => `words of ${index}`));
    expect(readers.every((reader) => reader.stream.accepted)).toBe(true);
    expect(await session.ping()).toBeGreaterThan(0);
  });

  it('gets no more from it than one window for a consumer that does not read', async () => {
    const theirs = new Client({ enableKeepAlive: false });
    let accept: (reader: StreamReader) => void = () => {};
    const arrived = new Promise<StreamReader>((resolve) => (accept = resolve));
    const session = await withYamuxJs(theirs, {
      role: 'server',
      onStream: (stream) => accept(new StreamReader(stream, { consume: false })),
    });
    const stream = theirs.open();
    stream.write(Buffer.alloc(WINDOW + 1000));
    const reader = await arrived;
    await reader.received(WINDOW);
    await session.ping();
    expect([reader.bytes, session.stats().bufferedBytes]).toEqual([WINDOW, WINDOW]);
    reader.stream.consumed(WINDOW);
    await reader.received(WINDOW + 1000);
  });
});
