import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { childrenCpuMs } from './cpu-time.ts';
import { inRealTime } from './real-time.ts';

export interface Load {
  readonly url: string;
  readonly host: string;
  readonly connections: number;
  readonly seconds: number;
  /** Another target and other header lines in each request, where wrk else repeats its bytes. */
  readonly vary?: boolean;
  /** Before everything else on the machine. */
  readonly realTime?: boolean;
}

export interface Measured {
  readonly requests: number;
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** Processor time of wrk itself. */
  readonly cpuMs: number;
}

const run = promisify(execFile);
const VARY = fileURLToPath(new URL('./vary-heads.lua', import.meta.url));

/** Loads a URL with wrk (keep-alive, closed loop). Throws when one answer was no 2xx or one socket failed. */
export async function wrk(load: Load): Promise<Measured> {
  const { url, host, connections, seconds, vary = false, realTime = false } = load;
  const threads = Math.min(2, connections);
  const args = [
    `-t${threads}`,
    `-c${connections}`,
    `-d${seconds}s`,
    '--latency',
    ...(vary ? ['-s', VARY] : []),
    '-H',
    `Host: ${host}`,
    url,
  ];
  const before = childrenCpuMs();
  const { stdout } = realTime ? await run(...inRealTime('wrk', args)) : await run('wrk', args);
  const cpuMs = childrenCpuMs() - before;
  const bad = /(?:Non-2xx|Socket errors).*/.exec(stdout);
  if (bad !== null) throw new Error(`${url}: ${bad[0]}`);
  return {
    requests: Number(find(stdout, /(\d+) requests in/)),
    perSecond: Number(find(stdout, /Requests\/sec:\s+([\d.]+)/)),
    p50Ms: milliseconds(find(stdout, /\s50%\s+(\S+)/)),
    p99Ms: milliseconds(find(stdout, /\s99%\s+(\S+)/)),
    cpuMs,
  };
}

function find(text: string, pattern: RegExp): string {
  const found = pattern.exec(text)?.[1];
  if (found === undefined) throw new Error(`wrk said nothing like ${pattern.source}:\n${text}`);
  return found;
}

function milliseconds(text: string): number {
  const value = Number.parseFloat(text);
  if (text.endsWith('us')) return value / 1000;
  return text.endsWith('ms') ? value : value * 1000;
}
