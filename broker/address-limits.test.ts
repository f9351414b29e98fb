import { connect } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { Broker, BrokerLimits, BrokerOptions } from './index.ts';
import { limitsFor } from './options.ts';
import { answerOf, askHttp2, connectHttp2 as dialHttp2 } from './testing/http2-visitor.ts';
import { TestAgent } from './testing/test-agent.ts';
import { startTunnelBroker, until } from './testing/test-broker.ts';
import { makeCertificates } from './testing/test-certificates.ts';
import type { TestCertificates } from './testing/test-certificates.ts';
import { makeKeys } from './testing/test-keys.ts';
import type { TestKeys } from './testing/test-keys.ts';
import { exchangeRaw } from './testing/visitor.ts';

const HOST = 'shop.test';
const GET = `GET / HTTP/1.1\r\nHost: ${HOST}\r\n\r\n`;
const LAST = GET.replace('\r\n\r\n', '\r\nConnection: close\r\n\r\n');

let keys: TestKeys;
let certificates: TestCertificates;
let broker: Broker;
let asked = 0;
/** Endless responses that ended. */
let cut = 0;

beforeAll(async () => {
  keys = await makeKeys();
  certificates = await makeCertificates();
});
afterAll(async () => {
  await keys.remove();
  await certificates.remove();
});
afterEach(() => broker.close());

async function start(limits: Partial<BrokerLimits>, how: Partial<BrokerOptions> = {}, secure = false): Promise<void> {
  asked = 0;
  cut = 0;
  const tls = secure ? { tls: [await certificates.write('limits', [HOST])] } : {};
  broker = await startTunnelBroker(keys, { limits, public: { host: '127.0.0.1', port: 0, ...tls }, ...how });
  await TestAgent.dial(broker.addresses.tunnelUrl ?? '', {
    token: await keys.token('agent-1', [HOST]),
    hosts: [HOST],
    onRequest: (request, response) => {
      asked += 1;
      if (request.url === '/endless') {
        const more = (): void => {
          while (response.write(Buffer.alloc(65_536)));
        };
        response.on('drain', more);
        response.on('close', () => (cut += 1));
        more();
      } else if (request.url === '/silent') response.writeHead(200).flushHeaders();
      else request.resume().on('end', () => response.end('served'));
    },
  });
}

function statuses(text: string): number[] {
  return [...text.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map((found) => Number(found[1]));
}

describe('requests of one address', () => {
  test('beyond the burst get 429 with Retry-After on a connection that lives on, and count over connections', async () => {
    await start({ requestsPerSecondPerAddress: 0.001, requestBurstPerAddress: 3 });
    const text = await exchangeRaw(broker.addresses.public, GET.repeat(4) + LAST);
    expect(statuses(text)).toEqual([200, 200, 200, 429, 429]);
    expect(text).toMatch(/\r\nRetry-After: 1\r\n[^]*broker.too-many-requests/);
    expect(statuses(await exchangeRaw(broker.addresses.public, LAST))).toEqual([429]);
    expect(asked).toBe(3);
  });

  test('by HTTP/2 count the same', async () => {
    await start({ requestsPerSecondPerAddress: 0.001, requestBurstPerAddress: 2 }, {}, true);
    const session = await dialHttp2(broker.addresses.public, HOST, certificates.ca);
    const answers = [];
    for (let n = 0; n < 4; n += 1) answers.push(await askHttp2(session, { ':path': '/' }));
    session.destroy();
    expect(answers.map((answer) => answer.status)).toEqual([200, 200, 429, 429]);
    expect(answers[3]?.headers['retry-after']).toBe('1');
  });

  test('count for the visitor when a trusted proxy names it, and the proxy has no limit', async () => {
    await start(
      { requestsPerSecondPerAddress: 0.001, requestBurstPerAddress: 1, maxConnectionsPerAddress: 1 },
      { trust: ['127.0.0.1'] },
    );
    const of = (address: string): string => GET.replace('\r\n\r\n', `\r\nX-Forwarded-For: ${address}\r\n\r\n`);
    const idle = connect(Number(broker.addresses.public.split(':')[1]), '127.0.0.1');
    const text = await exchangeRaw(
      broker.addresses.public,
      `${of('203.0.113.1')}${of('203.0.113.2')}${of('203.0.113.1')}${of('6.6.6.6, 203.0.113.2')}${GET}${LAST}`,
    );
    idle.destroy();
    expect(statuses(text)).toEqual([200, 200, 429, 429, 200, 200]);
  });
});

test('TLS handshakes of one address are limited', async () => {
  await start({ tlsHandshakesPerSecondPerAddress: 0.001, tlsHandshakeBurstPerAddress: 2 }, {}, true);
  const handshake = (): Promise<string> =>
    new Promise((resolve) => {
      const socket = connectTls({
        host: '127.0.0.1',
        port: Number(broker.addresses.public.split(':')[1]),
        servername: HOST,
        ca: certificates.ca,
      });
      socket.once('secureConnect', () => (socket.destroy(), resolve('secure')));
      socket.once('error', () => resolve('refused'));
    });
  expect([await handshake(), await handshake(), await handshake()]).toEqual(['secure', 'secure', 'refused']);
});

describe('a body', () => {
  const head = `POST / HTTP/1.1\r\nHost: ${HOST}\r\nContent-Length: 1000\r\n\r\n`;
  const trickle = { bodyFloorBytes: 10_000, bodyPaceMs: 300 };

  /** Writes a byte now and then until the other side ends. */
  function drip(write: () => void): () => void {
    const timer = setInterval(write, 20);
    return () => clearInterval(timer);
  }

  test('that drips gets 408 although it never stops', async () => {
    await start(trickle);
    const socket = connect(Number(broker.addresses.public.split(':')[1]), '127.0.0.1');
    let text = '';
    socket.on('data', (bytes) => (text += bytes.toString()));
    socket.on('error', () => undefined);
    socket.write(head);
    const stop = drip(() => socket.write('x'));
    await until(() => text.includes('broker.body-timeout'));
    stop();
    socket.destroy();
    expect(statuses(text)).toEqual([408]);
  });

  test('that drips by HTTP/2 gets 408, and gRPC may', async () => {
    await start(trickle, {}, true);
    const session = await dialHttp2(broker.addresses.public, HOST, certificates.ca);
    const grpc = session.request({ ':path': '/', ':method': 'POST', 'content-type': 'application/grpc' });
    const slow = session.request({ ':path': '/', ':method': 'POST' });
    grpc.write('x');
    const stop = drip(() => void (slow.writable && slow.write('x')));
    slow.on('error', () => undefined);
    const answer = await answerOf(slow);
    stop();
    expect(answer.status).toBe(408);
    grpc.end('y');
    expect((await answerOf(grpc)).status).toBe(200);
    session.destroy();
  });

  test('of a response that nobody takes is cut, for HTTP/1.1 and HTTP/2; one that is silent is not', async () => {
    await start({ bodyFloorBytes: 240, readerPaceMs: 300 });
    const [host, port] = broker.addresses.public.split(':');
    const silent = connect(Number(port), host);
    let open = true;
    silent.on('error', () => undefined);
    silent.on('close', () => (open = false));
    silent.on('data', () => undefined);
    silent.write(GET.replace('GET /', 'GET /silent'));
    const stalled = connect(Number(port), host);
    stalled.on('error', () => undefined);
    stalled.pause();
    stalled.write(GET.replace('GET /', 'GET /endless'));
    await until(() => cut === 1);
    expect(open).toBe(true);
    silent.destroy();
    stalled.destroy();
    await broker.close();
    await start({ bodyFloorBytes: 240, readerPaceMs: 300 }, {}, true);
    const session = await dialHttp2(broker.addresses.public, HOST, certificates.ca);
    const stream = session.request({ ':path': '/endless' });
    const quiet = session.request({ ':path': '/silent' });
    stream.on('error', () => undefined);
    quiet.on('error', () => undefined);
    await until(() => cut === 1);
    expect(quiet.destroyed).toBe(false);
    session.destroy();
  });
});

describe('a head beyond the limits', () => {
  const limits = { maxTargetBytes: 300, maxHeadBytes: 2_000, maxHeaders: 10 };
  const many = Array.from({ length: 12 }, (_, n) => [`x-${n}`, 'y'] as const);

  test('gets 414 or 431 by HTTP/1.1', async () => {
    await start(limits);
    for (const [expected, request] of [
      [414, GET.replace('/', `/${'a'.repeat(400)}`)],
      [431, GET.replace('\r\n\r\n', `\r\nX: ${'a'.repeat(2_000)}\r\n\r\n`)],
      [431, GET.replace('\r\n\r\n', `\r\n${many.map(([name, value]) => `${name}: ${value}`).join('\r\n')}\r\n\r\n`)],
    ] as const)
      expect(statuses(await exchangeRaw(broker.addresses.public, request))).toEqual([expected]);
    expect(asked).toBe(0);
  });

  test('gets 414 or 431 by HTTP/2', async () => {
    await start(limits, {}, true);
    const session = await dialHttp2(broker.addresses.public, HOST, certificates.ca);
    for (const [expected, headers] of [
      [414, { ':path': `/${'a'.repeat(400)}` }],
      [431, { ':path': '/', x: 'a'.repeat(2_000) }],
      [431, { ':path': '/', ...Object.fromEntries(many) }],
    ] as const)
      expect((await askHttp2(session, headers)).status).toBe(expected);
    session.destroy();
    expect(asked).toBe(0);
  });
});

test('a listener for others than this machine limits each address, one on loopback only connections', () => {
  const of = (host: string) => limitsFor({ public: { host, port: 0 } });
  expect(of('0.0.0.0')).toMatchObject({ requestsPerSecondPerAddress: 1_000, tlsHandshakesPerSecondPerAddress: 100 });
  expect(of('127.0.0.1')).toMatchObject({ requestsPerSecondPerAddress: 0, tlsHandshakesPerSecondPerAddress: 0 });
  expect(of('::').maxConnectionsPerAddress).toBe(1_024);
});
