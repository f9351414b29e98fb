import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { createInterface } from 'node:readline';
import type { Duplex } from 'node:stream';
import { parseArgs } from 'node:util';
import { requestUpgrade } from '../../agent/tunnels/request-upgrade.ts';
import { tuneCollector } from '../../shared/process/tune-collector.ts';
import { checkUpgradeRequest, upgradeAnswer } from '../../shared/websocket/handshake.ts';
import { RawWebSocketChannel } from '../../shared/websocket/web-socket-channel.ts';
import type { FlightSample } from '../../shared/yamux/flight-control.ts';
import { Session } from '../../shared/yamux/session.ts';
import type { YamuxStream } from '../../shared/yamux/types.ts';

/**
 * One end of our session over our WebSocket, as a process that obeys commands: the same as `bench/peers/go-yamux`.
 * Prints `listening ADDRESS`, then `ready`, then one line of JSON for each line of JSON.
 */
const { values } = parseArgs({
  options: {
    listen: { type: 'boolean', default: false },
    dial: { type: 'string' },
    cert: { type: 'string' },
    key: { type: 'string' },
    ca: { type: 'string' },
    trace: { type: 'string' },
  },
});
const CHUNK = Buffer.alloc(64 * 1024);
const ECHO = Buffer.alloc(100);
const trace: FlightSample[] = [];
let received = 0;
let bulk: YamuxStream[] = [];
/** Streams that nothing moves on. */
const idle: YamuxStream[] = [];

interface Command {
  readonly id: number;
  readonly do: 'bulk-start' | 'bulk-stop' | 'received' | 'idle' | 'echo' | 'trace';
  readonly streams?: number;
  readonly ms?: number;
  readonly concurrency?: number;
}

// As agent and broker do.
tuneCollector();
const channel = values.listen ? await accept() : await dial();
const session = new Session(channel, {
  role: values.listen ? 'server' : 'client',
  limits: { acceptBacklog: 8_192, maxUnacknowledged: 8_192 },
  onStream: serve,
  ...(values.trace === undefined ? {} : { observe: (sample) => trace.push(sample) }),
  onClosed: () => process.exit(),
});
console.log('ready');
for await (const line of createInterface({ input: process.stdin })) {
  const command: Command = JSON.parse(line);
  console.log(JSON.stringify({ id: command.id, ...(await obey(command)) }));
}

async function accept(): Promise<RawWebSocketChannel> {
  const { cert, key } = values;
  const server =
    cert === undefined || key === undefined
      ? createServer()
      : createTlsServer({ cert: readFileSync(cert), key: readFileSync(key) });
  const upgraded = new Promise<RawWebSocketChannel>((resolve, reject) => {
    server.once('upgrade', (request, socket: Duplex, head) => {
      const { method = '', httpVersion, headers } = request;
      const answer = checkUpgradeRequest({ method, httpVersion, headers });
      if (!answer.ok) {
        reject(new Error(answer.error.message));
        return;
      }
      socket.write(upgradeAnswer(answer.value, undefined));
      resolve(new RawWebSocketChannel(socket, { role: 'server', head }));
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  console.log(`listening 127.0.0.1:${port}`);
  return upgraded;
}

async function dial(): Promise<RawWebSocketChannel> {
  const outcome = await requestUpgrade({
    url: values.dial ?? '',
    headers: {},
    ...(values.ca === undefined ? {} : { ca: readFileSync(values.ca, 'utf8') }),
    timeoutMs: 5_000,
    signal: new AbortController().signal,
  });
  if (outcome.kind === 'answered') throw new Error(`the other end answered ${outcome.response.statusCode}`);
  return new RawWebSocketChannel(outcome.socket, { role: 'client', head: outcome.head });
}

/** The first byte says what the stream is for: s takes everything, e echoes. */
function serve(stream: YamuxStream): void {
  let kind: number | undefined;
  stream.attach({
    onData: (bytes) => {
      const isFirst = kind === undefined;
      kind ??= bytes[0];
      if (kind === 0x73) received += bytes.length;
      else if (!isFirst) stream.write(bytes);
      else if (bytes.length > 1) stream.write(bytes.subarray(1));
      stream.consumed(bytes.length);
    },
    onEnd: () => stream.end(),
    onDrain: () => {},
    onClosed: () => {},
  });
}

async function obey({ do: what, streams = 1, ms = 0, concurrency = 1 }: Command): Promise<object> {
  switch (what) {
    case 'bulk-start':
      for (let count = 0; count < streams; count++) bulk.push(startBulk());
      return {};
    case 'bulk-stop':
      for (const stream of bulk) stream.reset();
      bulk = [];
      return {};
    case 'received':
      return { bytes: received, atMs: performance.now() };
    case 'idle':
      for (let count = 0; count < streams; count++) {
        const stream = session.open();
        stream.attach({ onData: () => {}, onEnd: () => {}, onDrain: () => {}, onClosed: () => {} });
        stream.write(Buffer.from('e'));
        idle.push(stream);
      }
      await session.ping();
      return {};
    case 'echo':
      return echo(ms, concurrency);
    case 'trace':
      writeFileSync(values.trace ?? '/dev/null', JSON.stringify(trace));
      return { count: trace.length };
  }
}

function startBulk(): YamuxStream {
  const stream = session.open();
  const fill = (): void => {
    while (!stream.closed && stream.write(CHUNK));
  };
  stream.attach({ onData: () => {}, onEnd: () => {}, onDrain: fill, onClosed: () => {} });
  stream.write(Buffer.from('s'));
  fill();
  return stream;
}

async function echo(ms: number, concurrency: number): Promise<{ count: number; p50: number; p99: number }> {
  const until = performance.now() + ms;
  const own = await Promise.all(Array.from({ length: concurrency }, () => echoUntil(until)));
  const times = own.flat().sort((a, b) => a - b);
  const at = (part: number): number => times[Math.floor(times.length * part)] ?? Number.NaN;
  return { count: times.length, p50: at(0.5), p99: at(0.99) };
}

function echoUntil(until: number): Promise<number[]> {
  return new Promise((resolve, reject) => {
    const times: number[] = [];
    const stream = session.open();
    let sentAt = 0;
    let missing = 0;
    const ask = (): void => {
      sentAt = performance.now();
      missing = ECHO.length;
      stream.write(ECHO);
    };
    stream.attach({
      onData: (bytes) => {
        stream.consumed(bytes.length);
        missing -= bytes.length;
        if (missing > 0) return;
        const now = performance.now();
        times.push(now - sentAt);
        if (now < until) ask();
        else stream.end();
      },
      onEnd: () => {},
      onDrain: () => {},
      onClosed: (error) => (error ? reject(error) : resolve(times)),
    });
    stream.write(Buffer.from('e'));
    ask();
  });
}
