import { readdirSync, readFileSync } from 'node:fs';

export interface Part {
  readonly name: string;
  pid(): number;
  /** Peer listener with `/metrics`, for brokers and edges. */
  metrics(): string | undefined;
}

export interface Sample {
  readonly at: number;
  readonly pid: number;
  readonly rssMiB: number;
  readonly files: number;
  readonly streams: number;
  readonly inFlight: number;
}

/** One look at a process; undefined while it is being restarted. */
export async function sample(part: Part): Promise<Sample | undefined> {
  const pid = part.pid();
  try {
    const rss = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
    const files = readdirSync(`/proc/${pid}/fd`).length;
    const text = await metricsOf(part);
    return {
      at: performance.now(),
      pid,
      rssMiB: Number(rss) / 1024,
      files,
      streams: gauge(text, 'adit_broker_streams'),
      inFlight: gauge(text, 'adit_broker_requests_in_flight'),
    };
  } catch {
    // It died by a fault of ours between two looks.
    return undefined;
  }
}

async function metricsOf(part: Part): Promise<string> {
  const address = part.metrics();
  if (address === undefined) return '';
  const answer = await fetch(`http://${address}/metrics`, { signal: AbortSignal.timeout(5_000) });
  return answer.text();
}

/** The value of an unlabelled metric; 0 where there is none. */
export function gauge(text: string, name: string): number {
  return Number(new RegExp(`^${name} (\\S+)$`, 'm').exec(text)?.[1] ?? 0);
}

export interface Trend {
  readonly first: number;
  readonly last: number;
  readonly most: number;
}

/** Medians of the first and the last third of what was seen after the warm-up. */
export function trend(values: readonly number[]): Trend {
  const third = Math.max(1, Math.floor(values.length / 3));
  return {
    first: median(values.slice(0, third)),
    last: median(values.slice(-third)),
    most: Math.max(0, ...values),
  };
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
}
