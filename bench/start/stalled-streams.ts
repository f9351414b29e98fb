import { once } from 'node:events';
import { request } from 'node:http';
import { connect, type Socket } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';
import { cpuMicroseconds, residentMiB } from '../peers/process-cost.ts';
import { median } from '../peers/report.ts';

const SETTLE_MS = 4_000;
const LOOK_MS = 500;
/** The kernel still takes in what the visitors do not read, as long as a party works more than this. */
const QUIET_CPU_PART = 0.1;
const MAX_SETTLE_MS = 30_000;
const PROBES = 200;
const READ_BYTES = 3 * 2 ** 20;
const AT_ONCE = 50;
const GIVEN_UP_MS = 20_000;

export interface StalledStreams {
  readonly streams: number;
  /** Visitors who, when they read at last, find a 200 and a body that goes on; and those who do not. */
  readonly served: number;
  readonly cut: number;
  readonly before: Readonly<Record<string, number>>;
  readonly during: Readonly<Record<string, number>>;
  readonly after: Readonly<Record<string, number>>;
  /** Small requests beside them. */
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly failures: number;
  readonly probes: number;
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
    await untilQuiet(Object.values(pids));
    const during = memory();
    const times: number[] = [];
    let failures = 0;
    for (let probe = 0; probe < PROBES; probe++) {
      const started = performance.now();
      if ((await status(address, host, small)) !== 200) failures++;
      times.push(performance.now() - started);
    }
    const p99Ms = times.toSorted((a, b) => a - b)[Math.floor(PROBES * 0.99)] ?? Number.NaN;
    const inTheEnd = memory();
    let served = 0;
    for (let at = 0; at < count; at += AT_ONCE) {
      const found = await Promise.all(visitors.slice(at, at + AT_ONCE).map(goesOn));
      served += found.filter((isWell) => isWell).length;
    }
    await wait(SETTLE_MS);
    return {
      streams: count,
      served,
      cut: count - served,
      before,
      during: Object.fromEntries(
        Object.entries(during).map(([party, mib]) => [party, Math.max(mib, inTheEnd[party] ?? 0)]),
      ),
      after: memory(),
      p50Ms: median(times),
      p99Ms,
      failures,
      probes: PROBES,
    };
  } finally {
    for (const socket of visitors) socket.destroy();
  }
}

async function untilQuiet(pids: readonly number[]): Promise<void> {
  const cpu = (): number => pids.reduce((sum, pid) => sum + cpuMicroseconds(pid), 0);
  const until = performance.now() + MAX_SETTLE_MS;
  for (let quiet = 0; quiet < 2 && performance.now() < until;) {
    const before = cpu();
    await wait(LOOK_MS);
    quiet = cpu() - before < LOOK_MS * 1_000 * QUIET_CPU_PART ? quiet + 1 : 0;
  }
}

/** Reads a megabyte more than the kernel can have held back, and leaves. */
function goesOn(socket: Socket): Promise<boolean> {
  return new Promise((resolve) => {
    let bytes = 0;
    let isGood = true;
    const done = (): void => {
      resolve(isGood && bytes >= READ_BYTES);
      socket.destroy();
    };
    if (socket.destroyed) {
      resolve(false);
      return;
    }
    socket.setTimeout(GIVEN_UP_MS, done);
    socket.once('close', done);
    socket.on('data', (piece) => {
      if (bytes === 0) isGood = piece.toString('latin1').startsWith('HTTP/1.1 200 ');
      bytes += piece.length;
      if (bytes >= READ_BYTES || !isGood) done();
    });
    socket.resume();
  });
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
