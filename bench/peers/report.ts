import { mkdir, writeFile } from 'node:fs/promises';
import { cpus } from 'node:os';
import { join } from 'node:path';

/** Middle value; NaN of nothing. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2;
}

/** `MEDIAN [LOWEST–HIGHEST]`. */
export function spread(values: readonly number[], digits = 0): string {
  if (values.length === 0) return '–';
  const text = (value: number): string => value.toFixed(digits);
  return `${text(median(values))} [${text(Math.min(...values))}–${text(Math.max(...values))}]`;
}

/** A Markdown table, so that a run can be quoted as it is. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = head.map((title, at) => Math.max(title.length, ...rows.map((row) => (row[at] ?? '').length)));
  const line = (cells: readonly string[]): string =>
    `| ${widths.map((width, at) => (at === 0 ? (cells[at] ?? '').padEnd(width) : (cells[at] ?? '').padStart(width))).join(' | ')} |`;
  const rule = `|${widths.map((width, at) => (at === 0 ? '-'.repeat(width + 2) : `${'-'.repeat(width + 1)}:`)).join('|')}|`;
  return [line(head), rule, ...rows.map(line)].join('\n');
}

/** What the figures were measured on, without names. */
export function machine(): string {
  return `${process.platform} ${process.arch}, ${cpus().length} cores, Node ${process.version}`;
}

/** Keeps the raw figures of a run under `.cache/bench/`. */
export async function keepRun(name: string, run: unknown): Promise<void> {
  const folder = join(import.meta.dirname, '../../.cache/bench');
  await mkdir(folder, { recursive: true });
  const file = join(folder, `${name}.json`);
  await writeFile(file, `${JSON.stringify({ machine: machine(), at: new Date().toISOString(), run }, undefined, 1)}\n`);
  console.log(`\nraw figures: .cache/bench/${name}.json`);
}
