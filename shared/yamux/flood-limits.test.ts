import { expect, it } from 'vitest';
import { FLAG_ACK, FLAG_RST, FLAG_SYN, headerBytes, TYPE_DATA, TYPE_PING, TYPE_WINDOW_UPDATE } from './frame.ts';
import { Session } from './session.ts';
import { ManualClock } from './testing/manual-clock.ts';
import { RawPeer } from './testing/raw-peer.ts';
import { simulatedLink } from './testing/simulated-link.ts';
import { StreamReader } from './testing/stream-reader.ts';

it('takes the marks of a sender whose messages are smaller than their headers, for as long as it likes', async () => {
  const clock = new ManualClock();
  const [near, far] = simulatedLink(clock, { rate: 2_000, delayMs: 5, kernelBytes: 1 << 20, segmentBytes: 32 * 1024 });
  const options = { clock, keepAlive: false } as const;
  const client = new Session(near, { ...options, role: 'client' });
  const server = new Session(far, { ...options, role: 'server', onStream: (stream) => void new StreamReader(stream) });
  const streams = Array.from({ length: 120 }, () => new StreamReader(client.open()).stream);
  const message = new Uint8Array(1);
  const bulk = new StreamReader(client.open()).stream;
  bulk.write(new Uint8Array(4_000_000));
  await clock.run(2_500);
  bulk.reset();
  // 120,000 messages a second, as many visitors make who each say a little.
  for (let ms = 0; ms < 6_000 && client.canOpen; ms++) {
    for (const stream of streams) stream.write(message);
    await clock.run(1);
  }
  expect([client.streams, server.streams]).toEqual([120, 120]);
  expect(server.stats().dataBytesReceived).toBeGreaterThan(120 * 5_900);
  client.destroy();
  server.destroy();
});

it('takes the reset of every stream that it has answered, as of visitors who use a connection once', async () => {
  const peer = new RawPeer({
    role: 'server',
    clock: new ManualClock(),
    onStream: (stream) => {
      new StreamReader(stream);
      stream.write(Buffer.from('answer'));
    },
  });
  const request = new Uint8Array(100);
  for (let round = 0; round < 300; round++) {
    const first = round * 200 + 1;
    for (let id = first; id < first + 200; id += 2) peer.send(headerBytes(TYPE_DATA, FLAG_SYN, id, 100), request);
    await peer.until(({ type, id }) => type === TYPE_DATA && id === first + 198);
    for (let id = first; id < first + 200; id += 2) peer.send(headerBytes(TYPE_WINDOW_UPDATE, FLAG_RST, id, 0));
    for (const { type, length } of peer.frames.splice(0))
      if (type === TYPE_PING) peer.send(headerBytes(TYPE_PING, FLAG_ACK, 0, length));
  }
  await expect.poll(() => peer.session.stats(), { interval: 1 }).toMatchObject({ streams: 0, admitted: 30_000 });
  expect(peer.session.canOpen).toBe(true);
  peer.session.destroy();
});
