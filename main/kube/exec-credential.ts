import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { z } from 'zod';
import { ok } from '../../shared/result/result.ts';
import type { Result } from '../../shared/result/result.ts';
import { kubeFail } from './errors.ts';
import type { ExecPlugin } from './kubeconfig.ts';

/** Source: `kubernetes.io/docs/reference/config-api/client-authentication.v1`. */
const answer = z.object({
  kind: z.literal('ExecCredential'),
  apiVersion: z.string().startsWith('client.authentication.k8s.io/'),
  status: z.object({
    expirationTimestamp: z.string().nullish(),
    token: z.string().nullish(),
    clientCertificateData: z.string().nullish(),
    clientKeyData: z.string().nullish(),
  }),
});

export interface ExecCredential {
  readonly token: string | undefined;
  readonly certificate: string | undefined;
  readonly key: string | undefined;
  /** Milliseconds since the epoch; undefined when it holds as long as the process. */
  readonly expiresAt: number | undefined;
}

/** Given to the plugin when the kubeconfig asks for it (`provideClusterInfo`). */
export interface ExecClusterInfo {
  readonly server: string;
  readonly 'tls-server-name'?: string | undefined;
  readonly 'insecure-skip-tls-verify'?: boolean | undefined;
  readonly 'certificate-authority-data'?: string | undefined;
  readonly 'proxy-url'?: string | undefined;
}

/** Taken as expired so long before it is, that a request under way still gets through. */
const SKEW_MS = 10_000;
const MAX_OUTPUT_BYTES = 1024 * 1024;
const KILL_AFTER_MS = 2_000;

/**
 * Runs an exec plugin at most once at a time, however many requests wait for it, and keeps its answer until shortly
 * before it expires. One instance belongs to one user of one connection.
 */
export class ExecCredentials {
  readonly #plugin: ExecPlugin;
  readonly #cluster: ExecClusterInfo;
  readonly #env: Readonly<Record<string, string | undefined>>;
  readonly #timeoutMs: number;
  readonly #stop = new AbortController();
  #kept: ExecCredential | undefined;
  #running: Promise<Result<ExecCredential>> | undefined;

  constructor(
    plugin: ExecPlugin,
    cluster: ExecClusterInfo,
    env: Readonly<Record<string, string | undefined>>,
    timeoutMs: number,
  ) {
    this.#plugin = plugin;
    this.#cluster = cluster;
    this.#env = env;
    this.#timeoutMs = timeoutMs;
  }

  async get(): Promise<Result<ExecCredential>> {
    const kept = this.#kept;
    if (kept && (kept.expiresAt === undefined || kept.expiresAt - SKEW_MS > Date.now())) return ok(kept);
    this.#running ??= this.#run().finally(() => {
      this.#running = undefined;
    });
    return await this.#running;
  }

  /** After a 401: the next `get` runs the plugin again. */
  forget(): void {
    this.#kept = undefined;
  }

  /** Ends a plugin under way. */
  close(): void {
    this.#stop.abort();
  }

  async #run(): Promise<Result<ExecCredential>> {
    const plugin = this.#plugin;
    const shown = [plugin.command, ...plugin.args].join(' ');
    const path = this.#env['PATH'] ?? '';
    const info = {
      kind: 'ExecCredential',
      apiVersion: plugin.apiVersion,
      spec: { interactive: false, ...(plugin.provideClusterInfo ? { cluster: this.#cluster } : {}) },
    };
    const env = {
      ...this.#env,
      ...Object.fromEntries(plugin.env.map(({ name, value }) => [name, value])),
      KUBERNETES_EXEC_INFO: JSON.stringify(info),
    };
    const failed = (what: string, stderr: string) =>
      kubeFail(
        'kube-exec-failed',
        `The credential plugin of the kubeconfig failed: ${shown}: ${what}`,
        [`command: ${shown}`, `PATH: ${path}`, `stderr: ${stderr.trim() || '(empty)'}`].join('\n'),
        plugin.installHint,
      );
    if (plugin.interactiveMode === 'Always') {
      return failed('it needs a terminal (interactiveMode: Always)', '');
    }
    const run = await runPlugin(plugin.command, plugin.args, env, this.#timeoutMs, this.#stop.signal);
    if (run.problem !== undefined) return failed(run.problem, run.stderr);
    let value: unknown;
    try {
      value = JSON.parse(run.stdout);
    } catch {
      return failed('it did not print JSON', run.stderr);
    }
    const parsed = answer.safeParse(value);
    if (!parsed.success) return failed('it did not print an ExecCredential', run.stderr);
    const status = parsed.data.status;
    if (!status.token && !(status.clientCertificateData && status.clientKeyData)) {
      return failed('it gave neither a token nor a certificate with its key', run.stderr);
    }
    const expires = status.expirationTimestamp ? Date.parse(status.expirationTimestamp) : Number.NaN;
    this.#kept = {
      token: status.token ?? undefined,
      certificate: status.clientCertificateData ?? undefined,
      key: status.clientKeyData ?? undefined,
      expiresAt: Number.isNaN(expires) ? undefined : expires,
    };
    return ok(this.#kept);
  }
}

/** A group of its own, so that what a plugin started (a shell's children, a browser helper) ends with it. */
const GROUPS = process.platform !== 'win32';

function killGroup(child: ChildProcess, signal: NodeJS.Signals): void {
  if (!GROUPS || child.pid === undefined) {
    child.kill(signal);
    return;
  }
  try {
    process.kill(-child.pid, signal);
  } catch (error) {
    // ESRCH: the group has ended by itself.
    if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error;
  }
}

interface PluginRun {
  readonly stdout: string;
  readonly stderr: string;
  readonly problem?: string;
}

/** Never rejects. Ends the plugin at the time limit, when it prints too much, and on `signal`. */
async function runPlugin(
  command: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<PluginRun> {
  return await new Promise((done) => {
    let stdout = '';
    let stderr = '';
    let problem: string | undefined;
    const child = spawn(command, args, { env, stdio: ['ignore', 'pipe', 'pipe'], windowsHide: true, detached: GROUPS });
    let kill: NodeJS.Timeout | undefined;
    const stop = (why: string) => {
      if (problem !== undefined) return;
      problem = why;
      killGroup(child, 'SIGTERM');
      // What left the group may still hold the pipes open: without them `close` comes with the exit of the plugin itself.
      child.stdout.destroy();
      child.stderr.destroy();
      kill = setTimeout(() => killGroup(child, 'SIGKILL'), KILL_AFTER_MS);
    };
    const limit = setTimeout(() => stop(`no answer within ${timeoutMs / 1000} s`), timeoutMs);
    const cancel = () => stop('cancelled');
    signal.addEventListener('abort', cancel, { once: true });
    if (signal.aborted) cancel();
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
      stdout += chunk;
      if (stdout.length > MAX_OUTPUT_BYTES) stop('it printed more than 1 MiB');
    });
    child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
      stderr = (stderr + chunk).slice(-MAX_OUTPUT_BYTES);
    });
    child.on('error', (error) => {
      problem ??= 'code' in error && error.code === 'ENOENT' ? 'the command was not found on PATH' : error.message;
    });
    child.on('close', (code, by) => {
      clearTimeout(limit);
      clearTimeout(kill);
      signal.removeEventListener('abort', cancel);
      if (problem === undefined && code !== 0) problem = by ? `ended by ${by}` : `exit code ${code}`;
      done({ stdout, stderr, ...(problem === undefined ? {} : { problem }) });
    });
  });
}
