import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { ChildLine } from '../../shared/process/lines.ts';

export interface ChildSpec {
  /** Shown in events and logs: `broker fra`, `agent`, `upstream petstore/pets`. */
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly cwd?: string | undefined;
  /** Added to this process's environment. Secrets go here, never on the command line. */
  readonly env?: Readonly<Record<string, string>> | undefined;
}

export interface ChildExit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** The last line of standard error that looks like an error, else the last one that is no log entry. */
  readonly lastError: string;
}

export interface RunningChild {
  readonly pid: number;
  readonly exited: Promise<ChildExit>;
  lastError(): string;
  /** SIGTERM, then SIGKILL after `graceMs`; resolves when it is gone. */
  stop(graceMs: number): Promise<void>;
}

export interface ChildListeners {
  /** One parsed JSON line of standard output. */
  onLine?(line: ChildLine): void;
  /** Lines of standard error, and of standard output when they are no JSON. */
  onLog?(text: string): void;
}

const MAX_LINE = 64 * 1024;
/** What a child said last is read within this; a process that it left behind holds its pipes for as long as it lives. */
const LAST_WORDS_MS = 500;
const LOOKS_LIKE_ERROR = /error|fatal|refused|denied|EADDRINUSE|cannot|failed/i;
/** pino's number for `error`. */
const ERROR_LEVEL = 50;

/**
 * Starts a child whose standard input is a leash: it ends itself when that ends, so it never outlives this process,
 * even after SIGKILL. Rejects when it cannot be started at all (`ENOENT`, …).
 */
export function startChild(spec: ChildSpec, listeners: ChildListeners): Promise<RunningChild> {
  const child = spawn(spec.command, spec.args, {
    cwd: spec.cwd,
    env: { ...process.env, ...spec.env },
    stdio: ['pipe', 'pipe', 'pipe'],
    windowsHide: true,
  });
  // The pipe breaks when the child dies first; its exit is what counts.
  child.stdin.on('error', () => undefined);

  let lastLine = '';
  let lastErrorLine = '';
  const onLog = (text: string): void => {
    const line = text.slice(0, MAX_LINE);
    const entry = logEntry(line);
    if (entry === undefined) {
      if (line.trim() !== '') lastLine = line;
      if (LOOKS_LIKE_ERROR.test(line)) lastErrorLine = line;
    } else if (entry.level >= ERROR_LEVEL) lastErrorLine = entry.msg;
    listeners.onLog?.(line);
  };
  createInterface({ input: child.stderr }).on('line', onLog);
  createInterface({ input: child.stdout }).on('line', (text) => {
    const line = parseLine(text);
    if (line) listeners.onLine?.(line);
    else onLog(text);
  });

  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('spawn', () => {
      const pid = child.pid;
      if (pid === undefined) return;
      child.off('error', reject);
      child.on('error', (error) => onLog(error.message));
      const exited = new Promise<ChildExit>((done) => {
        const settle = (): void =>
          done({ code: child.exitCode, signal: child.signalCode, lastError: lastErrorLine || lastLine });
        child.once('exit', () => {
          const late = setTimeout(settle, LAST_WORDS_MS);
          child.once('close', () => (clearTimeout(late), settle()));
        });
      });
      let stopping: Promise<void> | undefined;
      resolve({
        pid,
        exited,
        lastError: () => lastErrorLine || lastLine,
        stop: (graceMs) => (stopping ??= stop(graceMs)),
      });

      async function stop(graceMs: number): Promise<void> {
        if (child.exitCode !== null || child.signalCode !== null) return;
        child.kill('SIGTERM');
        const timer = setTimeout(() => child.kill('SIGKILL'), graceMs);
        await exited;
        clearTimeout(timer);
      }
    });
  });
}

/** A log line of one of our own programs. */
function logEntry(line: string): { level: number; msg: string } | undefined {
  const value = line.startsWith('{') ? parseJson(line) : undefined;
  if (typeof value !== 'object' || value === null || !('level' in value) || typeof value.level !== 'number')
    return undefined;
  return { level: value.level, msg: 'msg' in value ? String(value.msg) : line };
}

function parseLine(text: string): ChildLine | undefined {
  const value = text.startsWith('{') ? parseJson(text) : undefined;
  return typeof value === 'object' && value !== null && 'event' in value ? (value as ChildLine) : undefined;
}

/** Undefined for what is no JSON: a program may log something in braces. */
function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
