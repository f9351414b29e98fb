import type { IncomingHttpHeaders } from 'node:http';
import { connect as connectHttp2 } from 'node:http2';
import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { Broker, BrokerOptions } from './index.ts';
import { askHttp2 } from './testing/http2-visitor.ts';
import { TestAgent } from './testing/test-agent.ts';
import { startTunnelBroker } from './testing/test-broker.ts';
import { makeCertificates } from './testing/test-certificates.ts';
import type { TestCertificates } from './testing/test-certificates.ts';
import { makeKeys } from './testing/test-keys.ts';
import type { TestKeys } from './testing/test-keys.ts';
import { exchangeRaw } from './testing/visitor.ts';

const HOST = 'shop.test';
const V1 = 'PROXY TCP4 203.0.113.9 198.51.100.1 4711 443\r\n';
/** 203.0.113.9:4711 → 198.51.100.1:443, with a TLV of 3 bytes. */
const V2 = Buffer.from('0d0a0d0a000d0a515549540a21110012cb007109c6336401126701bb040003aabbcc', 'hex');
const ASK = `GET / HTTP/1.1\r\nHost: ${HOST}\r\nConnection: close\r\n\r\n`;

let keys: TestKeys;
let certificates: TestCertificates;
let broker: Broker;
let seen: IncomingHttpHeaders[] = [];

beforeAll(async () => {
  keys = await makeKeys();
  certificates = await makeCertificates();
});
afterAll(async () => {
  await keys.remove();
  await certificates.remove();
});
afterEach(() => broker.close());

async function start(how: Partial<BrokerOptions>, more: Partial<BrokerOptions['public']> = {}): Promise<void> {
  seen = [];
  broker = await startTunnelBroker(keys, { ...how, public: { host: '127.0.0.1', port: 0, ...more } });
  const token = await keys.token('agent-1', [HOST]);
  await TestAgent.dial(broker.addresses.tunnelUrl ?? '', {
    token,
    hosts: [HOST],
    onRequest: (request, response) => {
      seen.push(request.headers);
      response.end('served');
    },
  });
}

async function tls() {
  return { tls: [await certificates.write('behind', [HOST])] };
}

function dial(): Promise<Socket> {
  const [host, port] = broker.addresses.public.split(':');
  return new Promise((resolve, reject) => {
    const socket = connect(Number(port), host);
    socket.once('connect', () => resolve(socket));
    socket.once('error', reject);
  });
}

function overTls(socket: Socket, protocol: string) {
  return connectTls({ socket, servername: HOST, ca: certificates.ca, ALPNProtocols: [protocol] });
}

/** What comes back over TLS, or how it ended. */
function textOverTls(socket: Socket): Promise<string> {
  return new Promise((resolve) => {
    const secured = overTls(socket, 'http/1.1');
    let text = '';
    secured.on('data', (bytes: Buffer) => (text += bytes.toString()));
    secured.on('error', () => undefined);
    secured.on('close', () => resolve(text));
    secured.write(ASK);
  });
}

describe('with PROXY headers of trusted addresses', () => {
  test.each([
    ['version 1', Buffer.from(V1)],
    ['version 2', V2],
  ])('%s: the visitor is who the header names, in whatever pieces', async (_name, header) => {
    await start({ trust: ['127.0.0.0/8'] }, { proxyProtocol: true });
    expect(await exchangeRaw(broker.addresses.public, Buffer.concat([header, Buffer.from(ASK)]))).toContain('served');
    const socket = await dial();
    socket.setNoDelay(true);
    let text = '';
    socket.on('data', (bytes: Buffer) => (text += bytes.toString()));
    for (const byte of Buffer.concat([header, Buffer.from(ASK)]))
      await new Promise<void>((resolve) => void socket.write(Buffer.from([byte]), () => resolve()));
    await new Promise((resolve) => socket.once('close', resolve));
    expect(text).toContain('served');
    expect(seen.map((headers) => headers['x-forwarded-for'])).toEqual(['203.0.113.9', '203.0.113.9']);
    expect(seen[0]?.['x-forwarded-port']).toBe('443');
  });

  test('before TLS, for HTTP/1.1 and HTTP/2', async () => {
    await start({ trust: ['127.0.0.1'] }, { proxyProtocol: true, ...(await tls()) });
    for (const header of [Buffer.from(V1), V2]) {
      const plain = await dial();
      plain.write(header);
      expect(await textOverTls(plain)).toContain('served');
      const socket = await dial();
      socket.write(header);
      const session = connectHttp2(`https://${HOST}`, { createConnection: () => overTls(socket, 'h2') });
      const answer = await askHttp2(session, { ':path': '/', ':authority': HOST });
      expect(answer.body.toString()).toBe('served');
      session.destroy();
    }
    expect(seen.map((headers) => headers['x-forwarded-for'])).toEqual(Array(4).fill('203.0.113.9'));
    expect(seen.map((headers) => headers['x-forwarded-proto'])).toEqual(Array(4).fill('https'));
  });

  test('header, hello and request in one packet', async () => {
    await start({ trust: ['127.0.0.1'] }, { proxyProtocol: true, ...(await tls()) });
    const socket = await dial();
    socket.cork();
    socket.write(V2);
    const text = textOverTls(socket);
    socket.uncork();
    expect(await text).toContain('served');
  });

  test('LOCAL and UNKNOWN leave the address of the connection', async () => {
    await start({ trust: ['127.0.0.1'] }, { proxyProtocol: true });
    const local = Buffer.from('0d0a0d0a000d0a515549540a20000000', 'hex');
    expect(await exchangeRaw(broker.addresses.public, Buffer.concat([local, Buffer.from(ASK)]))).toContain('served');
    expect(await exchangeRaw(broker.addresses.public, `PROXY UNKNOWN\r\n${ASK}`)).toContain('served');
    expect(seen.map((headers) => headers['x-forwarded-for'])).toEqual(['127.0.0.1', '127.0.0.1']);
  });

  test('a connection without one is closed unanswered, in the clear and with TLS', async () => {
    await start({ trust: ['127.0.0.1'] }, { proxyProtocol: true });
    expect(await exchangeRaw(broker.addresses.public, ASK)).toBe('');
    await broker.close();
    await start({ trust: ['127.0.0.1'] }, { proxyProtocol: true, ...(await tls()) });
    expect(await textOverTls(await dial())).toBe('');
    expect(seen).toEqual([]);
  });

  test('one that does not come is not waited for', async () => {
    await start({ trust: ['127.0.0.1'], limits: { headTimeoutMs: 50 } }, { proxyProtocol: true });
    expect(await exchangeRaw(broker.addresses.public, 'PROXY TCP4 ')).toBe('');
  });

  test('of others are refused, and others need none', async () => {
    await start({ trust: ['192.0.2.0/24'] }, { proxyProtocol: true });
    for (const header of [Buffer.from(V1), V2])
      expect(await exchangeRaw(broker.addresses.public, Buffer.concat([header, Buffer.from(ASK)]))).toMatch(
        /^HTTP\/1.1 (400|505) /,
      );
    expect(seen).toEqual([]);
    expect(await exchangeRaw(broker.addresses.public, ASK)).toContain('served');
    await broker.close();
    await start({ trust: ['192.0.2.0/24'] }, { proxyProtocol: true, ...(await tls()) });
    const socket = await dial();
    socket.write(V1);
    expect(await textOverTls(socket)).toBe('');
    expect(seen).toEqual([]);
  });

  test('are refused also from trusted addresses while the option is off', async () => {
    await start({ trust: ['127.0.0.1'] });
    expect(await exchangeRaw(broker.addresses.public, V1 + ASK)).toMatch(/^HTTP\/1.1 (400|505) /);
    expect(seen).toEqual([]);
  });

  test('cannot be asked for without saying whose', async () => {
    await start({});
    await expect(
      startTunnelBroker(keys, { public: { host: '127.0.0.1', port: 0, proxyProtocol: true } }),
    ).rejects.toThrow(/trust/);
    await expect(startTunnelBroker(keys, { trust: ['10.0.0.0/33'] })).rejects.toThrow('"10.0.0.0/33"');
  });
});

const CLAIMS = [
  'X-Forwarded-For: 6.6.6.6, 203.0.113.5',
  'X-Forwarded-Proto: https',
  'X-Forwarded-Host: shop.example',
  'Forwarded: for=203.0.113.5',
].join('\r\n');

function claiming(): Promise<string> {
  return exchangeRaw(broker.addresses.public, ASK.replace('\r\n\r\n', `\r\n${CLAIMS}\r\n\r\n`));
}

describe('what a proxy says of the visitor', () => {
  test('is kept, with the proxy added, when the proxy is trusted', async () => {
    await start({ trust: ['127.0.0.1'] });
    await claiming();
    expect(seen[0]).toMatchObject({
      'x-forwarded-for': '6.6.6.6, 203.0.113.5, 127.0.0.1',
      'x-forwarded-proto': 'https',
      'x-forwarded-host': 'shop.example',
      'x-forwarded-port': '443',
      forwarded: `for=203.0.113.5, for=127.0.0.1;proto=http;host="${HOST}"`,
    });
  });

  test('is dropped and said anew when it is not', async () => {
    await start({ trust: ['10.0.0.0/8'] });
    await claiming();
    expect(seen[0]).toMatchObject({
      'x-forwarded-for': '127.0.0.1',
      'x-forwarded-proto': 'http',
      'x-forwarded-host': HOST,
    });
    expect(seen[0]?.['forwarded']).toBeUndefined();
  });

  test('through PROXY headers is believed only of a trusted source', async () => {
    await start({ trust: ['127.0.0.1', '203.0.113.9'] }, { proxyProtocol: true });
    const request = V1 + ASK.replace('\r\n\r\n', `\r\n${CLAIMS}\r\n\r\n`);
    await exchangeRaw(broker.addresses.public, request);
    await exchangeRaw(broker.addresses.public, request.replace('203.0.113.9', '203.0.113.8'));
    expect(seen.map((headers) => headers['x-forwarded-for'])).toEqual([
      '6.6.6.6, 203.0.113.5, 203.0.113.9',
      '203.0.113.8',
    ]);
  });
});
