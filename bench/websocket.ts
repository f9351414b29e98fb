import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { createServer as createHttpServer } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { WebSocket, WebSocketServer } from 'ws';
import { requestUpgrade } from '../agent/tunnels/request-upgrade.ts';
import { developmentCertificates } from '../main/stack/development-ca.ts';
import { checkUpgradeRequest, upgradeAnswer } from '../shared/websocket/handshake.ts';
import { RawWebSocketChannel } from '../shared/websocket/web-socket-channel.ts';
import type { ByteChannel } from '../shared/yamux/types.ts';
import { WsChannel } from '../shared/yamux/testing/ws-channel.ts';
import { type Kind, LoadEnd, SMALL, wholeBatches } from './websocket/load.ts';

/**
 * Own WebSocket framing beside that of `ws`: two processes, the same load, interleaved, medians. CPU is that of both
 * processes together. `npm run bench -- websocket [ROUNDS]`.
 */
type Framing = 'own' | 'ws';
interface Command {
  readonly act: 'listen' | 'dial' | 'arm' | 'send' | 'receive';
  readonly framing: Framing;
  readonly secure: boolean;
  readonly port?: number;
  readonly ca?: string;
  readonly kind?: Kind;
  readonly bytes?: number;
}
interface Reply {
  readonly port?: number;
  readonly ca?: string;
  readonly cpuMs?: number;
}

const MAX_MESSAGE_BYTES = 4 * 1024 * 1024;
const WARM_SHARE = 0.25;
const loads: readonly (readonly [Kind, number])[] = [
  ['bulk', wholeBatches(400e6)],
  ['small', 100_000 * SMALL.length],
  ['echo', 8_000 * SMALL.length],
];

if (process.send === undefined) await main(Number(process.argv[2] ?? 3));
else servePeer();

async function main(rounds: number): Promise<void> {
  const rows: Record<string, string | number>[] = [];
  for (const secure of [false, true]) {
    const pairs = { own: await startPair('own', secure), ws: await startPair('ws', secure) };
    for (const [kind, bytes] of loads) {
      for (const up of kind === 'echo' ? [true] : [false, true]) {
        const seen = { own: [] as Run[], ws: [] as Run[] };
        for (const framing of ['own', 'ws'] as const) await pairs[framing].run(kind, wholeBatchesOf(kind, bytes), up);
        for (let round = 0; round < rounds; round++)
          for (const framing of round % 2 === 0 ? (['own', 'ws'] as const) : (['ws', 'own'] as const))
            seen[framing].push(await pairs[framing].run(kind, bytes, up));
        const direction = kind === 'echo' ? '⇄' : up ? 'client → server (masked)' : 'server → client';
        rows.push(row(`${secure ? 'wss' : 'ws'} ${kind} ${direction}`, kind, bytes, seen.own, seen.ws));
      }
    }
    pairs.own.stop();
    pairs.ws.stop();
  }
  console.table(rows);
}

function wholeBatchesOf(kind: Kind, bytes: number): number {
  return kind === 'bulk'
    ? wholeBatches(bytes * WARM_SHARE)
    : SMALL.length * Math.ceil((bytes / SMALL.length) * WARM_SHARE);
}

interface Run {
  readonly ms: number;
  readonly cpuMs: number;
}

function row(name: string, kind: Kind, bytes: number, own: readonly Run[], ws: readonly Run[]): Record<string, string> {
  const count = bytes / SMALL.length;
  const rate = (runs: readonly Run[]): number => {
    const ms = median(runs.map((run) => run.ms));
    return kind === 'bulk' ? bytes / 1e3 / ms : kind === 'small' ? count / ms : (ms * 1e3) / count;
  };
  const cpu = (runs: readonly Run[]): number => {
    const ms = median(runs.map((run) => run.cpuMs));
    return kind === 'bulk' ? ms / 1e3 / (bytes / 1e9) : (ms * 1e3) / count;
  };
  const unit = kind === 'bulk' ? 'MB/s' : kind === 'small' ? 'k messages/s' : 'µs round trip';
  const cpuUnit = kind === 'bulk' ? 's/GB' : 'µs/message';
  return {
    load: name,
    own: `${rate(own).toFixed(1)} ${unit}`,
    ws: `${rate(ws).toFixed(1)} ${unit}`,
    'own CPU': `${cpu(own).toFixed(2)} ${cpuUnit}`,
    'ws CPU': `${cpu(ws).toFixed(2)} ${cpuUnit}`,
    'CPU own/ws': (cpu(own) / cpu(ws)).toFixed(2),
    'CPU spread own, ws': `${spread(own)}, ${spread(ws)}`,
  };
}

function spread(runs: readonly Run[]): string {
  const all = runs.map((run) => run.cpuMs);
  const middle = median(all);
  return `${(Math.min(...all) / middle).toFixed(2)}–${(Math.max(...all) / middle).toFixed(2)}`;
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((one, other) => one - other);
  const half = sorted.length >> 1;
  return sorted.length % 2 === 1 ? (sorted[half] ?? 0) : ((sorted[half - 1] ?? 0) + (sorted[half] ?? 0)) / 2;
}

async function startPair(framing: Framing, secure: boolean) {
  const [server, client] = [start(), start()];
  const { port = 0, ca } = await ask(server, { act: 'listen', framing, secure });
  await ask(client, { act: 'dial', framing, secure, port, ...(ca === undefined ? {} : { ca }) });
  return {
    async run(kind: Kind, bytes: number, up: boolean): Promise<Run> {
      const [sender, receiver] = up ? [client, server] : [server, client];
      await ask(receiver, { act: 'arm', framing, secure, kind });
      const from = performance.now();
      const ends = await Promise.all([
        ask(receiver, { act: 'receive', framing, secure, kind, bytes }),
        ask(sender, { act: 'send', framing, secure, kind, bytes }),
      ]);
      return { ms: performance.now() - from, cpuMs: ends.reduce((sum, { cpuMs = 0 }) => sum + cpuMs, 0) };
    },
    stop(): void {
      server.kill();
      client.kill();
    },
  };
}

function start(): ChildProcess {
  return fork(import.meta.filename, { stdio: 'inherit' });
}

async function ask(child: ChildProcess, command: Command): Promise<Reply> {
  const answered = once(child, 'message');
  child.send(command);
  const [reply] = await answered;
  return reply as Reply;
}

function servePeer(): void {
  let end: Promise<LoadEnd> | undefined;
  process.on('message', (command: Command) => {
    void (async () => {
      const reply = (answer: Reply): void => void process.send?.(answer);
      const { kind = 'bulk', bytes = 0 } = command;
      if (command.act === 'listen') {
        const { port, ca, channel } = await listen(command);
        end = channel.then((one) => new LoadEnd(one));
        reply({ port, ...(ca === undefined ? {} : { ca }) });
        return;
      }
      if (command.act === 'dial') {
        end = dial(command).then((one) => new LoadEnd(one));
        await end;
        reply({});
        return;
      }
      const load = await end;
      if (load === undefined) throw new Error('not connected');
      if (command.act === 'arm') {
        load.arm(kind);
        reply({});
        return;
      }
      const before = process.cpuUsage();
      await (command.act === 'send' ? load.send(kind, bytes) : load.receive(bytes));
      const used = process.cpuUsage(before);
      reply({ cpuMs: (used.user + used.system) / 1e3 });
    })();
  });
}

async function listen({ framing, secure }: Command) {
  const certificate = secure ? await developmentCertificates() : undefined;
  const server =
    certificate === undefined
      ? createHttpServer()
      : createHttpsServer({ cert: certificate.cert, key: certificate.key });
  const sockets = new WebSocketServer({ noServer: true, perMessageDeflate: false, maxPayload: MAX_MESSAGE_BYTES });
  const channel = new Promise<ByteChannel>((resolve, reject) => {
    server.on('upgrade', (request, socket, head) => {
      if (framing === 'ws') {
        sockets.handleUpgrade(request, socket, head, (one) => resolve(new WsChannel(one)));
        return;
      }
      const handshake = checkUpgradeRequest(request);
      if (!handshake.ok) {
        reject(new Error(handshake.error.message));
        return;
      }
      socket.write(upgradeAnswer(handshake.value, undefined));
      resolve(new RawWebSocketChannel(socket, { role: 'server', head, maxMessageBytes: MAX_MESSAGE_BYTES }));
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { port: (server.address() as AddressInfo).port, ca: certificate?.ca, channel };
}

async function dial({ framing, secure, port = 0, ca }: Command): Promise<ByteChannel> {
  const url = `${secure ? 'wss' : 'ws'}://127.0.0.1:${port}/`;
  if (framing === 'ws') {
    const options = { perMessageDeflate: false, maxPayload: MAX_MESSAGE_BYTES };
    const socket = new WebSocket(url, ca === undefined ? options : { ...options, ca });
    return new Promise((resolve, reject) => {
      socket.once('open', () => resolve(new WsChannel(socket)));
      socket.once('error', reject);
    });
  }
  const outcome = await requestUpgrade({
    url,
    headers: {},
    ...(ca === undefined ? {} : { ca }),
    timeoutMs: 5_000,
    signal: new AbortController().signal,
  });
  if (outcome.kind !== 'upgraded') throw new Error('not upgraded');
  return new RawWebSocketChannel(outcome.socket, {
    role: 'client',
    head: outcome.head,
    maxMessageBytes: MAX_MESSAGE_BYTES,
  });
}
