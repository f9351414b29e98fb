import { setTimeout as sleep } from 'node:timers/promises';
import type { ReadyLine, RunningProgram } from '../../e2e/support/running-stack.ts';

/** A broker is silent for longer than its agent takes it for alive. */
const SILENT_MS = 5_000;

export interface Injection {
  readonly counts: Readonly<Record<string, number>>;
  /** The process of a broker now: it changes when it is restarted. */
  pidOf(broker: string): number;
  stop(): Promise<void>;
}

/**
 * Faults one after the other, each over before the next begins: of the brokers only the first two are hit, so that visitors
 * always have a way, and the last one lives as long as the run.
 */
export function injectFaults(program: RunningProgram, ready: ReadyLine, everyMs: number): Injection {
  const stopping = new AbortController();
  const counts: Record<string, number> = {};
  const pids = new Map(ready.brokers.map(({ id, pid }) => [id, pid]));
  const pidOf = (broker: string): number => pids.get(broker) ?? 0;

  const upAgain = async (broker: string, before: number): Promise<void> => {
    const restarted = await program.line(
      (line) => line.event === 'child-restarted' && line['child'] === `broker ${broker}`,
      before,
    );
    pids.set(broker, Number(restarted['pid']));
    await program.line((line) => line.event === 'session-up' && line['broker'] === broker, before);
  };
  const end = async (broker: string, signal: NodeJS.Signals): Promise<void> => {
    const before = program.lines.length;
    process.kill(pidOf(broker), signal);
    await upAgain(broker, before);
  };
  const [first, second] = ready.brokers.map(({ id }) => id);
  if (first === undefined || second === undefined) throw new Error('two brokers to hit are needed');
  const faults: [name: string, run: () => Promise<void>][] = [
    ['broker killed', () => end(first, 'SIGKILL')],
    [
      'control plane stopped',
      async () => {
        process.kill(ready.control.pid, 'SIGSTOP');
        await sleep(SILENT_MS, undefined, { signal: stopping.signal }).catch(() => undefined);
        process.kill(ready.control.pid, 'SIGCONT');
      },
    ],
    ['broker drained', () => end(second, 'SIGTERM')],
    [
      'broker silent, agent redials',
      async () => {
        const before = program.lines.length;
        process.kill(pidOf(first), 'SIGSTOP');
        await program.line((line) => line.event === 'session-down' && line['broker'] === first, before);
        process.kill(pidOf(first), 'SIGCONT');
        await program.line((line) => line.event === 'session-up' && line['broker'] === first, before);
      },
    ],
  ];
  const running = (async () => {
    for (let n = 0; !stopping.signal.aborted; n += 1) {
      await sleep(everyMs, undefined, { signal: stopping.signal }).catch(() => undefined);
      const [name, run] = faults[n % faults.length] ?? [];
      if (stopping.signal.aborted || name === undefined || run === undefined) return;
      await run();
      counts[name] = (counts[name] ?? 0) + 1;
    }
  })();
  // Told by `stop`; until then it is nobody's.
  running.catch(() => undefined);
  return {
    counts,
    pidOf,
    async stop() {
      stopping.abort();
      await running;
    },
  };
}
