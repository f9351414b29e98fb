import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import fc from 'fast-check';
import { expect, test, vi } from 'vitest';
import { tlsSockets } from '../yamux/testing/tls-sockets.ts';
import { adoptOwnReads, adoptReads } from './adopt-reads.ts';

interface Pair extends AsyncDisposable {
  readonly accepted: Socket;
  readonly peer: Socket;
}

/** `adopt` is called as the accepted socket comes. */
async function pair(adopt: (socket: Socket) => void): Promise<Pair> {
  const server = createServer({ allowHalfOpen: true });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const accepted = new Promise<Socket>((resolve) =>
    server.once('connection', (socket) => {
      adopt(socket);
      resolve(socket);
    }),
  );
  const peer = connect((server.address() as AddressInfo).port, '127.0.0.1');
  return {
    accepted: await accepted,
    peer,
    async [Symbol.asyncDispose]() {
      peer.destroy();
      (await accepted).destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

const ways = [
  ['adoptReads', adoptReads],
  ['adoptOwnReads', adoptOwnReads],
] as const;

test.each(ways)('%s: all bytes come in their order, stay as they are, and then the end', async (_name, adopt) => {
  const pieces: Buffer[] = [];
  await using both = await pair((socket) => expect(adopt(socket, (bytes) => pieces.push(bytes))).toBe(true));
  const { accepted, peer } = both;
  const ended = once(accepted, 'end');
  const sent = Buffer.concat([1, 30, 300, 5_000, 70_000, 3, 900_000, 17, 17].map((length) => randomBytes(length)));
  peer.write(sent.subarray(0, 31));
  await expect.poll(() => Buffer.concat(pieces).length).toBe(31);
  peer.end(sent.subarray(31));
  await ended;
  expect(Buffer.concat(pieces).equals(sent)).toBe(true);
  expect(accepted.bytesRead).toBe(sent.length);
});

test.each(ways)('%s: a socket that pauses gets nothing until it resumes', async (_name, adopt) => {
  const reads: number[] = [];
  await using both = await pair((socket) =>
    adopt(socket, (bytes) => {
      reads.push(bytes.length);
      socket.pause();
    }),
  );
  const { accepted, peer } = both;
  const total = 1_000_000;
  await new Promise((resolve) => peer.write(randomBytes(total), resolve));
  await expect.poll(() => reads.length).toBe(1);
  for (let got = reads[0] ?? 0; got < total; got += reads.at(-1) ?? 0) {
    const before = reads.length;
    // Turns of the event loop in which more could come, if it were let.
    for (let turn = 0; turn < 3; turn += 1) await new Promise((resolve) => setImmediate(resolve));
    expect(reads.length).toBe(before);
    accepted.resume();
    await expect.poll(() => reads.length, { interval: 1 }).toBe(before + 1);
  }
});

test('a socket that has been read from keeps its stream', async () => {
  const onBytes = vi.fn<(bytes: Buffer) => void>();
  await using both = await pair((socket) => {
    socket.once('data', (bytes) => socket.unshift(bytes));
    socket.pause();
    expect(adoptReads(socket, onBytes)).toBe(false);
    socket.resume();
  });
  const { accepted, peer } = both;
  peer.write('head and more');
  await once(accepted, 'data');
  expect(onBytes).not.toHaveBeenCalled();
});

test('TLS: records of any size come whole and in order, to memory that is never used again', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.integer({ min: 1, max: 40_000 }), { minLength: 1, maxLength: 12 }),
      async (lengths) => {
        const { client, server, dispose } = await tlsSockets();
        const pieces: Buffer[] = [];
        expect(adoptReads(server, () => {})).toBe(false);
        expect(adoptOwnReads(server, (bytes) => pieces.push(bytes))).toBe(true);
        const sent = lengths.map((length) => randomBytes(length));
        const ended = once(server, 'end');
        for (const bytes of sent) client.write(bytes);
        client.end();
        await ended;
        expect(Buffer.concat(pieces).equals(Buffer.concat(sent))).toBe(true);
        await dispose();
      },
    ),
    { numRuns: 30 },
  );
});
