import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

export const root = join(import.meta.dirname, '../..');
export const adit = join(root, 'dist/adit.js');

export interface ReadyLine {
  readonly event: 'ready';
  readonly url: string;
  readonly host: string;
  readonly edge: { readonly address: string; readonly peer: string; readonly pid: number };
  readonly brokers: readonly {
    readonly id: string;
    readonly region: string;
    readonly address: string;
    readonly tunnel: string;
    readonly peer: string;
    readonly pid: number;
  }[];
  readonly control: { readonly address: string; readonly pid: number };
  readonly agent: { readonly address: string; readonly pid: number };
}

type Line = Readonly<Record<string, unknown>> & { readonly event: string };

/** A program of ours that prints JSON lines, with what it said so far. */
export class RunningProgram {
  readonly child: ChildProcess;
  readonly lines: Line[] = [];
  stderr = '';
  #waiting: { test(line: Line): boolean; resolve(line: Line): void }[] = [];
  #ended = false;

  constructor(command: string, args: readonly string[], options: { cwd?: string; env?: Record<string, string> } = {}) {
    this.child = spawn(command, args, {
      cwd: options.cwd ?? root,
      env: { ...process.env, ...options.env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.child.stderr?.on('data', (data: Buffer) => (this.stderr = (this.stderr + data.toString()).slice(-20_000)));
    if (this.child.stdout) {
      createInterface({ input: this.child.stdout }).on('line', (text) => {
        const line = JSON.parse(text) as Line;
        this.lines.push(line);
        this.#waiting = this.#waiting.filter((waiter) => {
          if (!waiter.test(line)) return true;
          waiter.resolve(line);
          return false;
        });
      });
    }
    this.child.once('exit', () => (this.#ended = true));
  }

  get pid(): number {
    if (this.child.pid === undefined) throw new Error('the program did not start');
    return this.child.pid;
  }

  /** The first line, from `after` lines on, that passes the test. Rejects when the program ends or after 60 s. */
  async line(test: (line: Line) => boolean, after = 0): Promise<Line> {
    const already = this.lines.slice(after).find(test);
    if (already) return already;
    let timer: NodeJS.Timeout | undefined;
    let onExit: (() => void) | undefined;
    try {
      return await new Promise<Line>((resolve, reject) => {
        const tell = (why: string): void =>
          reject(
            new Error(
              `${why}; lines: ${JSON.stringify(this.lines.slice(-20))}; standard error: ${this.stderr.slice(-4000)}`,
            ),
          );
        this.#waiting.push({ test, resolve });
        timer = setTimeout(() => tell('no such line within 60 s'), 60_000);
        onExit = () => tell('the program ended');
        this.child.once('exit', onExit);
      });
    } finally {
      clearTimeout(timer);
      if (onExit) this.child.off('exit', onExit);
    }
  }

  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<number | null> {
    if (this.#ended) return this.child.exitCode;
    const exited = once(this.child, 'exit') as Promise<[number | null]>;
    this.child.kill(signal);
    return (await exited)[0];
  }
}

/** `adit up --preview TARGET --json`, once it is ready. */
export async function startUp(
  target: string,
  more: readonly string[] = [],
): Promise<{ program: RunningProgram; ready: ReadyLine }> {
  const program = new RunningProgram(process.execPath, [adit, 'up', '--preview', target, '--json', ...more]);
  const ready = (await program.line((line) => line.event === 'ready')) as unknown as ReadyLine;
  return { program, ready };
}

/** Whether a process runs; one that has ended and that its parent has not collected yet does not. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch {
    return false;
  }
  if (process.platform !== 'linux') return true;
  try {
    // proc(5): the state follows the command name, which stands in parentheses.
    const afterName = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1) ?? '';
    return !afterName.startsWith('Z');
  } catch {
    return false;
  }
}

/** Polls until the condition holds; the bound is generous, it only ends a test that would hang. */
export async function until(
  what: string,
  condition: () => boolean | Promise<boolean>,
  withinMs = 30_000,
): Promise<void> {
  const deadline = Date.now() + withinMs;
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error(`not within ${withinMs} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
}
