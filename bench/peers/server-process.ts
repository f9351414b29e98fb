import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { connect, createServer } from 'node:net';

export interface ServerProcess {
  readonly pid: number;
  readonly child: ChildProcess;
  /** Everything that it wrote last, both outputs. */
  said(): string;
  /** Resolves with the first match in what it writes. */
  says(pattern: RegExp): Promise<RegExpExecArray>;
  stop(): Promise<void>;
}

export interface ServerProcessOptions {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Resolves once it accepts connections there. */
  readonly port?: number;
}

const STARTS_WITHIN_MS = 20_000;
const POLL_MS = 20;
const KEPT_TEXT = 16_000;
/** None of them outlives this process. */
const children = new Set<ChildProcess>();
process.once('exit', () => {
  for (const child of children) child.kill('SIGKILL');
});

/** A program that runs beside the measurement; it is killed with `stop`, or with this process. */
export async function startServer(
  command: string,
  args: readonly string[],
  options: ServerProcessOptions = {},
): Promise<ServerProcess> {
  const child = spawn(command, args, {
    cwd: options.cwd,
    env: { ...process.env, ...options.env },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  let text = '';
  let onText: (() => void) | undefined;
  const keep = (data: Buffer): void => {
    text = (text + data.toString()).slice(-KEPT_TEXT);
    onText?.();
  };
  child.stdout.on('data', keep);
  child.stderr.on('data', keep);
  child.on('error', (error) => keep(Buffer.from(error.message)));
  child.stdin.on('error', (error) => keep(Buffer.from(error.message)));
  children.add(child);
  child.once('close', () => children.delete(child));
  const ended = (): boolean => child.pid === undefined || child.exitCode !== null || child.signalCode !== null;
  const failed = (why: string): Error => new Error(`${command} ${args.join(' ')}: ${why}: ${text.slice(-1500)}`);

  const running: ServerProcess = {
    pid: child.pid ?? 0,
    child,
    said: () => text,
    async says(pattern) {
      const deadline = Date.now() + STARTS_WITHIN_MS;
      for (;;) {
        const match = pattern.exec(text);
        if (match) return match;
        if (ended()) throw failed('ended');
        if (Date.now() > deadline) throw failed(`did not say ${String(pattern)}`);
        await new Promise<void>((done) => {
          const timer = setTimeout(done, POLL_MS);
          onText = () => (clearTimeout(timer), done());
        });
      }
    },
    async stop() {
      if (ended()) return;
      const exit = once(child, 'exit');
      child.kill('SIGTERM');
      const late = setTimeout(() => child.kill('SIGKILL'), 3_000);
      await exit;
      clearTimeout(late);
    },
  };
  if (options.port !== undefined) {
    const deadline = Date.now() + STARTS_WITHIN_MS;
    while (!(await accepts(options.port))) {
      if (ended()) throw failed('ended');
      if (Date.now() > deadline) {
        await running.stop();
        throw failed(`does not listen on ${options.port}`);
      }
      await new Promise((done) => setTimeout(done, POLL_MS));
    }
  }
  return running;
}

/** A port that nobody listened on a moment ago. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (typeof address !== 'object' || address === null) throw new Error('no port');
  return address.port;
}

async function accepts(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1');
  return new Promise((done) => {
    socket.once('connect', () => (socket.destroy(), done(true)));
    socket.once('error', () => (socket.destroy(), done(false)));
  });
}
