import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { totalmem } from 'node:os';
import { expect, test } from 'vitest';
import { startFileServer } from '../../bench/peers/nginx.ts';
import { startUp, until } from '../support/running-stack.ts';

const PAGE_BYTES = 4096;
/** What Linux holds for one connection at most, unless told otherwise. */
const LARGEST_QUEUE_BYTES = 4 * 2 ** 20;
const BODY_BYTES = 16 * 2 ** 20;
const READERS = 10;
const SMALL = 100;

/** Under this much the kernel drops nothing for lack of memory. A network namespace other than the first does not see it. */
function pressureBytes(): number {
  const file = '/proc/sys/net/ipv4/tcp_mem';
  return existsSync(file) ? Number(readFileSync(file, 'utf8').split(/\s+/)[1]) * PAGE_BYTES : totalmem() / 16;
}

/** What it holds of the bytes for visitors of a port. */
function unreadBytes(port: number): number {
  const local = `:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  const rows = readFileSync('/proc/self/net/tcp', 'utf8').split('\n');
  return rows
    .map((row) => row.trim().split(/\s+/))
    .filter(([, from]) => from?.endsWith(local) === true)
    .reduce((sum, [, , , , sizes]) => sum + Number.parseInt(sizes ?? '0', 16), 0);
}

test.runIf(process.platform === 'linux')(
  'visitors who read nothing take little of the kernel, cut nobody, and hold up nobody who reads',
  async () => {
    // Three times as many as would fill a quarter of the memory at which the kernel begins to drop.
    const stalledCount = Math.ceil((3 * pressureBytes()) / 4 / LARGEST_QUEUE_BYTES);
    // The kernel's memory for the upstream's own sockets is none of this test.
    const files = await startFileServer({ small: 1_024, large: BODY_BYTES }, ['backlog=4096', 'sndbuf=32k']);
    const { program, ready } = await startUp(`http://${files.address}`);
    const sockets: Socket[] = [];
    try {
      const [ip = '', port = ''] = (ready.brokers[0]?.address ?? '').split(':');
      const ask = (path: string): Socket => {
        const socket = connect({ host: ip, port: Number(port) });
        sockets.push(socket);
        socket.write(`GET ${path} HTTP/1.1\r\nHost: ${ready.host}\r\n\r\n`);
        return socket;
      };
      const stalled: Socket[] = [];
      for (let count = 0; count < stalledCount; count++) {
        const socket = ask('/large');
        socket.pause();
        stalled.push(socket);
        await once(socket, 'connect');
      }
      const read = Array.from({ length: READERS }, () => ask('/large')).map((socket) => receive(socket, BODY_BYTES));
      const times: number[] = [];
      for (let count = 0; count < SMALL; count++) {
        const startedAt = performance.now();
        await receive(ask('/small'), 1_024);
        times.push(performance.now() - startedAt);
      }
      await Promise.all(read);
      const unread = unreadBytes(Number(port));
      console.log(
        `${stalledCount} visitors who read nothing: the kernel holds ${(unread / 2 ** 20).toFixed(0)} MiB for them; ` +
          `${SMALL} small requests, worst ${Math.max(...times).toFixed(0)} ms; ${READERS} downloads of 16 MiB done`,
      );
      expect(unread).toBeLessThan(pressureBytes() / 2);
      // Nobody was cut: who reads at last finds all of it.
      const late = stalled.filter((_, at) => at % 20 === 0);
      await Promise.all(late.map((socket) => receive(socket, BODY_BYTES)));
    } finally {
      for (const socket of sockets) socket.destroy();
      await program.stop();
      await files.stop();
    }
  },
  180_000,
);

/** Resolves once an answer of 200 with so many bytes of body has come. */
async function receive(socket: Socket, bodyBytes: number): Promise<void> {
  let head = '';
  let bytes = 0;
  let failure = '';
  socket.on('error', (error) => (failure = error.message));
  socket.on('close', () => (failure ||= 'it was closed'));
  socket.on('data', (piece) => {
    if (bytes === 0) head = piece.toString('latin1');
    bytes += piece.length;
  });
  socket.resume();
  await until(`${bodyBytes} bytes came`, () => failure !== '' || bytes > bodyBytes, 120_000);
  expect({ failure, status: head.slice(0, 13) }).toEqual({ failure: '', status: 'HTTP/1.1 200 ' });
  socket.destroy();
}
