import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { z } from 'zod';

const run = promisify(execFile);
const VERSION = '0.8.2';
const folder = join(homedir(), '.cache', 'adit', `autobahntestsuite-${VERSION}`);
/** Written last: an installation that was cut short is done again. */
const stamp = join(folder, 'installed');
/** Packages in a folder of their own, without virtualenv: it takes the `.pth` files there, which a path alone does not. */
const LAUNCH = `import site, sys
site.addsitedir(${JSON.stringify(folder)})
sys.path.insert(0, ${JSON.stringify(folder)})
from autobahntestsuite import wstest
wstest.run()`;

/** How to start `wstest`. */
export interface WsTest {
  readonly command: string;
  readonly args: readonly string[];
}

/**
 * The public conformance suite for WebSocket. It needs Python 2.7 with pip (`ADIT_PYTHON2` names it, else `python2.7` of the
 * PATH, or of pyenv) and is installed from PyPI once. Undefined where that is not to be had.
 */
export async function autobahn(): Promise<WsTest | undefined> {
  try {
    const python = await python2();
    const isThere = await stat(stamp).then(
      () => true,
      () => false,
    );
    if (!isThere) {
      await rm(folder, { recursive: true, force: true });
      const what = `autobahntestsuite==${VERSION}`;
      await run(python, ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '--target', folder, what]);
      await writeFile(stamp, '');
    }
    return { command: python, args: ['-W', 'ignore', '-c', LAUNCH] };
  } catch (error) {
    console.warn(`SKIPPED: the WebSocket conformance suite, which needs Python 2.7 with pip: ${String(error)}`);
    return undefined;
  }
}

async function python2(): Promise<string> {
  const named = process.env['ADIT_PYTHON2'] ?? 'python2.7';
  try {
    await run(named, ['-m', 'pip', '--version']);
    return named;
  } catch (error) {
    // pyenv has a program of that name on the PATH also while another version is chosen.
    const prefix = await run('pyenv', ['prefix', '2.7']).catch(() => undefined);
    if (prefix === undefined) throw error;
    return join(prefix.stdout.trim(), 'bin', 'python2.7');
  }
}

/** Name of the tested side in the suite's report. */
export const TESTED = 'adit';

const report = z.record(
  z.string(),
  z.record(z.string(), z.object({ behavior: z.string(), behaviorClose: z.string() })),
);
export type Verdicts = Readonly<Record<string, { readonly behavior: string; readonly behaviorClose: string }>>;

/** One run of the suite in a folder of its own. */
export class Suite implements AsyncDisposable {
  private readonly folder: string;
  private readonly child: ChildProcess;
  private log = '';

  private constructor(path: string, child: ChildProcess) {
    this.folder = path;
    this.child = child;
    child.stdout?.on('data', (bytes: Buffer) => (this.log = (this.log + bytes.toString()).slice(-10_000)));
    child.stderr?.on('data', (bytes: Buffer) => (this.log = (this.log + bytes.toString()).slice(-10_000)));
  }

  static async start(
    wstest: WsTest,
    mode: 'fuzzingclient' | 'fuzzingserver',
    spec: Readonly<Record<string, unknown>>,
  ): Promise<Suite> {
    const path = await mkdtemp(join(tmpdir(), 'adit-autobahn-'));
    const file = join(path, 'spec.json');
    await writeFile(file, JSON.stringify({ ...spec, outdir: join(path, 'report') }));
    const args = [...wstest.args, '--mode', mode, '--spec', file, '--webport', '0'];
    return new Suite(path, spawn(wstest.command, args, { cwd: path, stdio: ['ignore', 'pipe', 'pipe'] }));
  }

  /** For the client mode: it ends when all cases have run. */
  async finished(): Promise<void> {
    if (this.child.exitCode === null) await once(this.child, 'exit');
    if (this.child.exitCode !== 0) throw new Error(`wstest ended with ${this.child.exitCode}: ${this.log}`);
  }

  /** The report, by case. */
  async verdicts(): Promise<Verdicts> {
    const text = await readFile(join(this.folder, 'report', 'index.json'), 'utf8');
    const verdicts = report.parse(JSON.parse(text))[TESTED];
    if (verdicts === undefined) throw new Error(`the report of the suite does not name ${TESTED}`);
    return verdicts;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.child.exitCode === null && this.child.signalCode === null) {
      const exited = once(this.child, 'exit');
      this.child.kill('SIGKILL');
      await exited;
    }
    await rm(this.folder, { recursive: true, force: true });
  }
}

/** The suite must be told a port: one that the system had free a moment ago. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
