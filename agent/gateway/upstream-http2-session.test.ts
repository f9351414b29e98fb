import { once } from 'node:events';
import { createServer as createHttp2Server } from 'node:http2';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { afterEach, expect, test, vi } from 'vitest';
import { UpstreamHttp2Session, type Http2StreamUser } from './upstream-http2-session.ts';
import type { UpstreamTarget } from './upstream-target.ts';

const IDLE_MS = 1_000;
/** Longer than one that does not close is waited for. */
const LONG_MS = 10_000;
const servers: Server[] = [];
const ends: Socket[] = [];

afterEach(() => {
  vi.useRealTimers();
  for (const end of ends.splice(0)) end.destroy();
  for (const server of servers.splice(0)) server.close();
});

async function listening(server: Server): Promise<number> {
  servers.push(server);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

/** A connection to an HTTP/2 server whose own half of it stays open, whatever becomes of ours; `goAway`: the server leaves. */
async function startNeverEnding() {
  const http2 = createHttp2Server();
  const left = Promise.withResolvers<() => void>();
  http2.on('session', (session) => {
    session.on('error', () => {});
    left.resolve(() => session.goaway());
  });
  http2.on('stream', (stream) => {
    stream.respond({ ':status': 200 });
    stream.end('ok');
  });
  const http2Port = await listening(http2 as unknown as Server);
  const relay = createServer({ allowHalfOpen: true }, (near) => {
    const far = connect(http2Port, '127.0.0.1');
    ends.push(near, far);
    for (const socket of [near, far]) socket.on('error', () => {});
    near.pipe(far, { end: false });
    far.pipe(near, { end: false });
  });
  const port = await listening(relay);
  const socket = connect({ host: '127.0.0.1', port, allowHalfOpen: true });
  ends.push(socket);
  await once(socket, 'connect');
  const target = { origin: `h2c://127.0.0.1:${port}` } as UpstreamTarget;
  return { socket, target, goAway: async () => (await left.promise)() };
}

const user: Http2StreamUser = { place: -1, onConnectionEnd: () => {} };

async function ask(session: UpstreamHttp2Session): Promise<void> {
  const stream = session.open(user, { ':path': '/' }, { endStream: true, waitForTrailers: false });
  stream.resume();
  await once(stream, 'close');
}

test.each(['rests for too long', 'is told to leave'])(
  'a connection that %s ends, also when the upstream never closes its side',
  async (why) => {
    const { socket, target, goAway } = await startNeverEnding();
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const session = new UpstreamHttp2Session(socket, target, IDLE_MS, () => {});
    await ask(session);
    const finished = once(socket, 'finish');
    if (why === 'is told to leave') await goAway();
    else vi.advanceTimersByTime(IDLE_MS);
    await finished;
    expect(socket.destroyed).toBe(false);
    const closed = once(socket, 'close');
    vi.advanceTimersByTime(LONG_MS);
    await closed;
  },
);
