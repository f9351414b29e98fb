import { once } from 'node:events';
import { createServer } from 'node:http';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';

import { afterEach, expect, test } from 'vitest';

import { ControlClient } from './control-client.ts';

let server: Server | undefined;
afterEach(async () => {
  const closed = server && once(server, 'close');
  server?.close();
  server?.closeAllConnections();
  await closed;
});

test('an answer that never stands still and never ends is given up', async () => {
  const dripping: NodeJS.Timeout[] = [];
  server = createServer((_asked, reply) => {
    reply.writeHead(200, { 'content-type': 'application/json' });
    const drip = setInterval(() => reply.write(' '), 20);
    dripping.push(drip);
    reply.on('close', () => clearInterval(drip));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const client = new ControlClient(`http://127.0.0.1:${(server.address() as AddressInfo).port}`, undefined, 300);
  const never = new AbortController();
  await expect(client.renew('secret', 'lse-1', 60, never.signal)).rejects.toMatchObject({
    code: 'control-unreachable',
    message: expect.stringContaining('within 300 ms'),
  });
  expect(dripping).toHaveLength(1);
});
