import { spawn } from 'node:child_process';
import { constants } from 'node:fs';
import { access } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { diagnosticCodes } from '../errors.ts';
import type { Diagnostic, SourceFile } from '../types.ts';
import { findRenderings, type Rendering } from './find-renderings.ts';
import type { RenderedFolder } from './place-rendered.ts';

const TIMEOUT_MS = 20_000;
const MAX_OUTPUT = 16 * 1024 * 1024;
const MAX_WORDS = 16 * 1024;
/** Overlays and charts of one workspace; one program after the other. */
const MAX_RENDERINGS = 50;

export interface RenderOptions {
  /** Of the workspace, absolute. */
  readonly root: string;
  /** Every text of the workspace, by path relative to it. */
  readonly files: readonly SourceFile[];
  readonly namespace: string;
  readonly signal?: AbortSignal | undefined;
  /** Default: that of this process. */
  readonly env?: NodeJS.ProcessEnv;
}

export interface RenderResult {
  /** What is to be read as plain manifests. */
  readonly plain: readonly SourceFile[];
  readonly rendered: readonly RenderedFolder[];
  readonly problems: readonly Diagnostic[];
}

/**
 * Renders overlays and charts by the user's own `kustomize`, `kubectl kustomize` and `helm template`, from what is on disk.
 * They get no cluster and no network; what they would fetch is refused. Rejects when cancelled by `signal`.
 */
export async function renderFolders(options: RenderOptions): Promise<RenderResult> {
  const { files, signal } = options;
  const { roots, taken, patches } = findRenderings(files);
  const rendered: RenderedFolder[] = [];
  const problems: Diagnostic[] = [];
  for (const [at, rendering] of roots.entries()) {
    signal?.throwIfAborted();
    const refused = at >= MAX_RENDERINGS ? `there are more than ${MAX_RENDERINGS} overlays and charts` : undefined;
    const made = refused === undefined ? await render(rendering, options) : { problem: refused };
    if ('text' in made) rendered.push({ ...rendering, text: made.text, sources: files.filter(({ path }) => taken.has(path) && !patches.has(path)) });
    else problems.push(problemAt(rendering, made.problem, made.hint));
  }
  return { plain: files.filter(({ path }) => !taken.has(path)), rendered, problems };
} // prettier-ignore

type Made = { readonly text: string } | { readonly problem: string; readonly hint?: string | undefined };

async function render(rendering: Rendering, options: RenderOptions): Promise<Made> {
  const { remote, by, dir } = rendering;
  if (remote.length > 0)
    return { problem: `it names what is elsewhere, and nothing is fetched: ${remote.join(', ')}`, hint: 'Keep a copy of it in the workspace.' };
  const env = options.env ?? process.env;
  const command = await commandFor(by, env);
  if (command === undefined)
    return by === 'helm'
      ? { problem: 'a Helm chart is not rendered: there is no helm on PATH', hint: 'Install helm.' }
      : { problem: 'a Kustomize overlay is not rendered: there is neither kustomize nor kubectl on PATH', hint: 'Install kubectl or kustomize.' };
  const folder = join(options.root, dir);
  const name = (dir.split('/').at(-1) ?? '').toLowerCase().replaceAll(/[^a-z0-9-]+/g, '-').replaceAll(/^-+|-+$/g, '').slice(0, 40) || 'release';
  const args = by === 'helm' ? ['template', name, folder, '--namespace', options.namespace] : [...command.slice(1), folder];
  return run(command[0] ?? '', args, env, options.signal);
} // prettier-ignore

async function commandFor(by: Rendering['by'], env: NodeJS.ProcessEnv): Promise<string[] | undefined> {
  const candidates = by === 'helm' ? [['helm']] : [['kustomize', 'build'], ['kubectl', 'kustomize']];
  for (const [program = '', ...verb] of candidates) {
    for (const dir of (env['PATH'] ?? '').split(delimiter)) {
      const path = join(dir, process.platform === 'win32' ? `${program}.exe` : program);
      const there = dir !== '' && (await access(path, constants.X_OK).then(() => true, () => false));
      if (there) return [path, ...verb];
    }
  }
  return undefined;
} // prettier-ignore

function run(program: string, args: readonly string[], env: NodeJS.ProcessEnv, signal?: AbortSignal): Promise<Made> {
  // A proxy that nobody listens on, and no cluster: what still tries to reach out fails at once.
  const closed = { HTTP_PROXY: 'http://127.0.0.1:9', HTTPS_PROXY: 'http://127.0.0.1:9', ALL_PROXY: 'http://127.0.0.1:9', NO_PROXY: '', KUBECONFIG: '/dev/null', GIT_ALLOW_PROTOCOL: 'none', GIT_TERMINAL_PROMPT: '0' };
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { env: { ...env, ...closed }, stdio: ['ignore', 'pipe', 'pipe'], detached: process.platform !== 'win32', windowsHide: true });
    const chunks: Buffer[] = [];
    let [bytes, words] = [0, ''];
    let cut: string | undefined;
    const stop = (why: string): void => {
      cut ??= why;
      end(child.pid);
    };
    const timer = setTimeout(() => stop(`it took longer than ${TIMEOUT_MS / 1000} s`), TIMEOUT_MS);
    const onAbort = (): void => stop('cancelled');
    signal?.addEventListener('abort', onAbort, { once: true });
    const finish = (made: Made): void => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', onAbort);
      if (signal?.aborted === true) reject(signal.reason);
      else resolve(made);
    };
    child.stdout.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes > MAX_OUTPUT) stop(`it gives more than ${MAX_OUTPUT / 1024 / 1024} MiB`);
      else chunks.push(chunk);
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => (words = (words + text).slice(-MAX_WORDS)));
    child.on('error', (error) => finish({ problem: error.message }));
    child.on('close', (code) => {
      if (cut !== undefined) finish({ problem: cut });
      else if (code === 0) finish({ text: Buffer.concat(chunks).toString('utf8') });
      else finish({ problem: whyOf(words) ?? `${program} ended with ${code}`, hint: 'Correct it so that the program renders it.' });
    });
  });
} // prettier-ignore

/** The line that says it; warnings come before it, advice after it. */
function whyOf(words: string): string | undefined {
  const lines = words.split('\n').filter((line) => line.trim() !== '');
  return lines.find((line) => /^error/i.test(line))?.replace(/^error: */i, '') ?? lines.at(-1);
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

function problemAt({ entry, by }: Rendering, problem: string, hint: string | undefined): Diagnostic {
  const place = { file: entry, line: 1, column: 1, endLine: 1, endColumn: 1 };
  return { severity: diagnosticCodes['render-failed'], code: 'render-failed', ...place, message: `${by}: ${problem}`, hint };
} // prettier-ignore
