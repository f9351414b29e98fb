import { spawn, type ChildProcess } from 'node:child_process';
import { stat } from 'node:fs/promises';
import type { Result } from '../../shared/result/result.ts';
import { failed, reason, systemCode } from '../errors.ts';
import { codeOf } from './git-words.ts';

export interface GitOptions {
  readonly signal?: AbortSignal | undefined;
  /** Default 30 s. */
  readonly timeoutMs?: number;
  readonly stdin?: string | Uint8Array;
  /** Exit codes that are an answer and not a failure; default `[0]`. */
  readonly successCodes?: readonly number[];
  /** Default 16 MiB. */
  readonly maxOutputBytes?: number;
  readonly env?: Readonly<Record<string, string>>;
}

export interface GitOutput {
  readonly exit: number;
  readonly stdout: Buffer;
  readonly stderr: string;
}

const MAX_WORDS = 64 * 1024;
/** Variables by which a parent Git process (a hook that started us) would turn every call to its own repository. */
const INHERITED = [
  'GIT_DIR',
  'GIT_WORK_TREE',
  'GIT_INDEX_FILE',
  'GIT_OBJECT_DIRECTORY',
  'GIT_COMMON_DIR',
  'GIT_PREFIX',
  'GIT_NAMESPACE',
];

/**
 * Runs the user's own `git`: configuration, hooks, signing and credential helpers work as in a terminal, but nothing
 * can ask: no prompt, no terminal. Paths given as pathspecs are literal. Failures are coded, Git's words are `detail`.
 */
export async function git(args: readonly string[], cwd: string, options: GitOptions = {}): Promise<Result<GitOutput>> {
  const verb = args.find((arg) => /^[a-z][a-z-]+$/.test(arg)) ?? 'git';
  const timeoutMs = options.timeoutMs ?? 30_000;
  const limit = options.maxOutputBytes ?? 16 * 1024 * 1024;
  if (options.signal?.aborted === true) return failed('aborted', { what: `git ${verb}` });

  const run = await new Promise<Ended>((resolve) => {
    // A group of its own: it has no terminal that ssh could ask on, and its helpers end with it.
    const child = spawn('git', args, {
      cwd,
      env: environment(options.env),
      detached: process.platform !== 'win32',
      stdio: ['pipe', 'pipe', 'pipe'],
      windowsHide: true,
    });
    const chunks: Buffer[] = [];
    let bytes = 0;
    let words = '';
    let cut: Ended['cut'];
    const stop = (why: NonNullable<Ended['cut']>): void => {
      cut ??= why;
      endGroup(child);
    };
    const timer = setTimeout(() => stop('timeout'), timeoutMs);
    const onAbort = (): void => stop('aborted');
    options.signal?.addEventListener('abort', onAbort, { once: true });
    const finish = (ended: Ended): void => {
      clearTimeout(timer);
      options.signal?.removeEventListener('abort', onAbort);
      resolve(ended);
    };
    child.stdout.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes > limit) stop('too-large');
      else chunks.push(chunk);
    });
    child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
      words = (words + chunk).slice(-MAX_WORDS);
    });
    // Git may end without reading what it was given; its exit code says more than EPIPE.
    child.stdin.on('error', () => undefined);
    child.stdin.end(options.stdin ?? '');
    child.on('error', (error) => finish({ error, cut, exit: -1, stdout: Buffer.alloc(0), stderr: words }));
    child.on('close', (exit) => finish({ cut, exit: exit ?? -1, stdout: Buffer.concat(chunks), stderr: words }));
  });

  if (run.error !== undefined) return notStarted(run.error, cwd, verb);
  if (run.cut === 'aborted') return failed('aborted', { what: `git ${verb}` });
  if (run.cut === 'timeout')
    return failed('git-timeout', { verb, seconds: Math.round(timeoutMs / 1000) }, run.stderr.trim());
  if (run.cut === 'too-large') return failed('git-output-too-large', { verb, limit });
  if ((options.successCodes ?? [0]).includes(run.exit)) return { ok: true, value: run };
  // Hooks, `git commit` and `git push --porcelain` say some of their reasons on standard output.
  const detail = [
    run.stderr.trim(),
    verb === 'commit' || verb === 'push' ? run.stdout.toString('utf8').trim().slice(0, MAX_WORDS) : '',
  ]
    .filter(Boolean)
    .join('\n');
  return failed(codeOf(verb, detail), { verb, exit: run.exit }, detail);
}

interface Ended extends GitOutput {
  readonly error?: Error;
  readonly cut?: 'aborted' | 'timeout' | 'too-large' | undefined;
}

function environment(more: Readonly<Record<string, string>> = {}): NodeJS.ProcessEnv {
  const env: NodeJS.ProcessEnv = {
    ...process.env,
    GIT_TERMINAL_PROMPT: '0',
    TERM: 'dumb',
    LC_ALL: 'C',
    GIT_LITERAL_PATHSPECS: '1',
    GIT_EDITOR: 'true',
    GIT_PAGER: 'cat',
    ...more,
  };
  for (const name of INHERITED) delete env[name];
  return env;
}

/** Ends Git and its helpers (ssh, hooks), kindly first. */
function endGroup(child: ChildProcess): void {
  const send = (signal: NodeJS.Signals): void => {
    if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
    try {
      if (process.platform === 'win32') child.kill(signal);
      else process.kill(-child.pid, signal);
    } catch (error) {
      if (systemCode(error) !== 'ESRCH') throw error;
    }
  };
  send('SIGTERM');
  const timer = setTimeout(() => send('SIGKILL'), 2_000);
  timer.unref();
  child.once('close', () => clearTimeout(timer));
}

async function notStarted(error: Error, cwd: string, verb: string): Promise<Result<never>> {
  if (systemCode(error) === 'ENOENT') {
    // The same code tells of a program that is missing and of a working folder that is.
    const there = await stat(cwd).catch(() => undefined);
    return there === undefined ? failed('workspace-missing', { dir: cwd }) : failed('git-missing');
  }
  return failed('git-failed', { verb, exit: -1 }, `${cwd}: ${reason(error)}`);
}
