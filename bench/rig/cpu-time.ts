import { readFileSync } from 'node:fs';

/** Linux counts processor time in hundredths of a second (USER_HZ). */
const TICK_MS = 10;

/** Processor time of processes together so far, in ms: user and system (proc(5), `/proc/PID/stat`). */
export function cpuMs(pids: readonly number[]): number {
  let ticks = 0;
  for (const pid of pids) ticks += stat(pid, 11) + stat(pid, 12);
  return ticks * TICK_MS;
}

/** The same for the children of this process that have ended. */
export function childrenCpuMs(): number {
  return (stat(process.pid, 13) + stat(process.pid, 14)) * TICK_MS;
}

/** A field after the command, which is in brackets and may hold spaces; 0 is the state. */
function stat(pid: number, field: number): number {
  const line = readFileSync(`/proc/${pid}/stat`, 'latin1');
  const fields = line.slice(line.lastIndexOf(')') + 2).split(' ');
  return Number(fields[field]);
}
