import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import { expect, test } from 'vitest';
import { RefusedConnection } from './refused-connection.ts';

test('a visitor that is refused has eight ticks to read why, however late the first of them comes', async () => {
  const server = createServer({ allowHalfOpen: true }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const visitor = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
  const [socket] = (await once(server, 'connection')) as [Socket];
  let text = '';
  visitor.on('data', (bytes: Buffer) => (text += bytes.toString()));
  const closed = once(socket, 'close');
  const refused = new RefusedConnection(socket, 'broker.too-many-connections');
  for (let n = 0; n < 8; n += 1) refused.tick();
  expect(socket.destroyed).toBe(false);
  await once(visitor, 'end');
  expect(text).toMatch(/^HTTP\/1.1 429 /);
  refused.tick();
  await closed;
  visitor.destroy();
  server.close();
});
