import { parseArgs } from 'node:util';
import { aditPeers } from './peers/adit.ts';
import { onPath } from './peers/find-program.ts';
import { goTunnelPeer } from './peers/go-tunnel.ts';
import { nginxPeer, startFileServer } from './peers/nginx.ts';
import type { Peer, RunningPeer } from './peers/peer.ts';
import { cpuMicroseconds } from './peers/process-cost.ts';
import { keepRun, machine, median, spread, table } from './peers/report.ts';
import { borePeer, chiselPeer, frpPeer, ratholePeer } from './peers/splices.ts';
import { traefikPeer } from './peers/traefik.ts';
import { undiciPeer } from './peers/undici-proxy.ts';
import { runWrk, type WrkResult } from './peers/wrk.ts';

/**
 * Requests a second, latency and CPU through every peer and our whole tunnel, in rounds that visit each in turn, so that
 * what else the machine does meets all alike. The ratio is to nginx in the same round.
 */
const SIZES = { '1k': 1_024, '64k': 65_536 } as const;
const WARM_UP_SECONDS = 1;

interface Sample extends WrkResult {
  readonly ratio: number;
  /** CPU µs a request by party, the upstream included. */
  readonly cpu: Readonly<Record<string, number>>;
}
interface Row {
  readonly peer: string;
  readonly size: keyof typeof SIZES;
  readonly connections: number;
  readonly samples: Sample[];
}

const direct: Peer = {
  name: 'direct',
  start: (upstream) => Promise.resolve({ address: upstream, parties: {}, stop: () => Promise.resolve() }),
};

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '3' },
    seconds: { type: 'string', default: '2' },
    only: { type: 'string' },
    connections: { type: 'string', default: '1,32,64' },
    sizes: { type: 'string', default: Object.keys(SIZES).join(',') },
  },
});
const rounds = Number(values.rounds);
const seconds = Number(values.seconds);
const connections = values.connections.split(',').map(Number);
const sizes = (Object.keys(SIZES) as (keyof typeof SIZES)[]).filter((size) => values.sizes.split(',').includes(size));
const all: Peer[] = [
  nginxPeer,
  direct,
  ...aditPeers(),
  undiciPeer,
  traefikPeer,
  goTunnelPeer,
  ratholePeer,
  borePeer,
  frpPeer,
  chiselPeer,
];
// nginx is always there: it is what the ratios are of.
const wanted = values.only?.split(',');
const unknown = wanted?.filter((name) => !all.some((peer) => peer.name === name)) ?? [];

if (unknown.length > 0 || !(rounds >= 1) || !(seconds >= 1) || !connections.every((count) => count >= 1)) {
  console.error(
    `usage: npm run bench -- peers [--rounds N] [--seconds N] [--connections 1,32,64] [--sizes 1k,64k] [--only NAME,…] with names of ${all.map((peer) => peer.name).join(', ')}`,
  );
  process.exitCode = 2;
} else if ((await onPath('wrk')) === undefined || (await onPath('nginx')) === undefined) {
  console.error('needs wrk for load and nginx as upstream: apt-get install nginx wrk');
  process.exitCode = 3;
} else {
  await measure(all.filter((peer) => peer === nginxPeer || wanted === undefined || wanted.includes(peer.name)));
}

async function measure(peers: readonly Peer[]): Promise<void> {
  const upstream = await startFileServer(SIZES);
  const running = new Map<string, RunningPeer>();
  const rows: Row[] = [];
  try {
    for (const peer of peers) {
      const started = await peer.start(upstream.address);
      if ('missing' in started) console.log(`${peer.name}: not measured: ${started.missing}`);
      else running.set(peer.name, started);
    }
    for (const size of sizes) {
      for (const count of connections) {
        const block = [...running.keys()].map((peer): Row => ({ peer, size, connections: count, samples: [] }));
        rows.push(...block);
        for (let round = 0; round <= rounds; round++) await visitAll(block, round === 0);
        report(block);
      }
    }
  } finally {
    await Promise.all([...running.values()].map((peer) => peer.stop()));
    await upstream.stop();
  }
  await keepRun('peers', rows);

  /** One round; the first one warms up and is not kept. */
  async function visitAll(block: readonly Row[], warmUp: boolean): Promise<void> {
    let nginx = Number.NaN;
    for (const row of block) {
      const peer = running.get(row.peer);
      if (peer === undefined) continue;
      const parties = { ...peer.parties, upstream: upstream.worker };
      const before = Object.entries(parties).map(([party, pid]) => ({ party, pid, used: cpuMicroseconds(pid) }));
      const result = await runWrk(`http://${peer.address}/${row.size}`, {
        connections: row.connections,
        seconds: warmUp ? WARM_UP_SECONDS : seconds,
        host: peer.host,
      });
      if (warmUp) continue;
      if (row.peer === 'nginx') nginx = result.requestsPerSecond;
      const cpu = Object.fromEntries(
        before.map(({ party, pid, used }) => [party, (cpuMicroseconds(pid) - used) / Math.max(1, result.requests)]),
      );
      row.samples.push({ ...result, ratio: result.requestsPerSecond / nginx, cpu });
    }
  }
}

function report(block: readonly Row[]): void {
  const [first] = block;
  if (first === undefined) return;
  console.log(
    `\n${first.size === '1k' ? '1 KB' : '64 KB'}, ${first.connections} connection${first.connections === 1 ? '' : 's'} (${machine()}, ${rounds} rounds of ${seconds} s)\n`,
  );
  const rows = block.map(({ peer, samples }) => {
    const of = (value: (sample: Sample) => number): number[] => samples.map(value);
    const failures = of((sample) => sample.failures).reduce((sum, count) => sum + count, 0);
    const parties = Object.keys(samples[0]?.cpu ?? {});
    const cpu = parties
      .map((party) => `${party} ${median(of((sample) => sample.cpu[party] ?? 0)).toFixed(0)}`)
      .join(' + ');
    return [
      failures === 0 ? peer : `${peer} (${failures} failed)`,
      spread(of((sample) => sample.requestsPerSecond)),
      spread(
        of((sample) => sample.ratio),
        2,
      ),
      median(of((sample) => sample.p50Ms)).toFixed(2),
      median(of((sample) => sample.p99Ms)).toFixed(2),
      cpu,
    ];
  });
  console.log(table(['', 'requests/s', '× nginx', 'p50 ms', 'p99 ms', 'CPU µs/request'], rows));
}
