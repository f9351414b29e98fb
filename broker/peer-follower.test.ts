import { once } from 'node:events';
import { createServer } from 'node:http';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { pino } from 'pino';
import { afterEach, expect, test } from 'vitest';
import { PeerFollower } from './peer-follower.ts';

let server: Server | undefined;
let follower: PeerFollower | undefined;
afterEach(async () => {
  follower?.stop();
  const closed = server && once(server, 'close');
  server?.close();
  server?.closeAllConnections();
  await closed;
});

test('a peer that tells its routes and ends at once, each time, is asked less and less often', async () => {
  const asked: number[] = [];
  server = createServer((_request, reply) => {
    asked.push(performance.now());
    reply.writeHead(200, { 'content-type': 'text/event-stream' });
    reply.end('event: routes\ndata: {"hosts":["a.test"]}\n\n');
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  follower = new PeerFollower(`127.0.0.1:${port}`, 'secret', pino({ level: 'silent' }), {
    onHosts: () => undefined,
    onUp: () => undefined,
    onDoubt: () => undefined,
    onDown: () => undefined,
  });
  follower.start();
  await expect.poll(() => asked.length, { timeout: 15_000 }).toBeGreaterThanOrEqual(6);
  // 1 to 2 s; a peer that was lost by chance is asked again after 50 to 100 ms.
  expect((asked[5] ?? 0) - (asked[4] ?? 0)).toBeGreaterThan(500);
});
