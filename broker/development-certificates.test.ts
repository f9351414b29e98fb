import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { connect as connectPlain } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect } from 'node:tls';
import type { TLSSocket } from 'node:tls';
import { pino } from 'pino';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { DevelopmentCertificates } from './development-certificates.ts';
import type { Broker } from './index.ts';
import { BrokerOptionsError } from './errors.ts';
import { TestAgent } from './testing/test-agent.ts';
import { startTunnelBroker } from './testing/test-broker.ts';
import { makeCertificates } from './testing/test-certificates.ts';
import { askHttp2, connectHttp2 } from './testing/http2-visitor.ts';
import { makeKeys } from './testing/test-keys.ts';
import type { TestKeys } from './testing/test-keys.ts';

const DAY_MS = 86_400_000;
const log = pino({ level: 'silent' });
let keys: TestKeys;
let folder: string;
let brokers: Broker[];

beforeAll(async () => {
  keys = await makeKeys();
});
afterAll(() => keys.remove());
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'adit-ca-'));
  brokers = [];
});
afterEach(async () => {
  await Promise.all(brokers.map((broker) => broker.close()));
  await rm(folder, { recursive: true, force: true });
});

async function start(more: Parameters<typeof startTunnelBroker>[1] = {}): Promise<Broker> {
  const broker = await startTunnelBroker(keys, {
    ...more,
    public: { host: '127.0.0.1', port: 0, developmentCa: folder, ...more.public },
  });
  brokers.push(broker);
  return broker;
}

function authority(): Promise<string> {
  return readFile(join(folder, 'ca.pem'), 'utf8');
}

/** A handshake of a visitor who trusts the authority; `name` undefined: by address. */
async function handshake(broker: Broker, name: string | undefined): Promise<TLSSocket> {
  const port = Number(broker.addresses.public.split(':')[1]);
  const servername = name === undefined ? {} : { servername: name };
  const socket = connect({ host: '127.0.0.1', port, ca: await authority(), ...servername });
  await once(socket, 'secureConnect');
  return socket;
}

test('each name of localhost and test has a certificate that visitors believe, made once', async () => {
  const broker = await start();
  const serials = new Map<string, string>();
  for (const name of ['shop-1a2b.localhost', 'a.b.test', 'localhost', 'SHOP-1a2b.Localhost']) {
    const socket = await handshake(broker, name);
    serials.set(name, socket.getPeerCertificate().serialNumber);
    socket.destroy();
  }
  expect(new Set(serials.values()).size).toBe(3);
  expect(serials.get('SHOP-1a2b.Localhost')).toBe(serials.get('shop-1a2b.localhost'));
});

test('who asks by address is shown one for it', async () => {
  const broker = await start();
  const socket = await handshake(broker, undefined);
  expect(socket.getPeerCertificate().subjectaltname).toContain('IP Address:127.0.0.1');
  socket.destroy();
});

test('a name that is not for it gets none, and the visitor does not believe what is shown', async () => {
  const broker = await start();
  await expect(handshake(broker, 'bank.example')).rejects.toThrow(/bank\.example/);
});

test('a request goes its whole way over HTTP/2, and the upstream hears of https', async () => {
  const broker = await start();
  const host = 'shop.localhost';
  let heard: unknown;
  await TestAgent.dial(broker.addresses.tunnelUrl ?? '', {
    token: await keys.token('a', [host]),
    hosts: [host],
    onRequest: (request, response) => {
      heard = request.headers['x-forwarded-proto'];
      response.end('ok');
    },
  });
  const session = await connectHttp2(broker.addresses.public, host, await authority());
  const answer = await askHttp2(session, { ':authority': host });
  expect([answer.status, answer.body.toString(), heard]).toEqual([200, 'ok', 'https']);
  session.destroy();
});

test('certificates from files come first where they are for the name', async () => {
  const certificates = await makeCertificates();
  const files = await certificates.write('own', ['own.test']);
  const broker = await start({ public: { host: '127.0.0.1', port: 0, tls: [files] } });
  const [other, own] = [
    await handshake(broker, 'other.test'),
    connect({ port: Number(broker.addresses.public.split(':')[1]), servername: 'own.test', ca: certificates.ca }),
  ];
  await once(own, 'secureConnect');
  expect(own.getPeerCertificate().issuer.CN).toBe('Test authority');
  expect(other.getPeerCertificate().issuer.CN).toBe('Adit development CA');
  own.destroy();
  other.destroy();
  await certificates.remove();
});

test('brokers that share a folder share the authority', async () => {
  const [one, other] = await Promise.all([start(), start()]);
  for (const broker of [one, other]) (await handshake(broker, 'shop.test')).destroy();
});

test('a folder that cannot be used stops the start and is named', async () => {
  await writeFile(join(folder, 'ca.pem'), 'nonsense');
  const error: unknown = await start().catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(BrokerOptionsError);
  expect(String(error)).toContain(join(folder, 'ca-key.pem'));
});

test('a certificate is made anew after two thirds of its life, and the oldest names make room', async () => {
  let now = Date.now();
  const made = await DevelopmentCertificates.open(folder, log, () => now);
  const first = await made.contextFor('a.test');
  expect(await made.contextFor('A.test.')).toBe(first);
  now += 19 * DAY_MS;
  expect(await made.contextFor('a.test')).toBe(first);
  now += 2 * DAY_MS;
  const second = await made.contextFor('a.test');
  expect(second).not.toBe(first);
  const others = Array.from({ length: 999 }, (_, index) => made.contextFor(`n${index}.test`));
  expect(others).not.toContain(undefined);
  expect(await made.contextFor('a.test')).toBe(second);
  await made.contextFor('one-more.test');
  expect(await made.contextFor('a.test')).toBe(second);
  expect(await made.contextFor('n0.test')).not.toBe(await others[0]);
  expect(made.contextFor('bank.example')).toBeUndefined();
});

test('plain HTTP in place of a handshake is told to come by HTTPS', async () => {
  const broker = await start();
  const socket = connectPlain(Number(broker.addresses.public.split(':')[1]), '127.0.0.1');
  let text = '';
  socket.setEncoding('utf8').on('data', (piece: string) => (text += piece));
  socket.write('GET / HTTP/1.1\r\nHost: shop.localhost\r\n\r\n');
  await once(socket, 'close');
  expect(text).toMatch(/^HTTP\/1\.1 400 HTTPS is spoken here\r\n/);
  expect(text).toContain('broker.plain-http');
});

test('other bytes in place of a handshake end the connection without a word of HTTP', async () => {
  const broker = await start();
  const socket = connectPlain(Number(broker.addresses.public.split(':')[1]), '127.0.0.1');
  let text = '';
  socket.setEncoding('latin1').on('data', (piece: string) => (text += piece));
  socket.on('error', () => undefined);
  socket.write('SSH-2.0-client\r\n');
  await once(socket, 'close');
  expect(text).not.toContain('HTTP');
});
