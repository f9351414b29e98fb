import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { localResponse } from './local-response.ts';

const server = createServer();
afterEach(() => void server.close());

/** More than the kernel takes at once; the first event of a broker with tens of thousands of hosts. */
const LIST = `event: routes\ndata: ${'x'.repeat(8 * 1024 * 1024)}\n\n`;

async function follower(): Promise<{ readonly ours: Socket; readonly theirs: Socket }> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const theirs = connect((server.address() as AddressInfo).port, '127.0.0.1');
  const [ours] = (await once(server, 'connection')) as [Socket];
  ours.on('error', () => undefined);
  theirs.on('error', () => undefined);
  return { ours, theirs };
}

function events(socket: Socket) {
  return localResponse({
    socket,
    write: (bytes) => void socket.write(bytes),
    done: () => socket.end(),
    streams: () => undefined,
  }).stream(() => undefined);
}

test('a follower of events is not cut for a list that it has had no time to read', async () => {
  const { ours, theirs } = await follower();
  let bytes = 0;
  theirs.on('data', (piece: Buffer) => (bytes += piece.length));
  const ended = once(theirs, 'close');
  const out = events(ours);
  out.write(LIST);
  out.write(': ping\n\n');
  out.end();
  await ended;
  expect(bytes).toBeGreaterThan(LIST.length);
});

test('one that reads nothing is', async () => {
  const { ours, theirs } = await follower();
  theirs.pause();
  const out = events(ours);
  out.write(LIST);
  for (let n = 0; n < 10_000 && !ours.destroyed; n += 1) out.write(`event: change\ndata: ${'x'.repeat(1_000)}\n\n`);
  expect(ours.destroyed).toBe(true);
  theirs.destroy();
});
