import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { keepRun, machine, median, spread, table } from './peers/report.ts';
import { cpuMicroseconds } from './peers/process-cost.ts';
import {
  adit,
  certificateIn,
  type EchoTimes,
  type End,
  goProgram,
  goStack,
  type Pair,
  startPair,
} from './tunnel/stack.ts';

/**
 * One session by itself, beside hashicorp/yamux over gorilla/websocket: `npm run bench -- tunnel [--part bulk|echo|idle|
 * way] [--rounds N] [--wss]`; `--wss`: the echo over TLS. Every round measures all stacks one after another.
 */
const parts = ['bulk', 'echo', 'idle', 'way'] as const;
const { values } = parseArgs({
  options: {
    part: { type: 'string' },
    rounds: { type: 'string', default: '3' },
    wss: { type: 'boolean', default: false },
  },
});
const rounds = Number(values.rounds);
const WARM_MS = 400;
const MEASURED_MS = 1_000;
const DEFAULT_WINDOW = 256 * 1024;
const LARGE_WINDOW = 16 * 2 ** 20;
const IDLE_STREAMS = 5_000;

const program = await goProgram();
if (program === undefined) process.exit(1);
const go = goStack(program, DEFAULT_WINDOW);
const goLarge = goStack(program, LARGE_WINDOW);
const folder = await mkdtemp(join(tmpdir(), 'adit-bench-tunnel-'));
const tls = await certificateIn(folder);
console.log(`${machine()}; ${rounds} rounds, interleaved; median [lowest–highest]\n`);
const run: Record<string, unknown> = {};
const wanted = parts.filter((part) => values.part === undefined || values.part === part);
if (wanted.length === 0) throw new Error(`--part is one of ${parts.join(', ')}`);
for (const part of wanted) {
  run[part] = await { bulk, echo: besideBulk, idle: idleStreams, way: overAWay }[part]();
}
await rm(folder, { recursive: true });
await keepRun(wanted.length === parts.length ? 'tunnel' : `tunnel-${wanted.join('-')}`, run);

interface Flow {
  readonly megabytesPerSecond: number;
  readonly cpuSecondsPerGigabyte: number;
  readonly echo: EchoTimes | undefined;
}

/** Bulk from one end to the other, as it arrives, with an echo beside it where wanted. */
async function flow(
  pair: Pair,
  toAgent: boolean,
  streams: number,
  options: { warmMs?: number; ms?: number; echo?: boolean } = {},
): Promise<Flow> {
  const { warmMs = WARM_MS, ms = MEASURED_MS, echo = false } = options;
  const [from, to]: [End, End] = toAgent ? [pair.broker, pair.agent] : [pair.agent, pair.broker];
  await from.startBulk(streams);
  await sleep(warmMs);
  const cpu = (): number => cpuMicroseconds(from.pid) + cpuMicroseconds(to.pid);
  const cpuBefore = cpu();
  const before = await to.received();
  const times = echo ? await from.echo(ms) : undefined;
  if (!echo) await sleep(ms);
  const after = await to.received();
  const bytes = after.bytes - before.bytes;
  const cpuSecondsPerGigabyte = (cpu() - cpuBefore) / 1e6 / (bytes / 1e9);
  await from.stopBulk();
  return { megabytesPerSecond: bytes / 1e3 / (after.atMs - before.atMs), cpuSecondsPerGigabyte, echo: times };
}

function ratios(ours: readonly number[], theirs: readonly number[]): number {
  return median(ours) / median(theirs);
}

interface BulkFigures {
  readonly adit: number[];
  readonly go: number[];
  readonly aditCpu: number[];
  readonly goCpu: number[];
}

function noFigures(): BulkFigures {
  return { adit: [], go: [], aditCpu: [], goCpu: [] };
}

async function bulk(): Promise<unknown> {
  const figures: Record<string, BulkFigures> = {};
  for (const secured of [false, true]) {
    for (const toAgent of [true, false]) {
      for (const streams of [1, 16]) {
        const key = `${secured ? 'wss' : 'ws'} ${toAgent ? 'broker → agent' : 'agent → broker'} ${streams}`;
        const one = (figures[key] = noFigures());
        await using ours = await startPair(adit, secured ? { tls } : {});
        await using theirs = await startPair(go, secured ? { tls } : {});
        // The first time is for the compilers.
        for (const pair of [ours, theirs]) await flow(pair, toAgent, streams);
        for (let round = 0; round < rounds; round++) {
          const a = await flow(ours, toAgent, streams);
          const g = await flow(theirs, toAgent, streams);
          one.adit.push(a.megabytesPerSecond);
          one.aditCpu.push(a.cpuSecondsPerGigabyte);
          one.go.push(g.megabytesPerSecond);
          one.goCpu.push(g.cpuSecondsPerGigabyte);
        }
      }
    }
  }
  console.log('MB/s at 0 ms');
  console.log(
    table(
      ['', 'adit', 'go', 'ratio', 'adit CPU s/GB', 'go'],
      Object.entries(figures).map(([key, { adit: a, go: g, aditCpu, goCpu }]) => [
        key,
        spread(a),
        spread(g),
        ratios(a, g).toFixed(2),
        median(aditCpu).toFixed(2),
        median(goCpu).toFixed(2),
      ]),
    ),
    '\n',
  );
  return figures;
}

interface EchoFigures {
  readonly p50: number[];
  readonly p99: number[];
  readonly bulk: number[];
}

async function besideBulk(): Promise<unknown> {
  const figures: Record<string, Record<string, EchoFigures>> = {};
  for (const [toAgent, streams] of [
    [true, 0],
    [true, 1],
    [true, 32],
    [false, 1],
    [false, 32],
  ] as const) {
    const key = streams === 0 ? 'alone' : `beside ${streams}, ${toAgent ? 'broker → agent' : 'agent → broker'}`;
    const ofStacks: Record<string, EchoFigures> = (figures[key] = {});
    const by = values.wss ? { tls } : {};
    await using ours = await startPair(adit, by);
    await using theirs = await startPair(go, by);
    await using large = await startPair(goLarge, by);
    const pairs = [ours, theirs, large];
    for (const pair of pairs) await flow(pair, toAgent, streams, { echo: true });
    for (let round = 0; round < rounds; round++) {
      for (const pair of pairs) {
        const { echo, megabytesPerSecond } = await flow(pair, toAgent, streams, { echo: true });
        const one = (ofStacks[pair.stack.name] ??= { p50: [], p99: [], bulk: [] });
        one.p50.push(echo?.p50 ?? Number.NaN);
        one.p99.push(echo?.p99 ?? Number.NaN);
        one.bulk.push(megabytesPerSecond);
      }
    }
  }
  console.log(`echo of 100 B at 0 ms over ${values.wss ? 'wss' : 'ws'}: p50 / p99 in ms, bulk in MB/s`);
  const rows = Object.entries(figures).flatMap(([key, stacks]) =>
    Object.entries(stacks).map(([name, { p50, p99, bulk: mb }]) => [
      key,
      name,
      spread(p50, 2),
      spread(p99, 2),
      key === 'alone' ? '–' : spread(mb),
      (median(stacks['go']?.p50 ?? []) / median(p50)).toFixed(2),
    ]),
  );
  console.log(table(['', 'stack', 'p50', 'p99', 'bulk', 'go p50 / its p50'], rows), '\n');
  return figures;
}

async function idleStreams(): Promise<unknown> {
  const without: number[] = [];
  const beside: number[] = [];
  await using lone = await startPair(adit);
  await using full = await startPair(adit);
  await full.broker.openIdle(IDLE_STREAMS);
  for (const pair of [lone, full]) await pair.broker.echo(MEASURED_MS, 64);
  for (let round = 0; round < rounds; round++) {
    without.push((await lone.broker.echo(MEASURED_MS, 64)).count);
    beside.push((await full.broker.echo(MEASURED_MS, 64)).count);
  }
  console.log(`round trips/s of 64 streams without and beside ${IDLE_STREAMS} idle ones`);
  const row = [spread(without), spread(beside), `${((1 - ratios(beside, without)) * 100).toFixed(0)} %`];
  console.log(table(['without', 'beside', 'loss'], [row]), '\n');
  return { without, beside };
}

async function overAWay(): Promise<unknown> {
  if (program === undefined) return [];
  const rows: { way: string; stack: string; streams: number; flow: Flow; full: number }[] = [];
  const measure = async (rttMs: number, mbit: number, streams: number): Promise<void> => {
    const rate = (mbit * 1e6) / 8;
    for (const stack of [adit, go, goLarge]) {
      await using pair = await startPair(stack, { way: { program, delayMs: rttMs / 2, rate } });
      const isNarrow = mbit > 0;
      const one = await flow(pair, true, streams, { warmMs: 3_000, ms: isNarrow ? 3_000 : 2_000, echo: isNarrow });
      const full = isNarrow ? (one.megabytesPerSecond * 1e6) / rate : Number.NaN;
      rows.push({
        way: `${rttMs} ms${isNarrow ? `, ${mbit} Mbit/s` : ''}`,
        stack: stack.name,
        streams,
        flow: one,
        full,
      });
    }
  };
  for (const rttMs of [10, 40, 100]) await measure(rttMs, 0, 1);
  for (const mbit of [100, 10]) for (const streams of [1, 32]) await measure(40, mbit, streams);
  console.log('over a relay that delays and narrows, broker → agent, one run each');
  console.log(
    table(
      ['', 'bulk streams', 'stack', 'MB/s', 'of the link', 'echo p50 ms', 'p99'],
      rows.map(({ way, stack, streams, flow: one, full }) => [
        way,
        String(streams),
        stack,
        one.megabytesPerSecond.toFixed(2),
        Number.isNaN(full) ? '–' : `${(full * 100).toFixed(0)} %`,
        one.echo?.p50.toFixed(1) ?? '–',
        one.echo?.p99.toFixed(1) ?? '–',
      ]),
    ),
    '\n',
  );
  return rows;
}
