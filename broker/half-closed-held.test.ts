import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import type { ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { AddressLimits } from './address-limits.ts';
import type { Edge } from './edge.ts';
import type { Broker } from './index.ts';
import { KernelQueues } from './kernel-queues.ts';
import { PublicEntrance } from './public-entrance.ts';
import { RawVisitor } from './testing/raw-visitor.ts';
import { TestAgent } from './testing/test-agent.ts';
import { startTunnelBroker, until } from './testing/test-broker.ts';
import { makeKeys } from './testing/test-keys.ts';
import { TrustedAddresses } from './trusted-addresses.ts';
import { VisitorListener } from './visitor-listener.ts';

const HOST = 'shop.test';
const GET = `GET / HTTP/1.1\r\nHost: ${HOST}\r\n\r\n`;

/** A procfs with the real connections, in which memory for TCP is scarce. */
async function scarceProcfs(): Promise<string> {
  const proc = await mkdtemp(join(tmpdir(), 'adit-proc-'));
  for (const folder of ['self/net', 'sys/net/ipv4']) await mkdir(join(proc, folder), { recursive: true });
  await writeFile(join(proc, 'self/net/sockstat'), 'TCP: inuse 5 orphan 0 tw 0 alloc 6 mem 26\n');
  await writeFile(join(proc, 'sys/net/ipv4/tcp_mem'), '75\t100\t150\n');
  for (const table of ['tcp', 'tcp6']) await symlink(`/proc/self/net/${table}`, join(proc, 'self/net', table));
  return proc;
}

class WatchedQueues extends KernelQueues {
  found = 0;

  override async look(port: number, now: number): Promise<ReadonlyMap<string, number> | undefined> {
    const queues = await super.look(port, now);
    if (queues !== undefined && queues.size > 0) this.found += 1;
    return queues;
  }
}

test.runIf(process.platform === 'linux')(
  'a half-closed visitor from whom bytes are kept back, as the kernel holds enough for him, is not given up',
  async () => {
    const keys = await makeKeys();
    const proc = await scarceProcfs();
    const broker = await startTunnelBroker(keys, { limits: { halfClosedIdleMs: 1_500 } });
    const edge = broker as unknown as Broker & Edge;
    const queues = new WatchedQueues(proc);
    const listener = await VisitorListener.listen(
      edge,
      new PublicEntrance({
        proto: 'http',
        trusted: new TrustedAddresses([]),
        addresses: new AddressLimits(edge.limits),
      }),
      { address: { host: '127.0.0.1', port: 0 }, queues },
    );
    const responses: ServerResponse[] = [];
    await TestAgent.dial(broker.addresses.tunnelUrl ?? '', {
      token: await keys.token('agent-1', [HOST]),
      hosts: [HOST],
      onRequest: (_request, response) => responses.push(response),
    });
    const body = 'x'.repeat(2_000_000);

    const reader = new RawVisitor(`127.0.0.1:${listener.address.port}`);
    reader.socket.write(GET);
    await until(() => responses.length === 1);
    responses[0]?.writeHead(200, { 'content-length': 5 + body.length }).write('first');
    await reader.sees('first');
    reader.socket.pause();
    reader.socket.end();
    // Less than the kernel takes. From the second look on he gets no more.
    responses[0]?.write(body.slice(0, 700_000));
    await until(() => queues.found > 2);
    responses[0]?.end(body.slice(700_000));

    // Comes later, and is given up before the other reads on.
    const gone = new RawVisitor(`127.0.0.1:${listener.address.port}`);
    gone.socket.write(GET);
    await until(() => responses.length === 2);
    const left = new Promise((resolve) => responses[1]?.once('close', resolve));
    responses[1]?.write('data: 1');
    await gone.sees('data: 1');
    gone.socket.destroy();
    await left;

    reader.socket.resume();
    expect(await reader.closed).toBe('in order');
    expect(reader.body === `first${body}`).toBe(true);
    await listener.close();
    await broker.close();
    await keys.remove();
    await rm(proc, { recursive: true });
  },
);
