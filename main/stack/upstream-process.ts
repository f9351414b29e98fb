import { connect, createServer } from 'node:net';
import { resolve } from 'node:path';
import type { PreviewEvent } from '../../shared/process/lines.ts';
import type { WorkspaceConfig } from '../../shared/workspace/adit-yaml.ts';
import { startChild, type RunningChild } from './child-process.ts';
import { roleProgram } from './program.ts';

export interface UpstreamSet {
  /** Base URL by the key of `upstreams:` in `adit.yaml`. */
  readonly urls: Readonly<Record<string, string>>;
  /** Problems that do not stop the rest: a command that does not start or listen. */
  readonly problems: readonly string[];
  pids(): readonly number[];
  stop(graceMs: number): Promise<void>;
}

const LISTENS_WITHIN_MS = 10_000;
const RESTART_MS = [200, 1_000, 5_000] as const;
const POLL_MS = 25;

/**
 * Starts the commands of `upstreams:` and waits until each listens, at most 10 s and not after `signal`; URLs are passed on as
 * they are.
 */
export async function startUpstreams(
  dir: string,
  upstreams: WorkspaceConfig['upstreams'],
  listeners: {
    onEvent(event: PreviewEvent): void;
    onLog(name: string, text: string): void;
    readonly signal?: AbortSignal | undefined;
  },
): Promise<UpstreamSet> {
  const urls: Record<string, string> = {};
  const problems: string[] = [];
  const running: { child: RunningChild | undefined; timer: NodeJS.Timeout | undefined }[] = [];
  let stopped = false;

  await Promise.all(
    Object.entries(upstreams).map(async ([key, upstream]) => {
      if ('url' in upstream) {
        urls[key] = upstream.url;
        return;
      }
      const name = `upstream ${key}`;
      const port = await freePort();
      urls[key] = `http://127.0.0.1:${port}`;
      const slot: (typeof running)[number] = { child: undefined, timer: undefined };
      running.push(slot);
      let failures = 0;
      const start = async (): Promise<RunningChild> => {
        const leash = roleProgram('leash');
        const command = typeof upstream.command === 'string' ? ['--shell', upstream.command] : [...upstream.command];
        const child = await startChild(
          {
            name,
            command: leash.command,
            args: [...leash.args, ...command],
            cwd: resolve(dir, upstream.cwd ?? '.'),
            env: { ...upstream.env, PORT: String(port), HOST: '127.0.0.1' },
          },
          { onLog: (text) => listeners.onLog(name, text) },
        );
        slot.child = child;
        void child.exited.then((exit) => {
          if (stopped) return;
          const restartInMs = RESTART_MS[Math.min(failures++, RESTART_MS.length - 1)] ?? 5_000;
          const reason = `exit code ${exit.code}${exit.lastError ? `: ${exit.lastError}` : ''}`;
          listeners.onEvent({ event: 'child-exited', child: name, pid: child.pid, reason, restartInMs });
          slot.timer = setTimeout(() => {
            start().then(
              (again) =>
                listeners.onEvent({
                  event: 'child-restarted',
                  child: name,
                  pid: again.pid,
                  address: `127.0.0.1:${port}`,
                }),
              (error: unknown) => listeners.onLog(name, String(error)),
            );
          }, restartInMs);
        });
        return child;
      };
      try {
        const child = await start();
        const listening = await Promise.race([
          listens(port, LISTENS_WITHIN_MS, listeners.signal),
          child.exited.then(() => false),
        ]);
        if (!listening) {
          const said = child.lastError();
          problems.push(`${name}: nothing listens on 127.0.0.1:${port} ($PORT)${said ? `; it said: ${said}` : ''}`);
        }
      } catch (error) {
        problems.push(`${name}: ${error instanceof Error ? error.message : String(error)}`);
      }
    }),
  );

  return {
    urls,
    problems,
    pids: () => running.flatMap((slot) => (slot.child ? [slot.child.pid] : [])),
    async stop(graceMs) {
      stopped = true;
      for (const slot of running) clearTimeout(slot.timer);
      await Promise.all(running.flatMap((slot) => (slot.child ? [slot.child.stop(graceMs)] : [])));
    },
  };
}

/** A port that was free a moment ago; the command is told to use it. */
function freePort(): Promise<number> {
  return new Promise((resolvePort, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() =>
        typeof address === 'object' && address ? resolvePort(address.port) : reject(new Error('no port')),
      );
    });
  });
}

async function listens(port: number, withinMs: number, signal: AbortSignal | undefined): Promise<boolean> {
  const deadline = Date.now() + withinMs;
  while (Date.now() < deadline && signal?.aborted !== true) {
    if (await accepts(port)) return true;
    await new Promise((done) => setTimeout(done, POLL_MS));
  }
  return false;
}

function accepts(port: number): Promise<boolean> {
  return new Promise((done) => {
    const socket = connect({ port, host: '127.0.0.1' });
    socket.once('connect', () => (socket.destroy(), done(true)));
    socket.once('error', () => (socket.destroy(), done(false)));
  });
}
