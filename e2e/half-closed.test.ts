import { once } from 'node:events';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { Gateway } from '../agent/gateway/gateway.ts';
import { plain, prefix, route } from '../agent/gateway/testing/config.ts';
import { Recorder } from '../agent/recorder/recorder.ts';
import type { Broker, BrokerLimits } from '../broker/index.ts';
import { RawVisitor } from '../broker/testing/raw-visitor.ts';
import { TestAgent } from '../broker/testing/test-agent.ts';
import { startEdge, startTunnelBroker, until } from '../broker/testing/test-broker.ts';
import { makeKeys, type TestKeys } from '../broker/testing/test-keys.ts';

const HOST = 'shop.test';
const GET = `GET / HTTP/1.1\r\nHost: ${HOST}\r\n\r\n`;
const CHUNKED = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n';
const LAST = '0\r\n\r\n';
const UPGRADE = `GET / HTTP/1.1\r\nHost: ${HOST}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n`;
const SWITCH = 'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n';
/** More than the kernels on the way hold. */
const MUCH = 'x'.repeat(12_000_000);

let keys: TestKeys;
let brokers: Broker[] = [];
let gateway: Gateway;
let server: Server;
const visitors: RawVisitor[] = [];
const sockets: UpstreamEnd[] = [];

/** The upstream's end of a connection; it ends no half by itself. */
class UpstreamEnd {
  readonly socket: Socket;
  text = '';
  ended = false;
  readonly closed: Promise<unknown>;

  constructor(socket: Socket) {
    this.socket = socket;
    socket.on('error', () => {});
    socket.on('data', (bytes) => (this.text += bytes.toString('latin1')));
    socket.on('end', () => (this.ended = true));
    this.closed = new Promise((resolve) => socket.once('close', resolve));
  }

  async got(part: string): Promise<void> {
    await until(() => this.text.includes(part));
  }
}

beforeAll(async () => {
  keys = await makeKeys();
});
afterAll(() => keys.remove());
afterEach(async () => {
  for (const { socket } of [...visitors.splice(0), ...sockets.splice(0)]) socket.destroy();
  await Promise.all(brokers.splice(0).map((broker) => broker.close()));
  await gateway.close();
  server.close();
});

function chunk(text: string): string {
  return `${text.length.toString(16)}\r\n${text}\r\n`;
}

/** Visitors, perhaps an edge, a broker, a tunnel, a gateway, and an upstream, on bare connections at both ends. */
async function stage(kind: string, limits: Partial<BrokerLimits> = {}) {
  const waiting: UpstreamEnd[] = [];
  server = createServer({ allowHalfOpen: true }, (socket) => {
    const end = new UpstreamEnd(socket);
    sockets.push(end);
    waiting.push(end);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  gateway = new Gateway({ recorder: new Recorder() });
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  gateway.apply(plain(route('all', prefix('/'))), {
    hostMap: new Map([[HOST, null]]),
    upstreams: new Map([['shop/web:80', url]]),
  });
  const broker = await startTunnelBroker(keys, kind === 'edge' ? {} : { limits });
  brokers = [broker];
  await TestAgent.dial(broker.addresses.tunnelUrl ?? '', {
    token: await keys.token('agent-1', [HOST]),
    hosts: [HOST],
    onStream: (stream) => gateway.accept(stream, { broker: 'b1', region: 'here' }),
  });
  let front = broker;
  if (kind === 'edge') {
    front = await startEdge([broker.addresses.peer ?? ''], { limits });
    brokers.push(front);
    await until(() => front.ready());
  }
  return {
    visit(bytes: string): RawVisitor {
      const visitor = new RawVisitor(front.addresses.public);
      visitors.push(visitor);
      visitor.socket.write(bytes);
      return visitor;
    },
    /** Its end of the next connection, with a whole head in it. */
    async upstream(): Promise<UpstreamEnd> {
      await until(() => waiting.length > 0);
      const end = waiting.shift() ?? expect.unreachable();
      await end.got('\r\n\r\n');
      return end;
    },
    rest: () => until(() => gateway.inFlight === 0),
  };
}

describe.each(['broker', 'edge'])('from a visitor to an upstream, first hop: %s', (kind) => {
  test('who has sent a whole request and ends his side gets a whole answer, begun or not, and while he sends', async () => {
    const { visit, upstream, rest } = await stage(kind);
    for (const when of ['before', 'after', 'upload'] as const) {
      const post = GET.replace('GET', 'POST').replace('\r\n\r\n', '\r\nTransfer-Encoding: chunked\r\n\r\n');
      const visitor = visit(when === 'upload' ? `${post}${chunk('one')}` : GET);
      const end = await upstream();
      if (when === 'before') visitor.socket.end();
      end.socket.write(`${CHUNKED}${chunk('first')}`);
      await visitor.sees('first');
      if (when === 'after') visitor.socket.end();
      if (when === 'upload') {
        visitor.socket.end(`${chunk('two')}${LAST}`);
        await end.got(LAST);
        expect(end.text.endsWith(`${chunk('one')}${chunk('two')}${LAST}`)).toBe(true);
      }
      for (const piece of ['second', 'third']) {
        end.socket.write(chunk(piece));
        await visitor.sees(piece);
      }
      end.socket.end(`${chunk(MUCH)}${LAST}`);
      expect(await visitor.closed).toBe('in order');
      expect(visitor.body === ['first', 'second', 'third', MUCH].map(chunk).join('') + LAST).toBe(true);
      await end.closed;
    }
    await rest();
  });

  test('who is gone is told to the upstream: at the next event, or in time', async () => {
    const { visit, upstream, rest } = await stage(kind, { halfClosedIdleMs: 500, responseTimeoutMs: 500 });
    for (const phase of ['event', 'quiet', 'waiting'] as const) {
      const visitor = visit(GET);
      const end = await upstream();
      if (phase !== 'waiting') {
        end.socket.write(`${CHUNKED}${chunk('data: 1\n\n')}`);
        await visitor.sees('data: 1');
      }
      visitor.socket.destroy();
      if (phase === 'event') end.socket.write(chunk('data: 2\n\n'));
      await until(() => end.ended);
      end.socket.end();
      await end.closed;
    }
    await rest();
  });

  test('who cuts his upload gives the upstream no whole request', async () => {
    const { visit, upstream, rest } = await stage(kind);
    for (const [framing, body] of [
      ['Content-Length: 100', 'abc'],
      ['Transfer-Encoding: chunked', chunk('abc')],
    ]) {
      const visitor = visit(`POST / HTTP/1.1\r\nHost: ${HOST}\r\n${framing}\r\n\r\n${body}`);
      const end = await upstream();
      await end.got('abc');
      visitor.socket.end();
      await until(() => end.ended);
      expect(end.text.endsWith(body ?? '')).toBe(true);
      expect([await visitor.closed, visitor.text]).toEqual(['in order', '']);
    }
    await rest();
  });

  test('an end of the upstream ends a body that has no other end, a reset cuts it, for either version', async () => {
    const { visit, upstream, rest } = await stage(kind);
    for (const version of ['1.0', '1.1']) {
      const get = GET.replace('1.1', version);
      const whole = visit(get);
      (await upstream()).socket.end(`HTTP/1.1 200 OK\r\n\r\n${MUCH}`);
      await whole.sees('\r\n\r\n');
      whole.socket.end();
      expect(await whole.closed).toBe('in order');
      expect(whole.body.split('x').length - 1).toBe(MUCH.length);
      expect(whole.body.endsWith(LAST)).toBe(version === '1.1');

      const cut = visit(get);
      const end = await upstream();
      end.socket.write('HTTP/1.1 200 OK\r\n\r\nabc');
      await cut.sees('abc');
      end.socket.resetAndDestroy();
      expect(await cut.closed).toBe('ECONNRESET');
      expect(cut.body.endsWith(LAST)).toBe(false);
    }
    await rest();
  });

  test('a WebSocket goes on one way when the other has ended, and is reset where it was reset', async () => {
    const { visit, upstream, rest } = await stage(kind);
    for (const first of ['visitor', 'upstream'] as const) {
      const visitor = visit(UPGRADE);
      const end = await upstream();
      end.socket.write(SWITCH);
      await visitor.sees('101');
      const [one, other] = first === 'visitor' ? [visitor, end] : [end, visitor];
      one.socket.end('bye');
      await until(() => other.ended);
      expect(other.text.endsWith('bye')).toBe(true);
      other.socket.end(MUCH);
      await one.closed;
      expect(one.text.endsWith(`\r\n\r\n${MUCH}`)).toBe(true);
      expect(await visitor.closed).toBe('in order');
    }
    const left = visit(UPGRADE);
    const end = await upstream();
    end.socket.write(SWITCH);
    await left.sees('101');
    left.socket.resetAndDestroy();
    await until(() => end.ended);
    await rest();
    const cut = visit(UPGRADE);
    const cutting = await upstream();
    cutting.socket.write(SWITCH);
    await cut.sees('101');
    cutting.socket.resetAndDestroy();
    expect(await cut.closed).toBe('ECONNRESET');
    await rest();
  });
});
