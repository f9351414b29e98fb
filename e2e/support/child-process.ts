import { readdirSync, readFileSync } from 'node:fs';

/** Process ids below a process whose command line has this text (proc(5); Linux only). */
export function childrenOf(pid: number, text: string): number[] {
  const all = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      try {
        const stat = readFileSync(`/proc/${name}/stat`, 'utf8');
        const words = readFileSync(`/proc/${name}/cmdline`, 'utf8').replaceAll('\0', ' ');
        // The parent is the second field after the command's name, which stands in parentheses.
        const parent = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
        return [{ pid: Number(name), parent, words }];
      } catch {
        // It ended while it was looked at.
        return [];
      }
    });
  return all.filter((one) => one.parent === pid && one.words.includes(text)).map((one) => one.pid);
}

/** The only one of them. */
export function childOf(pid: number, text: string): number {
  const [child, ...others] = childrenOf(pid, text);
  if (child === undefined || others.length > 0) throw new Error(`not one child of ${pid} with ${text}`);
  return child;
}
