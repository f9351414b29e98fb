import { once } from 'node:events';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import { plain, prefix, route } from './testing/config.ts';
import { useGateway } from './testing/use-gateway.ts';

const start = useGateway();
const servers: Server[] = [];
const sockets: Socket[] = [];

afterEach(() => {
  for (const socket of sockets.splice(0)) socket.destroy();
  for (const server of servers.splice(0)) server.close();
});

/** An upstream of bare connections, of which it ends no half by itself; `onBytes` gets the first bytes of each. */
async function startBare(onBytes: (socket: Socket) => void) {
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    sockets.push(socket);
    socket.on('error', () => {});
    socket.once('data', () => onBytes(socket));
    socket.resume();
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const under = await start(plain());
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  under.apply(plain(route('all', prefix('/'))), { upstreams: new Map([['shop/web:80', url]]) });
  return under;
}

const POST = 'POST / HTTP/1.1\r\nHost: shop.preview.test\r\nContent-Length: 6\r\n\r\n';
const SWITCH = 'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n';
const UPGRADE = { headers: { Connection: 'Upgrade', Upgrade: 'echo' } };

describe('an upstream that ends its side', () => {
  test('after a whole answer, while the request is sent: the answer is whole, and the upstream is left', async () => {
    const left = Promise.withResolvers<void>();
    const { visitor } = await startBare((socket) => {
      socket.on('end', () => left.resolve());
      socket.end('HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nearly');
    });
    const kept = visitor();
    const answer = kept.expect('POST');
    kept.stream.write(Buffer.from(`${POST}abc`));
    expect((await answer).body.toString()).toBe('early');
    await left.promise;
    // What is left of the request is no request of its own.
    kept.stream.write(Buffer.from('def'));
    expect((await kept.ask('/')).body.toString()).toBe('early');
  });

  test.each([
    ['nothing', ''],
    ['an interim answer', 'HTTP/1.1 100 Continue\r\n\r\n'],
    ['half a head', 'HTTP/1.1 200 OK\r\nContent-'],
  ])('after %s is 502, whether the request is whole or not', async (_name, said) => {
    const { visitor } = await startBare((socket) => socket.end(said));
    const kept = visitor();
    expect((await kept.ask('/')).status).toBe(502);
    const answer = kept.expect('POST');
    kept.stream.write(Buffer.from(`${POST}abc`));
    expect((await answer).status).toBe(502);
  });

  test('ends with it a body that has no other end, also one that began before the request was whole', async () => {
    const held: Socket[] = [];
    const { visitor } = await startBare((socket) => {
      held.push(socket);
      socket.write('HTTP/1.1 200 OK\r\n\r\nfirst');
    });
    const kept = visitor();
    const began = Promise.withResolvers<void>();
    const answer = kept.expect('POST', () => began.resolve());
    kept.stream.write(Buffer.from(`${POST}abc`));
    await began.promise;
    const [socket] = held;
    const rest = once(socket ?? expect.unreachable(), 'data');
    kept.stream.write(Buffer.from('def'));
    expect(String((await rest)[0])).toBe('def');
    socket?.end('x'.repeat(1_000_000));
    const { body, header } = await answer;
    expect([body.length, header('transfer-encoding')]).toEqual([1_000_005, 'chunked']);
  });

  test.each([
    ['a body with a length', 'Content-Length: 100\r\n\r\nabc', 'end'],
    ['a body in chunks', 'Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n', 'end'],
    ['a body until the end, by a reset', '\r\nabc', 'resetAndDestroy'],
  ] as const)('cuts %s so that it shows', async (_name, rest, how) => {
    const held: Socket[] = [];
    const { visitor } = await startBare((socket) => {
      held.push(socket);
      socket.write(`HTTP/1.1 200 OK\r\n${rest}`);
    });
    const kept = visitor();
    const began = Promise.withResolvers<void>();
    const answer = kept.ask('/', {}, () => began.resolve());
    answer.catch(() => {});
    await began.promise;
    held[0]?.[how]();
    await expect(answer).rejects.toThrow();
    expect(await kept.closed).toMatchObject({ code: 'yamux-stream-reset' });
  });
});

describe('an upgraded connection', () => {
  test('goes on one way when the other has ended, first from either side', async () => {
    const held: Socket[] = [];
    const { visitor, session } = await startBare((socket) => {
      held.push(socket);
      socket.write(SWITCH);
    });
    const bytes = Buffer.alloc(1_000_000, 'x');
    for (const upstreamFirst of [true, false]) {
      const kept = visitor();
      await kept.ask('/', UPGRADE);
      const socket = held.pop() ?? expect.unreachable();
      let sent = 0;
      let got = 0;
      socket.on('data', (piece) => (sent += piece.length));
      kept.takeOver((piece) => (got += piece.length));
      const fin = once(socket, 'end');
      if (upstreamFirst) {
        socket.end('bye');
        await expect.poll(() => got).toBe(3);
        kept.stream.write(bytes);
        await expect.poll(() => sent).toBe(bytes.length);
        kept.stream.end();
        await fin;
      } else {
        kept.stream.end();
        await fin;
        socket.end(bytes);
      }
      expect(await kept.closed).toBeUndefined();
      expect([sent, got]).toEqual(upstreamFirst ? [bytes.length, 3] : [0, bytes.length]);
    }
    await expect.poll(() => session.streams).toBe(0);
  });

  test('an upstream that is gone after its end takes nothing back of what it had sent', async () => {
    const closed = Promise.withResolvers<void>();
    const { visitor, session, ask } = await startBare((socket) => {
      socket.write(SWITCH);
      // More than a visitor gets who does not read, and less than the agent takes for him.
      socket.end(Buffer.alloc(400_000, 'x'));
      socket.once('finish', () => closed.resolve());
    });
    const kept = visitor();
    kept.hold();
    await kept.ask('/', UPGRADE);
    let got = 0;
    kept.takeOver((piece) => (got += piece.length));
    await closed.promise;
    // What came has been read by now: this is asked behind it.
    await ask('/', UPGRADE);
    for (const socket of sockets) socket.destroy();
    // The first is answered with a reset, and the next finds it.
    for (let count = 0; count < 3; count += 1) {
      kept.stream.write(Buffer.from('more'));
      await session.ping();
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(got).toBeLessThan(400_000);
    kept.release();
    await expect.poll(() => got).toBe(400_000);
    kept.stream.end();
    expect(await kept.closed).toBeUndefined();
  });
});
