import { spawnSync } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';

/** Between two samples the rest of the machine gets its turn. */
const PAUSE_MS = 700;
const PRIORITY = '2';

/** Puts a command under SCHED_RR (sched(7)): it runs before everything else on the machine. */
export function inRealTime(command: string, args: readonly string[]): [command: string, args: string[]] {
  return ['chrt', ['-r', PRIORITY, command, ...args]];
}

/** Runs `work` while all threads of these processes have SCHED_RR. Needs root. */
export async function withRealTime<Value>(pids: readonly number[], work: () => Promise<Value>): Promise<Value> {
  await sleep(PAUSE_MS);
  for (const pid of pids) set(pid, ['-r', '-p', PRIORITY]);
  try {
    return await work();
  } finally {
    for (const pid of pids) set(pid, ['-o', '-p', '0']);
  }
}

function set(pid: number, policy: readonly string[]): void {
  const { status, stderr } = spawnSync('chrt', ['-a', ...policy, String(pid)], { encoding: 'utf8' });
  if (status !== 0) throw new Error(`chrt: ${stderr.trim()}; --realtime needs root`);
}
