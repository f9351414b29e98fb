import { spawn } from 'node:child_process';
import { constants } from 'node:fs';
import { access } from 'node:fs/promises';
import { basename, delimiter, join } from 'node:path';
import type { Rendering } from './find-renderings.ts';

const MAX_OUTPUT = 16 * 1024 * 1024;
const MAX_WORDS = 16 * 1024;
/** A proxy that nobody listens on, and no cluster: what still tries to reach out fails at once. */
const NOWHERE = 'http://127.0.0.1:9';
const CLOSED = {
  HTTP_PROXY: NOWHERE,
  HTTPS_PROXY: NOWHERE,
  ALL_PROXY: NOWHERE,
  NO_PROXY: '',
  KUBECONFIG: '/dev/null',
  GIT_ALLOW_PROTOCOL: 'none',
  GIT_TERMINAL_PROMPT: '0',
};

export interface RunLimits {
  readonly env: NodeJS.ProcessEnv;
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
}

/** `words`: what the program wrote about its failure. `final`: the same again would give the same. */
export type Ran =
  | { readonly text: string }
  | { readonly problem: string; readonly words?: string; readonly final: boolean };

/** The user's own program for overlays or charts, with its verb; undefined where there is none on PATH. */
export async function programFor(by: Rendering['by'], env: NodeJS.ProcessEnv): Promise<string[] | undefined> {
  const candidates =
    by === 'helm'
      ? [['helm', 'template']]
      : [
          ['kustomize', 'build'],
          ['kubectl', 'kustomize'],
        ];
  for (const [program = '', ...verb] of candidates) {
    for (const dir of (env['PATH'] ?? '').split(delimiter)) {
      const path = join(dir, process.platform === 'win32' ? `${program}.exe` : program);
      if (dir !== '' && (await isProgram(path))) return [path, ...verb];
    }
  }
  return undefined;
}

/** Runs a program that gets no cluster and no network. Rejects when cancelled by `signal`. */
export function runProgram(program: string, args: readonly string[], limits: RunLimits): Promise<Ran> {
  const { env, timeoutMs, signal } = limits;
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, {
      env: { ...env, ...CLOSED },
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: process.platform !== 'win32',
      windowsHide: true,
    });
    const chunks: Buffer[] = [];
    let [bytes, words] = [0, ''];
    let cut: string | undefined;
    const stop = (why: string): void => {
      cut ??= why;
      end(child.pid);
    };
    const timer = setTimeout(() => stop(`it took longer than ${Math.ceil(timeoutMs / 1000)} s`), timeoutMs);
    const onAbort = (): void => stop('cancelled');
    signal?.addEventListener('abort', onAbort, { once: true });
    const finish = (ran: Ran): void => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', onAbort);
      if (signal?.aborted === true) reject(signal.reason);
      else resolve(ran);
    };
    child.stdout.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes > MAX_OUTPUT) stop(`it gives more than ${MAX_OUTPUT / 1024 / 1024} MiB`);
      else chunks.push(chunk);
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => (words = (words + text).slice(-MAX_WORDS)));
    child.on('error', (error) => finish({ problem: error.message, final: false }));
    child.on('close', (code) => {
      if (cut !== undefined) finish({ problem: cut, final: false });
      else if (code === 0) finish({ text: Buffer.concat(chunks).toString('utf8') });
      else finish({ problem: `${basename(program)} ended with ${code}`, words, final: true });
    });
  });
}

async function isProgram(path: string): Promise<boolean> {
  try {
    await access(path, constants.X_OK);
    return true;
  } catch {
    // Whatever the reason, it cannot be run from there; the next folder of PATH is asked.
    return false;
  }
}

/** With what it started: plugins of Helm are processes too. */
function end(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    process.kill(process.platform === 'win32' ? pid : -pid, 'SIGKILL');
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error;
  }
}
