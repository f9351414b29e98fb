import { readFileSync } from 'node:fs';

/** proc(5): times are in ticks, a hundred a second on every Linux that Node runs on. */
const MICROSECONDS_PER_TICK = 10_000;

/** CPU time that a process has used, user and system, all threads, in µs; 0 where there is no /proc. */
export function cpuMicroseconds(pid: number): number {
  if (process.platform !== 'linux') return 0;
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  // The command name stands in parentheses and may hold spaces; utime and stime are the 12th and 13th after it.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) * MICROSECONDS_PER_TICK;
}

/** A process and all that it started, as sshd starts one for each connection. */
export function withDescendants(pid: number): number[] {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim();
  return [pid, ...(children === '' ? [] : children.split(' ').flatMap((child) => withDescendants(Number(child))))];
}

/** Memory of a process that is resident, in MiB. */
export function residentMiB(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  return Number(/^VmRSS:\s+(\d+) kB/m.exec(status)?.[1] ?? Number.NaN) / 1024;
}
