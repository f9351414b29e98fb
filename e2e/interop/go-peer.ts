import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer as createHttpServer } from 'node:http';
import { mkdir, readdir, readFile, rename, stat } from 'node:fs/promises';
import { type AddressInfo, connect, createServer } from 'node:net';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import { requestUpgrade } from '../../agent/tunnels/request-upgrade.ts';
import { checkUpgradeRequest, upgradeAnswer } from '../../shared/websocket/handshake.ts';
import { RawWebSocketChannel } from '../../shared/websocket/web-socket-channel.ts';
import { Session, type SessionOptions } from '../../shared/yamux/session.ts';
import { SocketChannel } from '../../shared/yamux/socket-channel.ts';
import { StreamReader } from '../../shared/yamux/testing/stream-reader.ts';
import type { ByteChannel } from '../../shared/yamux/types.ts';

const run = promisify(execFile);
const sources = join(import.meta.dirname, 'go');

/** True when a Go tool chain is there. In CI its absence is a failure, elsewhere the tests say that they were skipped. */
export async function hasGo(): Promise<boolean> {
  try {
    await run('go', ['version']);
    return true;
  } catch (error) {
    if (process.env['CI'] === 'true') throw new Error('the interop tests need `go` on the PATH', { cause: error });
    console.warn('SKIPPED: interop with hashicorp/yamux, because there is no `go` on the PATH');
    return false;
  }
}

/** Builds the Go peer once for each state of its sources. */
export async function buildGoPeer(): Promise<string> {
  const hash = createHash('sha256');
  for (const name of (await readdir(sources)).sort()) hash.update(name).update(await readFile(join(sources, name)));
  const folder = join(homedir(), '.cache', 'adit', `interop-${hash.digest('hex').slice(0, 16)}`);
  const binary = join(folder, 'peer');
  const built = await stat(binary).then(
    () => true,
    () => false,
  );
  if (built) return binary;
  await mkdir(folder, { recursive: true });
  const fresh = join(folder, `peer-${process.pid}`);
  await run('go', ['build', '-mod=readonly', '-o', fresh, '.'], { cwd: sources });
  await rename(fresh, binary);
  return binary;
}

export interface GoPeerSetup {
  readonly transport: 'tcp' | 'ws';
  /** Who dials the carrier; the other listens. */
  readonly dials: 'go' | 'node';
  /** The Yamux role of the Go side. */
  readonly goRole: 'client' | 'server';
  readonly flags?: readonly string[];
  readonly session?: Omit<SessionOptions, 'role'>;
}

/** A Go process and our session with it. */
export class GoPeer implements AsyncDisposable {
  readonly session: Session;
  readonly process: ChildProcess;
  private readonly stopListening: () => void;
  private readonly log: string[];

  constructor(session: Session, child: ChildProcess, log: string[], stopListening: () => void) {
    this.session = session;
    this.process = child;
    this.log = log;
    this.stopListening = stopListening;
  }

  /** What the Go side wrote to its standard error. */
  get goLog(): string {
    return this.log.join('');
  }

  /** Opens a stream whose first line tells the Go side what to do with it. */
  command(line: string, options: { consume?: boolean } = {}): StreamReader {
    const reader = new StreamReader(this.session.open(), options);
    reader.stream.write(Buffer.from(`${line}\n`));
    return reader;
  }

  /** A command that is answered with one JSON object. */
  async ask(line: string): Promise<unknown> {
    const reader = this.command(line);
    reader.stream.end();
    const error = await reader.closed;
    if (error) throw new Error(`${line}: ${error.message}\n${this.goLog}`, { cause: error });
    return JSON.parse(reader.text());
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.session.destroy();
    this.stopListening();
    if (this.process.exitCode === null && this.process.signalCode === null) {
      const exited = once(this.process, 'exit');
      this.process.kill('SIGKILL');
      await exited;
    }
  }
}

export async function startGoPeer(binary: string, setup: GoPeerSetup): Promise<GoPeer> {
  const log: string[] = [];
  const args = ['-transport', setup.transport, '-role', setup.goRole, ...(setup.flags ?? [])];
  let channel: ByteChannel;
  let child: ChildProcess;
  let stop = (): void => {};
  if (setup.dials === 'node') {
    child = spawn(binary, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    keep(child, log);
    channel = await dial(setup.transport, await listeningAddress(child));
  } else {
    const listener = await listen(setup.transport);
    stop = listener.stop;
    child = spawn(binary, [...args, '-dial', listener.address], { stdio: ['ignore', 'pipe', 'pipe'] });
    keep(child, log);
    channel = await listener.accepted;
  }
  const role = setup.goRole === 'client' ? 'server' : 'client';
  return new GoPeer(new Session(channel, { ...setup.session, role }), child, log, stop);
}

function keep(child: ChildProcess, log: string[]): void {
  child.stderr?.on('data', (bytes: Buffer) => {
    if (log.length < 1000) log.push(bytes.toString());
  });
}

async function listeningAddress(child: ChildProcess): Promise<string> {
  if (!child.stdout) throw new Error('the Go peer has no standard output');
  for await (const line of createInterface({ input: child.stdout })) {
    const address = /^listening (\S+)$/.exec(line)?.[1];
    if (address !== undefined) return address;
  }
  throw new Error('the Go peer ended before it listened');
}

async function dial(transport: 'tcp' | 'ws', address: string): Promise<ByteChannel> {
  if (transport === 'tcp') {
    const [host, port] = address.split(':');
    const socket = connect(Number(port), host);
    await once(socket, 'connect');
    return new SocketChannel(socket);
  }
  const outcome = await requestUpgrade({
    url: `ws://${address}/`,
    headers: {},
    timeoutMs: 10_000,
    signal: new AbortController().signal,
  });
  if (outcome.kind !== 'upgraded') throw new Error(`the Go peer answered ${outcome.response.statusCode}`);
  return new RawWebSocketChannel(outcome.socket, { role: 'client', head: outcome.head });
}

async function listen(
  transport: 'tcp' | 'ws',
): Promise<{ address: string; accepted: Promise<ByteChannel>; stop: () => void }> {
  if (transport === 'tcp') {
    const server = createServer({ allowHalfOpen: true }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const accepted = once(server, 'connection').then(([socket]) => new SocketChannel(socket));
    return { address: `127.0.0.1:${(server.address() as AddressInfo).port}`, accepted, stop: () => server.close() };
  }
  const server = createHttpServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const accepted = new Promise<ByteChannel>((resolve, reject) => {
    server.once('upgrade', (request, socket, head) => {
      const handshake = checkUpgradeRequest(request);
      if (!handshake.ok) {
        reject(new Error(handshake.error.message));
        return;
      }
      socket.write(upgradeAnswer(handshake.value, undefined));
      resolve(new RawWebSocketChannel(socket, { role: 'server', head }));
    });
  });
  return { address: `127.0.0.1:${(server.address() as AddressInfo).port}`, accepted, stop: () => server.close() };
}
