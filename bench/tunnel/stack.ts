import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { developmentCertificates } from '../../main/stack/development-ca.ts';
import { findProgram, type Recipe } from '../peers/find-program.ts';
import { type ServerProcess, startServer } from '../peers/server-process.ts';

const sources = join(import.meta.dirname, '../peers/go-yamux');

/** hashicorp/yamux over gorilla/websocket with buffers of 64 KiB. */
const goYamuxRecipe: Recipe = {
  name: 'adit-bench-go-yamux',
  version: readdirSync(sources)
    .sort()
    .reduce((hash, name) => hash.update(readFileSync(join(sources, name))), createHash('sha256'))
    .digest('hex')
    .slice(0, 12),
  tool: 'go',
  cwd: sources,
  args: (into) => ['build', '-mod=readonly', '-o', join(into, 'adit-bench-go-yamux'), '.'],
};

/** Undefined where there is no Go to build it. */
export async function goProgram(): Promise<string | undefined> {
  const program = await findProgram(goYamuxRecipe);
  if (typeof program === 'string') return program;
  console.log(`MISSING: ${program.missing}; there is nothing to compare with`);
  return undefined;
}

export interface Stack {
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
}

export const adit: Stack = {
  name: 'adit',
  command: process.execPath,
  args: [join(import.meta.dirname, 'yamux-peer.ts')],
};

/** Ours, and the broker keeps what it sees of the way. */
export function tracingAdit(file: string): Stack {
  return { ...adit, args: [...adit.args, '--trace', file] };
}

export function goStack(program: string, windowBytes: number): Stack {
  const name = windowBytes === 256 * 1024 ? 'go' : `go ${windowBytes / 2 ** 20}M`;
  return { name, command: program, args: ['-window', String(windowBytes)] };
}

export interface Certificate {
  readonly cert: string;
  readonly key: string;
  readonly ca: string;
}

/** For 127.0.0.1, as files in the folder. */
export async function certificateIn(folder: string): Promise<Certificate> {
  const made = await developmentCertificates();
  const files = { cert: join(folder, 'cert.pem'), key: join(folder, 'key.pem'), ca: join(folder, 'ca.pem') };
  await Promise.all([writeFile(files.cert, made.cert), writeFile(files.key, made.key), writeFile(files.ca, made.ca)]);
  return files;
}

export interface Way {
  readonly program: string;
  readonly delayMs: number;
  /** Bytes per second; 0: as many as the relay can. */
  readonly rate: number;
}

/** Both ends of a session as processes: the broker listens and is the Yamux server, the agent dials. */
export interface Pair extends AsyncDisposable {
  readonly stack: Stack;
  readonly broker: End;
  readonly agent: End;
}

export async function startPair(stack: Stack, options: { tls?: Certificate; way?: Way } = {}): Promise<Pair> {
  const { tls, way } = options;
  const running: ServerProcess[] = [];
  const start = async (command: string, args: readonly string[]): Promise<ServerProcess> => {
    const server = await startServer(command, args);
    running.push(server);
    return server;
  };
  const secured = tls === undefined ? [] : ['--cert', tls.cert, '--key', tls.key];
  const broker = await start(stack.command, [...stack.args, '--listen', ...secured]);
  let address = (await broker.says(/listening (\S+)\n/))[1] ?? '';
  if (way !== undefined) {
    const { delayMs, rate } = way;
    // What is on its way, and besides that what a router may hold.
    const queue = rate === 0 ? 64 * 2 ** 20 : 2 ** 20;
    const args = ['-relay', address, '-delay', `${delayMs}ms`, '-rate', String(rate), '-queue', String(queue)];
    const relay = await start(way.program, args);
    address = (await relay.says(/listening (\S+)\n/))[1] ?? '';
  }
  const trusted = tls !== undefined && stack.command === adit.command ? ['--ca', tls.ca] : [];
  const url = `${tls === undefined ? 'ws' : 'wss'}://${address}/`;
  const agent = await start(stack.command, [...stack.args, '--dial', url, ...trusted]);
  await Promise.all([broker.says(/^ready$/m), agent.says(/^ready$/m)]);
  return {
    stack,
    broker: new End(broker),
    agent: new End(agent),
    [Symbol.asyncDispose]: async () => {
      await Promise.all(running.map((server) => server.stop()));
    },
  };
}

interface Answer {
  readonly bytes?: number;
  readonly atMs?: number;
  readonly count?: number;
  readonly p50?: number;
  readonly p99?: number;
}

export interface EchoTimes {
  readonly count: number;
  readonly p50: number;
  readonly p99: number;
}

/** One end, which obeys. */
export class End {
  private readonly server: ServerProcess;
  private lastId = 0;

  constructor(server: ServerProcess) {
    this.server = server;
  }

  get pid(): number {
    return this.server.pid;
  }

  async echo(ms: number, concurrency = 1): Promise<EchoTimes> {
    const { count = 0, p50 = Number.NaN, p99 = Number.NaN } = await this.tell({ do: 'echo', ms, concurrency });
    return { count, p50, p99 };
  }

  async startBulk(streams: number): Promise<void> {
    await this.tell({ do: 'bulk-start', streams });
  }

  async stopBulk(): Promise<void> {
    await this.tell({ do: 'bulk-stop' });
  }

  async openIdle(streams: number): Promise<void> {
    await this.tell({ do: 'idle', streams });
  }

  /** Has it write what `--trace FILE` told it to keep. */
  async keepTrace(): Promise<void> {
    await this.tell({ do: 'trace' });
  }

  /** Bytes of bulk that have arrived at this end, and when that was, by its own clock. */
  async received(): Promise<{ bytes: number; atMs: number }> {
    const { bytes = 0, atMs = 0 } = await this.tell({ do: 'received' });
    return { bytes, atMs };
  }

  private async tell(command: object): Promise<Answer> {
    const id = ++this.lastId;
    this.server.child.stdin?.write(`${JSON.stringify({ ...command, id })}\n`);
    const [line] = await this.server.says(new RegExp(`^\\{.*"id":${id}[,}].*$`, 'm'));
    const answer: Answer = JSON.parse(line);
    return answer;
  }
}
