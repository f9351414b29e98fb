import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { z } from 'zod';

const report = z.object({
  sent: z.number(),
  answered: z.number(),
  failed: z.number(),
  /** Requests that were due while all connections were busy. */
  missed: z.number(),
  failures: z.array(z.string()),
  perSecond: z.number(),
  p50Ms: z.number(),
  p99Ms: z.number(),
  maxMs: z.number(),
});
export type LoadReport = z.infer<typeof report>;

export interface SteadyLoad {
  readonly pid: number;
  readonly sent: number;
  readonly answered: number;
  readonly failed: number;
  /** Ends the load, waits for what is in flight, and tells what came of it. */
  stop(): Promise<LoadReport>;
}

/** GETs at a steady rate by a process of its own, until stopped. */
export function startSteadyLoad(how: {
  readonly address: string;
  readonly host: string;
  readonly perSecond: number;
  readonly path?: string;
  readonly expected?: number;
  readonly connections?: number;
}): SteadyLoad {
  const settings = { path: '/', expected: 200, connections: 128, ...how };
  const child = spawn(
    process.execPath,
    [join(import.meta.dirname, 'steady-load-process.ts'), JSON.stringify(settings)],
    {
      stdio: ['pipe', 'pipe', 'inherit'],
    },
  );
  const closed = once(child, 'close');
  let last: unknown;
  const now = { sent: 0, answered: 0, failed: 0 };
  createInterface({ input: child.stdout }).on('line', (text) => {
    last = JSON.parse(text);
    Object.assign(now, last);
  });
  return {
    pid: child.pid ?? 0,
    get sent() {
      return now.sent;
    },
    get answered() {
      return now.answered;
    },
    get failed() {
      return now.failed;
    },
    async stop() {
      child.stdin.end();
      await closed;
      return report.parse(last);
    },
  };
}
