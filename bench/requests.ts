import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { isBuilt } from '../scripts/source-digest.ts';
import { cpuMs } from './rig/cpu-time.ts';
import { nginxProxy, nginxUpstream } from './rig/nginx-pair.ts';
import { printProfile, PROFILED } from './rig/profile.ts';
import { withRealTime } from './rig/real-time.ts';
import {
  startFixedAnswers,
  startNativeAnswers,
  startNativeSplice,
  startStack,
  startUndiciProxy,
} from './rig/programs.ts';
import { wrk, type Measured } from './rig/wrk.ts';

/**
 * Requests a second through the whole tunnel (visitor → a broker's own public listener → agent → nginx) beside nginx as
 * plain reverse proxy with one worker and beside a proxy of undici: the same upstream, interleaved, warmed, medians.
 *
 * `npm run bench -- requests [--seconds 3] [--rounds 3] [--cases 1k:64,64k:64,1k:64:vary] [--parties nginx,adit]
 * [--dist DIR[,DIR]] [--json FILE]`. With several bundles each is a party of its own, so that versions are compared in one
 * run. The party `floor` is a server of `node:net` that gives the same answer of 1 KB to everybody: what a request costs a
 * process of Node at least, and ours are two; `native-floor` is the same with its sockets in native code, and
 * `native-splice` a tunnel of two programs in C that encrypt nothing and read no HTTP (a C compiler is needed for both). A case with `vary` has other heads in each request.
 *
 * `--realtime` (root) lets what is measured run before all else on the machine, with a pause after each sample: on a
 * machine with other work the figures are then nearer to those of one at rest.
 *
 * `--profile` instead shows for each case where the processor time of our processes goes, and their system calls a
 * request (Linux, `perf`; as root or with `kernel.perf_event_paranoid` of at most 1).
 */
interface Party {
  readonly name: string;
  readonly url: string;
  readonly host: string;
  /** Processes between visitor and upstream. */
  readonly processes: Readonly<Record<string, readonly number[]>>;
}

interface Sample extends Measured {
  /** µs a request, by process. */
  readonly cpuUs: Readonly<Record<string, number>>;
}

interface Row {
  readonly size: string;
  readonly connections: number;
  readonly vary: boolean;
  readonly party: string;
  readonly perSecond: number;
  readonly spread: readonly [number, number];
  readonly toNginx: number;
  readonly p50Ms: number;
  /** More than with nginx. */
  readonly addedMs: number;
  readonly p99Ms: number;
  readonly cpuUs: Readonly<Record<string, number>>;
}

const SIZES: ReadonlyMap<string, number> = new Map([
  ['1k', 1024],
  ['64k', 65_536],
]);
const WARM_UP_SECONDS = 3;

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '3' },
    rounds: { type: 'string', default: '3' },
    cases: { type: 'string', default: '1k:1,1k:32,1k:64,1k:64:vary,64k:1,64k:32,64k:64' },
    parties: { type: 'string', default: 'direct,nginx,undici,adit,edge' },
    dist: { type: 'string' },
    json: { type: 'string' },
    profile: { type: 'boolean', default: false },
    realtime: { type: 'boolean', default: false },
  },
});
const cases = values.cases.split(',').map((text) => {
  const [size = '', connections = '', how] = text.split(':');
  if (!SIZES.has(size) || !(Number(connections) > 0) || !(how === undefined || how === 'vary'))
    throw new Error(`--cases: ${text} is not 1k:N or 64k:N, with :vary or without`);
  return { size, connections: Number(connections), vary: how === 'vary' };
});
type Case = (typeof cases)[number];

const stops: (() => Promise<void>)[] = [];
try {
  if (values.profile) await showProfiles();
  else {
    const rows = await measure(await startParties(values.parties.split(',')));
    console.log(table(rows));
    if (values.json !== undefined) await writeFile(values.json, `${JSON.stringify(rows, undefined, 2)}\n`);
  }
} finally {
  for (const stop of stops.toReversed()) await stop();
}

async function showProfiles(): Promise<void> {
  const before = process.env['NODE_OPTIONS'];
  process.env['NODE_OPTIONS'] = `${before ?? ''} ${PROFILED}`;
  const parties = await startParties(['adit']);
  if (before === undefined) delete process.env['NODE_OPTIONS'];
  else process.env['NODE_OPTIONS'] = before;
  const seconds = Number(values.seconds);
  for (const one of cases)
    for (const party of parties) {
      await sample(party, one, WARM_UP_SECONDS);
      for (const name of ['broker', 'agent']) {
        const [pid] = party.processes[name] ?? [];
        if (pid === undefined) continue;
        console.log(`\n## ${one.size}, ${one.connections} connections${one.vary ? ', heads vary' : ''}: ${name}\n`);
        await printProfile(pid, seconds, () => sample(party, one, seconds + 1));
      }
    }
}

async function startParties(names: readonly string[]): Promise<Party[]> {
  const upstream = await nginxUpstream(SIZES);
  stops.push(() => upstream.stop());
  const parties: Party[] = [];
  const add = (name: string, address: string, host: string, processes: Party['processes']): void => {
    parties.push({ name, url: `http://${address}`, host, processes: { ...processes, upstream: upstream.pids } });
  };
  if (names.includes('direct')) add('direct', upstream.address, 'localhost', {});
  if (names.includes('nginx')) {
    const proxy = await nginxProxy(upstream.address);
    stops.push(() => proxy.stop());
    add('nginx', proxy.address, 'localhost', { proxy: proxy.pids });
  }
  if (names.includes('floor')) {
    const server = await startFixedAnswers(1024);
    stops.push(() => server.stop());
    add('floor, 1 KB', server.address, 'localhost', { server: [server.pid] });
  }
  if (names.includes('native-floor')) {
    const server = await startNativeAnswers(1024);
    stops.push(() => server.stop());
    add('native floor, 1 KB', server.address, 'localhost', { server: [server.pid] });
  }
  if (names.includes('native-splice')) {
    const splice = await startNativeSplice(upstream.address);
    stops.push(() => splice.stop());
    add('native splice', splice.address, 'localhost', { broker: [splice.broker], agent: [splice.agent] });
  }
  if (names.includes('undici')) {
    const proxy = await startUndiciProxy(upstream.address);
    stops.push(() => proxy.stop());
    add('undici', proxy.address, 'localhost', { proxy: [proxy.pid] });
  }
  if (names.includes('adit') || names.includes('edge')) {
    const dists = values.dist?.split(',') ?? [await ownDist()];
    for (const dist of dists) {
      const stack = await startStack(dist, upstream.address);
      stops.push(() => stack.stop());
      const label = dists.length > 1 ? ` ${dist}` : '';
      const way = { broker: [stack.broker.pid], agent: [stack.agent.pid] };
      if (names.includes('adit')) add(`adit${label}`, stack.broker.address, stack.host, way);
      if (names.includes('edge'))
        add(`adit, edge${label}`, stack.edge.address, stack.host, { edge: [stack.edge.pid], ...way });
    }
  }
  return parties;
}

async function ownDist(): Promise<string> {
  if (!(await isBuilt())) {
    const { buildAll } = await import('../scripts/build.ts');
    await buildAll();
  }
  return join(import.meta.dirname, '../dist');
}

async function measure(parties: readonly Party[]): Promise<Row[]> {
  const samples = new Map<string, Sample[]>();
  for (const party of parties)
    for (const size of new Set(cases.map((one) => one.size)))
      await sample(party, { size, connections: 64, vary: false }, WARM_UP_SECONDS);
  for (let round = 0; round < Number(values.rounds); round += 1) {
    for (const one of cases) {
      for (const party of parties) {
        const key = keyOf(one, party.name);
        const list = samples.get(key) ?? [];
        samples.set(key, list);
        list.push(await sample(party, one, Number(values.seconds)));
      }
    }
  }
  return cases.flatMap((one) => {
    const of = (name: string): Sample[] => samples.get(keyOf(one, name)) ?? [];
    return parties.map(({ name }) => row(one, name, of(name), of('nginx')));
  });
}

function keyOf({ size, connections, vary }: Case, party: string): string {
  return `${size} ${connections} ${vary} ${party}`;
}

async function sample(party: Party, { size, connections, vary }: Case, seconds: number): Promise<Sample> {
  const names = Object.entries(party.processes);
  const load = { url: `${party.url}/${size}`, host: party.host, connections, seconds, vary };
  const run = async (): Promise<[readonly number[], Measured, readonly number[]]> => [
    names.map(([, pids]) => cpuMs(pids)),
    await wrk({ ...load, realTime: values.realtime }),
    names.map(([, pids]) => cpuMs(pids)),
  ];
  const [before, measured, after] = values.realtime
    ? await withRealTime(
        names.flatMap(([, pids]) => pids),
        run,
      )
    : await run();
  const perRequest = (ms: number): number => (ms * 1000) / measured.requests;
  const cpuUs: Record<string, number> = {};
  for (const [index, [name]] of names.entries()) cpuUs[name] = perRequest((after[index] ?? 0) - (before[index] ?? 0));
  cpuUs['wrk'] = perRequest(measured.cpuMs);
  return { ...measured, cpuUs };
}

function row(one: Case, party: string, of: readonly Sample[], nginx: readonly Sample[]): Row {
  const rates = of.map((each) => each.perSecond);
  const perSecond = median(rates);
  const cpuUs: Record<string, number> = {};
  for (const name of Object.keys(of[0]?.cpuUs ?? {})) cpuUs[name] = median(of.map((each) => each.cpuUs[name] ?? 0));
  const p50Ms = median(of.map((each) => each.p50Ms));
  return {
    ...one,
    party,
    perSecond,
    spread: [Math.min(...rates), Math.max(...rates)],
    toNginx: perSecond / median(nginx.map((each) => each.perSecond)),
    p50Ms,
    addedMs: p50Ms - median(nginx.map((each) => each.p50Ms)),
    p99Ms: median(of.map((each) => each.p99Ms)),
    cpuUs,
  };
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}

function table(rows: readonly Row[]): string {
  const lines = [
    '| body | c | heads | way | requests/s [spread] | × nginx | p50 / p99 ms | p50 over nginx | CPU µs a request |',
    '|---|---|---|---|---|---|---|---|---|',
  ];
  for (const one of rows) {
    const cpu = Object.entries(one.cpuUs).map(([name, us]) => `${name} ${us.toFixed(1)}`);
    const [low, high] = one.spread;
    lines.push(
      `| ${one.size} | ${one.connections} | ${one.vary ? 'vary' : 'same'} | ${one.party} | ${one.perSecond.toFixed(0)} [${low.toFixed(0)}–${high.toFixed(0)}] | ` +
        `${one.toNginx.toFixed(2)} | ${one.p50Ms.toFixed(3)} / ${one.p99Ms.toFixed(2)} | ${one.addedMs.toFixed(3)} | ${cpu.join(', ')} |`,
    );
  }
  return lines.join('\n');
}
