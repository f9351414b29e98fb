import type { ChildLine, PreviewEvent } from '../../shared/process/lines.ts';
import { startChild, type ChildSpec, type RunningChild } from './child-process.ts';

export type ReadyLine = Extract<ChildLine, { event: 'ready' }>;

export interface KeptChild {
  readonly name: string;
  /** The newest ready line. */
  ready(): ReadyLine;
  pid(): number;
  lastError(): string;
  stop(graceMs: number): Promise<void>;
}

export interface KeepAliveOptions {
  /** The child to start; after the first time it is told what it said when it was ready, so that it can keep its ports. */
  spec(previous: ReadyLine | undefined): ChildSpec;
  readonly readyWithinMs: number;
  onEvent(event: PreviewEvent): void;
  onLog(name: string, text: string): void;
  readonly signal?: AbortSignal | undefined;
}

const FIRST_RESTART_MS = 100;
const LONGEST_RESTART_MS = 5_000;
/** A child that ran this long starts again at the shortest wait. */
const STEADY_AFTER_MS = 10_000;

export class ChildFailed extends Error {
  readonly code: string;
  readonly hint: string | undefined;
  constructor(code: string, message: string, hint?: string) {
    super(message);
    this.code = code;
    this.hint = hint;
  }
}

/**
 * Starts a child, waits for its ready line, and starts it again whenever it ends by itself, with growing waits.
 * Rejects with `ChildFailed` when the first start does not become ready.
 */
export async function keepAlive(options: KeepAliveOptions): Promise<KeptChild> {
  let stopped = false;
  let waiting: NodeJS.Timeout | undefined;
  let starting: Promise<void> | undefined;
  let waitMs = FIRST_RESTART_MS;
  let current = await startUntilReady(undefined);
  watch(current.child, Date.now());

  return {
    name: options.spec(undefined).name,
    ready: () => current.ready,
    pid: () => current.child.pid,
    lastError: () => current.child.lastError(),
    async stop(graceMs) {
      stopped = true;
      clearTimeout(waiting);
      await current.child.stop(graceMs);
      await starting;
      await current.child.stop(graceMs);
    },
  };

  async function startUntilReady(previous: ReadyLine | undefined): Promise<{ child: RunningChild; ready: ReadyLine }> {
    options.signal?.throwIfAborted();
    const spec = options.spec(previous);
    let settle: { ready(line: ReadyLine): void; failed(error: Error): void } | undefined;
    const answered = new Promise<ReadyLine>((resolve, reject) => (settle = { ready: resolve, failed: reject }));
    answered.catch(() => undefined);
    const child = await startChild(spec, {
      onLine(line) {
        if (line.event === 'ready') settle?.ready(line);
        else if (line.event === 'failed') settle?.failed(new ChildFailed(line.code, line.message, line.hint));
        else options.onEvent(line);
      },
      onLog: (text) => options.onLog(spec.name, text),
    }).catch((error: unknown) => {
      throw new ChildFailed('child-not-started', `${spec.name} could not be started: ${message(error)}`);
    });
    const late = setTimeout(
      () =>
        settle?.failed(
          new ChildFailed(
            'child-not-ready',
            `${spec.name} was not ready within ${options.readyWithinMs} ms${said(child)}`,
          ),
        ),
      options.readyWithinMs,
    );
    const onAbort = (): void => settle?.failed(new ChildFailed('cancelled', `start of ${spec.name} was cancelled`));
    options.signal?.addEventListener('abort', onAbort, { once: true });
    void child.exited.then((exit) =>
      settle?.failed(
        new ChildFailed(
          'child-exited',
          `${spec.name} ended (${exit.signal ?? `exit code ${exit.code}`}) before it was ready${said(child)}`,
        ),
      ),
    );
    try {
      return { child, ready: await answered };
    } catch (error) {
      await child.stop(1_000);
      throw error;
    } finally {
      clearTimeout(late);
      options.signal?.removeEventListener('abort', onAbort);
    }
  }

  function watch(child: RunningChild, since: number): void {
    void child.exited.then((exit) => {
      if (stopped) return;
      if (Date.now() - since > STEADY_AFTER_MS) waitMs = FIRST_RESTART_MS;
      options.onEvent({
        event: 'child-exited',
        child: options.spec(undefined).name,
        pid: child.pid,
        reason: exit.signal ?? `exit code ${exit.code}${exit.lastError ? `: ${exit.lastError}` : ''}`,
        restartInMs: waitMs,
      });
      scheduleRestart();
    });
  }

  function scheduleRestart(): void {
    waiting = setTimeout(() => {
      starting = restart();
    }, waitMs);
    waitMs = Math.min(waitMs * 2, LONGEST_RESTART_MS);
  }

  async function restart(): Promise<void> {
    if (stopped) return;
    try {
      const since = Date.now();
      current = await startUntilReady(current.ready);
      watch(current.child, since);
      const address = current.ready.address;
      options.onEvent({
        event: 'child-restarted',
        child: options.spec(undefined).name,
        pid: current.child.pid,
        address,
      });
    } catch (error) {
      options.onLog(options.spec(undefined).name, message(error));
      if (!stopped) scheduleRestart();
    }
  }
}

function said(child: RunningChild): string {
  const text = child.lastError();
  return text === '' ? '' : `; it said: ${text}`;
}

function message(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
