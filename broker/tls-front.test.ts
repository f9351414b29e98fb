import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { connect as connectPlain, createServer } from 'node:net';
import type { AddressInfo, Server, Socket } from 'node:net';
import { connect } from 'node:tls';
import type { TLSSocket } from 'node:tls';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import type { CertificatePair } from './certificate-pair.ts';
import { makeCertificates } from './testing/test-certificates.ts';
import type { TestCertificates } from './testing/test-certificates.ts';
import { TlsFront } from './tls-front.ts';

const HOST = 'shop.test';
let certificates: TestCertificates;
let pair: CertificatePair;
let front: TlsFront;
let server: Server;
let came: Socket[];

beforeAll(async () => {
  certificates = await makeCertificates();
  const from = await certificates.write('front', [HOST]);
  pair = { cert: await readFile(from.cert, 'utf8'), key: await readFile(from.key, 'utf8'), from };
});
afterAll(() => certificates.remove());
beforeEach(async () => {
  came = [];
  front = new TlsFront({ handshakeTimeoutMs: 600_000, onFailed: () => undefined });
  server = createServer({ allowHalfOpen: true }, (socket) => {
    came.push(socket);
    socket.on('error', () => undefined);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
});
afterEach(() => {
  for (const socket of came) socket.destroy();
  server.close();
});

/** A visitor, and the broker's end of his connection. */
async function dial(): Promise<{ visitor: Socket; socket: Socket }> {
  const { port } = server.address() as AddressInfo;
  const visitor = connectPlain({ host: '127.0.0.1', port, allowHalfOpen: true });
  visitor.on('error', () => undefined);
  const [socket] = (await once(server, 'connection')) as [Socket];
  return { visitor, socket };
}

/** However it ends. */
function closing(socket: Socket): Promise<void> {
  return new Promise((resolve) => socket.once('close', () => resolve()));
}

/** The TLS connections that are told of it. */
function handshake(socket: Socket): TLSSocket[] {
  const told: TLSSocket[] = [];
  front.handshake(socket, {
    onSecure: (secured) => {
      secured.socket.on('error', () => undefined);
      told.push(secured.socket);
    },
    onPlainHttp: () => expect.unreachable(),
  });
  return told;
}

async function secure(socket: Socket, protocol: string): Promise<TLSSocket> {
  const asks = { servername: HOST, ca: certificates.ca, ALPNProtocols: [protocol], allowHalfOpen: true };
  const visitor = connect({ socket, ...asks });
  visitor.on('error', () => undefined);
  await once(visitor, 'secureConnect');
  return visitor;
}

test('the connection of a challenge ends, also when who asked keeps his side open', async () => {
  front.challenge(HOST, [pair]);
  const { visitor, socket } = await dial();
  handshake(socket);
  const closed = closing(socket);
  expect((await secure(visitor, 'acme-tls/1')).alpnProtocol).toBe('acme-tls/1');
  await closed;
});

test('connections that were reset are not taken for one another, and end', async () => {
  front.use([pair]);
  const [one, other] = [await dial(), await dial()];
  one.visitor.resetAndDestroy();
  const closed = [closing(one.socket), closing(other.socket)];
  handshake(other.socket);
  const visitor = await secure(other.visitor, 'h2');
  visitor.write('PRI * HTTP/2.0\r\n\r\n');
  other.visitor.resetAndDestroy();
  // What both have done is read in the same turn.
  const told = handshake(one.socket);
  await Promise.all(closed);
  expect(told).toEqual([]);
});
