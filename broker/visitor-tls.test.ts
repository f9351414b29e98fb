import { execFile } from 'node:child_process';
import { connect } from 'node:tls';
import type { TLSSocket } from 'node:tls';
import { promisify } from 'node:util';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import type { Broker } from './index.ts';
import { askHttp2, connectHttp2 } from './testing/http2-visitor.ts';
import { TestAgent } from './testing/test-agent.ts';
import { startTunnelBroker, until } from './testing/test-broker.ts';
import { makeCertificates } from './testing/test-certificates.ts';
import type { TestCertificates } from './testing/test-certificates.ts';
import { makeKeys } from './testing/test-keys.ts';
import type { TestKeys } from './testing/test-keys.ts';

const HOST = 'shop.test';
let keys: TestKeys;
let certificates: TestCertificates;
let broker: Broker;

beforeAll(async () => {
  keys = await makeKeys();
  certificates = await makeCertificates();
});
afterAll(async () => {
  await keys.remove();
  await certificates.remove();
});
beforeEach(async () => {
  const first = await certificates.write('first', ['default.test']);
  const second = await certificates.write('second', [HOST, '*.many.test']);
  broker = await startTunnelBroker(keys, { public: { host: '127.0.0.1', port: 0, tls: [first, second] } });
});
afterEach(() => broker.close());

function handshake(servername: string | undefined, protocols?: string[]): Promise<TLSSocket> {
  const port = Number(broker.addresses.public.split(':')[1]);
  return new Promise((resolve, reject) => {
    const socket = connect({
      host: '127.0.0.1',
      port,
      ca: certificates.ca,
      rejectUnauthorized: false,
      ...(servername === undefined ? {} : { servername }),
      ...(protocols === undefined ? {} : { ALPNProtocols: protocols }),
    });
    socket.once('secureConnect', () => resolve(socket));
    socket.once('error', reject);
  });
}

async function ask(servername: string | undefined, host: string): Promise<string> {
  const socket = await handshake(servername);
  let text = '';
  socket.on('data', (piece: Buffer) => (text += piece.toString()));
  socket.write(`GET / HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`);
  await new Promise((resolve) => socket.once('close', resolve));
  return text;
}

test('the certificate follows the name of the handshake, the first stands in', async () => {
  for (const [name, subject] of [
    [HOST, HOST],
    ['a.many.test', HOST],
    ['default.test', 'default.test'],
    ['unknown.test', 'default.test'],
  ] as const) {
    const socket = await handshake(name);
    expect(socket.getPeerCertificate().subject.CN).toBe(subject);
    socket.destroy();
  }
});

test('ALPN chooses HTTP/2 before HTTP/1.1, and nothing else', async () => {
  for (const [offered, chosen] of [
    [['http/1.1', 'h2'], 'h2'],
    [['http/1.1'], 'http/1.1'],
    [undefined, false],
  ] as const) {
    const socket = await handshake(HOST, offered === undefined ? undefined : [...offered]);
    expect(socket.alpnProtocol).toBe(chosen);
    socket.destroy();
  }
  await expect(handshake(HOST, ['spdy/3'])).rejects.toThrow();
});

test('another host than the handshake named is 421, over HTTP/1.1 and HTTP/2', async () => {
  expect(await ask(HOST, 'default.test')).toMatch(/^HTTP\/1\.1 421 /);
  expect(await ask(HOST, `${HOST.toUpperCase()}.:443`)).toMatch(/^HTTP\/1\.1 404 /);
  expect(await ask(undefined, HOST)).toMatch(/^HTTP\/1\.1 404 /);
  const session = await connectHttp2(broker.addresses.public, HOST, certificates.ca);
  expect((await askHttp2(session, { ':authority': 'default.test' })).status).toBe(421);
  expect((await askHttp2(session, { ':authority': HOST, host: 'default.test' })).status).toBe(421);
  expect((await askHttp2(session, { ':authority': HOST })).status).toBe(404);
  session.destroy();
});

test('changed files are used by new handshakes', async () => {
  const before = await handshake(HOST);
  const serial = before.getPeerCertificate().serialNumber;
  before.destroy();
  await certificates.write('second', [HOST]);
  await until(async () => {
    const socket = await handshake(HOST);
    const other = socket.getPeerCertificate().serialNumber !== serial;
    socket.destroy();
    return other;
  });
});

test('curl speaks HTTP/2 and HTTP/1.1 with it', async () => {
  await TestAgent.dial(broker.addresses.tunnelUrl ?? '', { token: await keys.token('a', [HOST]), hosts: [HOST] });
  const port = broker.addresses.public.split(':')[1];
  for (const [flag, version] of [
    ['--http2', '2'],
    ['--http1.1', '1.1'],
  ] as const) {
    const curl = ['-sk', flag, '-w', ' %{http_version}', '--resolve', `${HOST}:${port}:127.0.0.1`];
    const { stdout } = await promisify(execFile)('curl', [...curl, `https://${HOST}:${port}/`]);
    expect(stdout).toBe(`ok ${version}`);
  }
});

test('the agent is told of TLS and HTTP/2 as they ended here, and not as the visitor says', async () => {
  const told: (string | undefined)[] = [];
  await TestAgent.dial(broker.addresses.tunnelUrl ?? '', {
    token: await keys.token('a', [HOST]),
    hosts: [HOST],
    onRequest: ({ headers }, response) => {
      told.push(String(headers['x-adit-tls']), String(headers['x-adit-http']));
      response.end();
    },
  });
  const socket = await handshake(HOST);
  const { standardName } = socket.getCipher();
  socket.resume();
  socket.write(
    `GET / HTTP/1.1\r\nHost: ${HOST}\r\nX-Adit-Tls: forged\r\nX-Adit-Http: forged\r\nConnection: close\r\n\r\n`,
  );
  await new Promise((resolve) => socket.once('close', resolve));
  const session = await connectHttp2(broker.addresses.public, HOST, certificates.ca);
  await askHttp2(session, { ':authority': HOST, 'x-adit-tls': 'forged' });
  session.destroy();
  expect(told).toEqual([`1.3 ${standardName}`, 'undefined', `1.3 ${standardName}`, '2.0']);
});
