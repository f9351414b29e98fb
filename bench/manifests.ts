import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { parseArgs, promisify } from 'node:util';
import { editToLive } from './manifests/edit-to-live.ts';
import { hostRule, KEY, NO_HOST } from './manifests/workspace.ts';
import { onPath } from './peers/find-program.ts';
import { startFileServer } from './peers/nginx.ts';
import { keepRun, machine, median, spread, table } from './peers/report.ts';
import { startServer } from './peers/server-process.ts';
import { startTraefik } from './peers/traefik.ts';
import { runWrk } from './peers/wrk.ts';
import { cpuMs } from './rig/cpu-time.ts';

/**
 * Manifests: validation of many files from cold and after an edit, an edit until it is live, and what policy and many routes
 * cost the gateway, alone and without a tunnel, beside Traefik with the same routes. Interleaved rounds, medians.
 *
 * `npm run bench -- manifests [--rounds 5] [--seconds 2] [--connections 32] [--files 5000] [--only validate,live,gateway]`
 */
const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '2' },
    connections: { type: 'string', default: '32' },
    files: { type: 'string', default: '5000' },
    only: { type: 'string', default: 'validate,live,gateway' },
  },
});
const rounds = Number(values.rounds);
const only = new Set(values.only.split(','));
const run: Record<string, unknown> = {};
console.log(`${machine()}\n`);

if (only.has('validate')) run['validate'] = await validation();
if (only.has('live')) {
  const tookMs = await editToLive(20);
  console.log(`\nan edit of a file until it is live, 200 files: ${spread(tookMs, 0)} ms (goal 100)`);
  run['live'] = tookMs;
}
if (only.has('gateway')) run['gateway'] = await gateways();
await keepRun('manifests', run);

async function validation(): Promise<unknown> {
  const runs: { readMs: number; coldMs: number; coldCpuMs: number; editMs: number[]; editCpuMs: number[] }[] = [];
  for (let round = 0; round < rounds; round += 1) {
    const program = join(import.meta.dirname, 'manifests/validate-process.ts');
    const { stdout } = await promisify(execFile)(process.execPath, [program, values.files]);
    runs.push(JSON.parse(stdout) as (typeof runs)[number]);
  }
  const rows = [
    ['read them', spread(runs.map(({ readMs }) => readMs)), '–', '–'],
    [
      'read and validate, cold',
      spread(runs.map(({ coldMs }) => coldMs)),
      spread(runs.map(({ coldCpuMs }) => coldCpuMs)),
      '2000',
    ],
    [
      'one edit',
      spread(runs.map(({ editMs }) => median(editMs))),
      spread(runs.map(({ editCpuMs }) => median(editCpuMs))),
      '50',
    ],
  ];
  console.log(table([`${values.files} files`, 'ms', 'CPU ms', 'goal'], rows));
  return runs;
}

interface Party {
  readonly name: string;
  readonly url: string;
  readonly host: string | undefined;
  readonly pid: number;
  readonly perSecond: number[];
  readonly cpuUs: number[];
  stop(): Promise<void>;
}

async function gateways(): Promise<unknown> {
  for (const program of ['nginx', 'wrk'])
    if ((await onPath(program)) === undefined) throw new Error(`needs ${program}: apt-get install ${program}`);
  const upstream = await startFileServer({ '1k': 1024 });
  const parties: Party[] = [];
  try {
    for (const name of ['bare', 'key and plan', '10 routes', '10000 routes'])
      parties.push(await ours(name, upstream.address));
    for (const count of [1, 10, 10_000]) {
      const party = await traefik(count, upstream.address);
      if (party !== undefined) parties.push(party);
    }
    for (const party of parties) await sample(party, 1);
    for (const party of parties) party.perSecond.length = party.cpuUs.length = 0;
    for (let round = 0; round < rounds; round += 1)
      for (const party of round % 2 === 0 ? parties : parties.toReversed()) await sample(party, Number(values.seconds));
  } finally {
    for (const party of parties) await party.stop();
    await upstream.stop();
  }
  const of = (name: string): Party | undefined => parties.find((party) => party.name === name);
  const against: Readonly<Record<string, string>> = {
    'adit, bare': 'traefik, bare',
    'adit, key and plan': 'adit, bare',
    'adit, 10000 routes': 'adit, 10 routes',
    'adit, 10 routes': 'traefik, 10 routes',
    'traefik, 10000 routes': 'traefik, 10 routes',
  };
  const rows = parties.map((party) => {
    const other = of(against[party.name] ?? '');
    const ratio = (key: 'perSecond' | 'cpuUs'): string =>
      other === undefined ? '–' : (median(party[key]) / median(other[key])).toFixed(2);
    return [
      party.name,
      spread(party.perSecond),
      spread(party.cpuUs),
      against[party.name] ?? '–',
      ratio('perSecond'),
      ratio('cpuUs'),
    ];
  });
  console.log(
    `\n${table(['gateway alone, 1 KB', 'requests/s', 'CPU µs a request', 'against', 'requests/s ×', 'CPU ×'], rows)}`,
  );
  return parties.map(({ name, perSecond, cpuUs }) => ({ name, perSecond, cpuUs }));
}

async function ours(name: string, upstream: string): Promise<Party> {
  const program = join(import.meta.dirname, 'manifests/gateway-process.ts');
  const server = await startServer(process.execPath, [program, name, upstream]);
  const [, port = ''] = await server.says(/port (\d+)/);
  const host = /routes/.test(name) ? `h${Number.parseInt(name, 10) / 2}.test` : NO_HOST;
  const url = `http://127.0.0.1:${port}/1k?api_key=${KEY}`;
  return { name: `adit, ${name}`, url, host, pid: server.pid, perSecond: [], cpuUs: [], stop: () => server.stop() };
}

async function traefik(count: number, upstream: string): Promise<Party | undefined> {
  const rules = count === 1 ? ['PathPrefix(`/`)'] : Array.from({ length: count }, (_, at) => hostRule(at));
  const running = await startTraefik(upstream, rules);
  if ('missing' in running) {
    console.log(`without Traefik: ${running.missing}`);
    return undefined;
  }
  const host = count === 1 ? undefined : `h${count / 2}.test`;
  const name = count === 1 ? 'traefik, bare' : `traefik, ${count} routes`;
  const pid = running.parties['proxy'] ?? 0;
  const party = {
    name,
    url: `http://${running.address}/1k?api_key=${KEY}`,
    host,
    pid,
    perSecond: [],
    cpuUs: [],
    stop: () => running.stop(),
  };
  return party;
}

async function sample(party: Party, seconds: number): Promise<void> {
  const before = cpuMs([party.pid]);
  const { requests, requestsPerSecond, failures } = await runWrk(party.url, {
    connections: Number(values.connections),
    seconds,
    host: party.host,
  });
  if (failures > 0 || requests === 0) throw new Error(`${party.name}: ${failures} of ${requests} requests failed`);
  party.perSecond.push(requestsPerSecond);
  party.cpuUs.push(((cpuMs([party.pid]) - before) * 1000) / requests);
}
