import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

export interface WrkResult {
  readonly requestsPerSecond: number;
  readonly requests: number;
  /** Bytes of answers, heads included, also of those that were not whole when the run ended. */
  readonly bytesPerSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** Answers other than 2xx and 3xx, and errors of sockets. */
  readonly failures: number;
}

const UNIT_MS: Readonly<Record<string, number>> = { us: 0.001, ms: 1, s: 1_000, m: 60_000 };

/** One run of wrk, which keeps its connections and sends the next request when the answer is whole. */
export async function runWrk(
  url: string,
  options: { connections: number; seconds: number; host?: string | undefined },
): Promise<WrkResult> {
  const { connections, seconds, host } = options;
  const threads = Math.min(2, connections);
  const { stdout } = await promisify(execFile)('wrk', [
    `-t${threads}`,
    `-c${connections}`,
    `-d${seconds}s`,
    '--latency',
    ...(host === undefined ? [] : ['-H', `Host: ${host}`]),
    url,
  ]);
  return parseWrk(stdout);
}

function parseWrk(text: string): WrkResult {
  const number = (pattern: RegExp): number => Number(pattern.exec(text)?.[1] ?? 0);
  const latency = (percent: number): number => {
    const found = new RegExp(`\\s${percent}%\\s+([\\d.]+)(us|ms|s|m)\\b`).exec(text);
    return Number(found?.[1] ?? Number.NaN) * (UNIT_MS[found?.[2] ?? ''] ?? Number.NaN);
  };
  const sockets = /Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)/.exec(text)?.slice(1) ?? [];
  return {
    requestsPerSecond: number(/Requests\/sec:\s+([\d.]+)/),
    requests: number(/(\d+) requests in/),
    bytesPerSecond: transferred(text),
    p50Ms: latency(50),
    p99Ms: latency(99),
    failures: number(/Non-2xx or 3xx responses: (\d+)/) + sockets.reduce((sum, count) => sum + Number(count), 0),
  };
}

const BYTES: Readonly<Record<string, number>> = { B: 1, KB: 2 ** 10, MB: 2 ** 20, GB: 2 ** 30 };

function transferred(text: string): number {
  const found = /Transfer\/sec:\s+([\d.]+)(B|KB|MB|GB)/.exec(text);
  return Number(found?.[1] ?? 0) * (BYTES[found?.[2] ?? ''] ?? Number.NaN);
}
