import { once } from 'node:events';
import { connect, createServer } from 'node:tls';
import type { TLSSocket } from 'node:tls';
import { readFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import type { Edge } from './edge.ts';
import type { Entrance } from './entrance.ts';
import { Http2Connection } from './http2-connection.ts';
import type { BrokerLimits } from './index.ts';
import { HOST, Http2Stage } from './testing/http2-stage.ts';
import { FRAME, frameBytes } from './testing/raw-http2.ts';
import { until } from './testing/test-broker.ts';

const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');
const SETTINGS = frameBytes(FRAME.settings, 0, 0, Buffer.alloc(0));
let visitor: TLSSocket;
afterEach(() => visitor.destroy());

test.each<[string, Partial<BrokerLimits>, readonly Buffer[]]>([
  ['says nothing', {}, []],
  ['asks for nothing for too long', { keepAliveTimeoutMs: 50 }, [PREFACE, SETTINGS]],
  ['says that he leaves', {}, [PREFACE, SETTINGS, frameBytes(FRAME.goAway, 0, 0, Buffer.alloc(8))]],
])('a visitor of HTTP/2 who %s, and never closes his side, holds no connection', async (_name, limits, sent) => {
  await using stage = await Http2Stage.open({ limits: { headTimeoutMs: 300, ...limits } });
  const port = Number(stage.broker.addresses.public.split(':')[1]);
  const half = { servername: HOST, ca: stage.certificates.ca, ALPNProtocols: ['h2'], allowHalfOpen: true };
  visitor = connect({ host: '127.0.0.1', port, ...half });
  visitor.on('error', () => undefined);
  visitor.resume();
  await once(visitor, 'secureConnect');
  for (const bytes of sent) visitor.write(bytes);
  await once(visitor, 'end');
  expect(visitor.writableEnded).toBe(false);
  // The one is that of the question. No event tells a visitor who says nothing that the other side is closed.
  await until(async () => (await stage.metric('adit_broker_connections')) === 1, 10_000);
});

test('a connection whose visitor has just left may be told to drain', async () => {
  await using stage = await Http2Stage.open();
  const files = await stage.certificates.write('drained', [HOST]);
  const [cert, key] = await Promise.all([readFile(files.cert), readFile(files.key)]);
  const server = createServer({ cert, key, ALPNProtocols: ['h2'], allowHalfOpen: true }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  visitor = connect({ port: (server.address() as AddressInfo).port, servername: HOST, ca: stage.certificates.ca });
  const [socket] = (await once(server, 'secureConnection')) as [TLSSocket];
  const entrance: Entrance = { toPeer: false, admit: () => expect.unreachable() };
  const facts = { remoteAddress: '127.0.0.1', group: '127.0.0.1', trusted: false, localPort: 443, secure: true };
  const connection = new Http2Connection(stage.broker as unknown as Edge, entrance, socket, {
    ...facts,
    serverName: HOST,
  });
  visitor.end();
  await new Promise<void>((resolve, reject) => {
    socket.once('end', () => {
      try {
        connection.drain();
        resolve();
      } catch (error) {
        reject(error as Error);
      }
    });
  });
  server.close();
});
