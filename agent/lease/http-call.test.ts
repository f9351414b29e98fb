import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

import { expect, test } from 'vitest';

import { HttpCaller } from './http-call.ts';

test('an answer that switches protocols is a failure', async () => {
  const server = createServer((request) => {
    request.socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\nmore');
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const caller = new HttpCaller();
  const url = new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/v1/leases`);
  const call = { method: 'POST', body: '{}', silenceMs: 5_000, signal: new AbortController().signal };
  await expect(caller.call(url, call)).rejects.toThrow('it switched protocols without being asked');
  caller.close();
  server.close();
});
