import { once } from 'node:events';
import { request } from 'node:http';
import { connect, type Socket } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';
import { residentMiB } from '../peers/process-cost.ts';
import { median } from '../peers/report.ts';

const SETTLE_MS = 4_000;
const PROBES = 200;

export interface StalledStreams {
  readonly streams: number;
  readonly before: Readonly<Record<string, number>>;
  readonly during: Readonly<Record<string, number>>;
  readonly after: Readonly<Record<string, number>>;
  /** Small requests beside them. */
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly failures: number;
}

/** Visitors who ask for a large file and read nothing of it, and what they do to memory and to others. */
export async function stalledStreams(
  count: number,
  options: { address: string; host: string; large: string; small: string; pids: Readonly<Record<string, number>> },
): Promise<StalledStreams> {
  const { address, host, large, small, pids } = options;
  const memory = (): Record<string, number> =>
    Object.fromEntries(Object.entries(pids).map(([party, pid]) => [party, residentMiB(pid)]));
  const before = memory();
  const visitors: Socket[] = [];
  try {
    for (let at = 0; at < count; at++) {
      const [ip = '', port = ''] = address.split(':');
      const socket = connect({ host: ip, port: Number(port) });
      socket.on('error', () => socket.destroy());
      socket.pause();
      visitors.push(socket);
      await once(socket, 'connect');
      socket.write(`GET ${large} HTTP/1.1\r\nHost: ${host}\r\n\r\n`);
    }
    await wait(SETTLE_MS);
    const during = memory();
    const times: number[] = [];
    let failures = 0;
    for (let probe = 0; probe < PROBES; probe++) {
      const started = performance.now();
      if ((await status(address, host, small)) !== 200) failures++;
      times.push(performance.now() - started);
    }
    const p99Ms = times.toSorted((a, b) => a - b)[Math.floor(PROBES * 0.99)] ?? Number.NaN;
    const streams = visitors.filter((socket) => !socket.destroyed).length;
    for (const socket of visitors) socket.destroy();
    await wait(SETTLE_MS);
    return { streams, before, during, after: memory(), p50Ms: median(times), p99Ms, failures };
  } finally {
    for (const socket of visitors) socket.destroy();
  }
}

function status(address: string, host: string, path: string): Promise<number> {
  return new Promise((resolve) => {
    const sent = request(`http://${address}${path}`, { headers: { host }, agent: false, timeout: 5_000 }, (answer) => {
      answer.on('error', () => resolve(0));
      answer.on('end', () => resolve(answer.statusCode ?? 0)).resume();
    });
    sent.on('timeout', () => sent.destroy());
    sent.on('error', () => resolve(0));
    sent.end();
  });
}
