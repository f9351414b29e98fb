import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, test } from 'vitest';
import { askServer } from './ask-server.ts';

test('an answer that switches protocols is a failure, and asked for again', async () => {
  let asked = 0;
  const server = createServer((request, response) => {
    asked += 1;
    if (asked > 1) response.end('ok');
    else request.socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\nmore');
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/keys`);
  const client = { timeoutMs: 5_000, insecureSkipVerify: false };
  await expect(askServer(url, { method: 'GET', headers: {}, client: { ...client, maxRetries: 0 } })).rejects.toThrow(
    'it switched protocols without being asked',
  );
  asked = 0;
  const answer = await askServer(url, { method: 'GET', headers: {}, client: { ...client, maxRetries: 1 } });
  expect([answer.status, answer.body, asked]).toEqual([200, 'ok', 2]);
  server.close();
});
