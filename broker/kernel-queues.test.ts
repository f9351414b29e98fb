import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import { endianness, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { KernelQueues, LEAST_QUEUE_BYTES } from './kernel-queues.ts';

const SCARCE = 'sockets: used 9\nTCP: inuse 5 orphan 0 tw 0 alloc 6 mem 26\nUDP: inuse 1 mem 0\n';
const PLENTY = SCARCE.replace('mem 26', 'mem 25');
const HEAD = '  sl  local_address rem_address   st tx_queue rx_queue tr tm->when\n';
const folders: string[] = [];

afterEach(async () => {
  for (const folder of folders.splice(0)) await rm(folder, { recursive: true });
});

/** A procfs with these files, in which 100 pages are pressure. */
async function procfs(files: Readonly<Record<string, string>>): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'adit-proc-'));
  folders.push(folder);
  for (const [name, text] of Object.entries({ 'sys/net/ipv4/tcp_mem': '75\t100\t150\n', ...files })) {
    await mkdir(dirname(join(folder, name)), { recursive: true });
    await writeFile(join(folder, name), text);
  }
  return folder;
}

function row(local: string, remote: string, bytes: number): string {
  return `   1: ${local} ${remote} 01 ${bytes.toString(16).padStart(8, '0').toUpperCase()}:00000000 01:00000013\n`;
}

test.runIf(endianness() === 'LE')(
  'tells the send queues of one port, by address and port of the other end',
  async () => {
    const proc = await procfs({
      'self/net/sockstat': SCARCE,
      'self/net/tcp':
        HEAD +
        row('0100007F:1F90', '050200C0:C001', LEAST_QUEUE_BYTES) +
        row('0100007F:1F90', '050200C0:C002', LEAST_QUEUE_BYTES - 1) +
        row('0100007F:1F91', '050200C0:1F90', 9_000_000) +
        row('00000000:1F90', '00000000:0000', 0),
      'self/net/tcp6':
        HEAD +
        row('0000000000000000FFFF00000100007F:1F90', '0000000000000000FFFF0000050200C0:C003', 4_000_000) +
        row('00000000000000000000000001000000:1F90', 'B80D0120000000000000000001000000:C004', 5_000_000),
    });
    const found = await new KernelQueues(proc).look(8080, 0);
    expect(Object.fromEntries(found ?? [])).toEqual({
      '192.0.2.5:49153': LEAST_QUEUE_BYTES,
      '192.0.2.5:49155': 4_000_000,
      '2001:db8::1:49156': 5_000_000,
    });
  },
);

test('tells nothing while memory is plenty, and does not read the tables', async () => {
  const proc = await procfs({ 'self/net/sockstat': PLENTY });
  const queues = new KernelQueues(proc);
  expect(await queues.look(8080, 0)).toEqual(new Map());
  expect(await queues.look(8080, 1)).toEqual(new Map());
});

test('looks again only after a minute where it could not read the files', async () => {
  const queues = new KernelQueues(join(await procfs({}), 'nowhere'));
  expect(await queues.look(8080, 0)).toEqual(new Map());
  expect(await queues.look(8080, 59_999)).toBeUndefined();
  expect(await queues.look(8080, 60_000)).toEqual(new Map());
});

test.runIf(process.platform === 'linux')('finds the visitor of a real listener who reads nothing', async () => {
  const proc = await procfs({ 'self/net/sockstat': SCARCE });
  for (const table of ['tcp', 'tcp6']) await symlink(`/proc/self/net/${table}`, join(proc, 'self/net', table));
  const accepted: Socket[] = [];
  const server = createServer((socket) => accepted.push(socket));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const visitors = [connect(port, '127.0.0.1'), connect(port, '127.0.0.1')];
  try {
    await expect.poll(() => accepted.length).toBe(2);
    const [stalled, reading] = visitors;
    stalled?.pause();
    reading?.resume();
    for (const socket of accepted) socket.write(Buffer.alloc(32 * 2 ** 20));
    const queues = new KernelQueues(proc);
    let now = 0;
    await expect
      .poll(async () => [...((await queues.look(port, (now += 1e6))) ?? [])].map(([key]) => key))
      .toEqual([`127.0.0.1:${stalled?.localPort}`]);
  } finally {
    for (const socket of [...visitors, ...accepted]) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  }
});
