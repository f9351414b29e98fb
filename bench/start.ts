import { setTimeout as wait } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import buildIfStale from '../e2e/support/build-if-stale.ts';
import { AgentClient } from '../main/stack/agent-client.ts';
import { startStack, type Stack } from '../main/stack/stack.ts';
import { onPath } from './peers/find-program.ts';
import { startFileServer } from './peers/nginx.ts';
import { residentMiB } from './peers/process-cost.ts';
import { keepRun, machine, median, spread, table } from './peers/report.ts';
import { runWrk } from './peers/wrk.ts';
import { bundled, coldStart, firstAnswer } from './start/first-answer.ts';
import { idleSessions } from './start/idle-sessions.ts';
import { stalledStreams } from './start/stalled-streams.ts';
import { untilAnswers } from './transports/until-answers.ts';

/** How soon a preview answers, and what the parts need while nothing happens. */
const IDLE_MS = 6_000;
/** Parts collect garbage at rest, no sooner than half a minute after the last time. */
const REST_MS = 36_000;
const LOAD_SECONDS = 3;

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    sessions: { type: 'string', default: '1000' },
    only: { type: 'string', default: 'cold,click,memory,sessions,stalled' },
  },
});
const rounds = Number(values.rounds);
const count = Number(values.sessions);
const wanted = new Set(values.only.split(','));

if (!(rounds >= 1) || !(count >= 1)) {
  console.error(
    'usage: npm run bench -- start [--rounds N] [--sessions N] [--only cold,click,memory,sessions,stalled]',
  );
  process.exitCode = 2;
} else if ((await onPath('nginx')) === undefined || (await onPath('wrk')) === undefined) {
  console.error('needs nginx as upstream and wrk for load: apt-get install nginx wrk');
  process.exitCode = 3;
} else {
  await buildIfStale();
  // A thousand connections at once must not be refused, nor fill the kernel's memory for TCP, which all parties share here.
  const files = await startFileServer({ '1k': 1_024, '16m': 16 * 2 ** 20 }, ['backlog=4096', 'sndbuf=32k']);
  const run: Record<string, unknown> = {};
  console.log(`${machine()}\n`);
  try {
    if (wanted.has('cold')) run['cold'] = await cold(`http://${files.address}`);
    if (wanted.has('click') || wanted.has('memory') || wanted.has('stalled')) {
      const stack = await startStack({
        brokers: 3,
        onEvent: () => undefined,
        onLog: () => undefined,
        programOf: bundled,
      });
      try {
        Object.assign(run, await withParts(stack, `http://${files.address}`));
      } finally {
        await stack.stop(2_000);
      }
    }
    if (wanted.has('sessions')) run['sessions'] = await sessions();
  } finally {
    await files.stop();
  }
  await keepRun('start', run);
}

async function cold(upstream: string): Promise<number[]> {
  const times: number[] = [];
  for (let round = 0; round < rounds; round++) times.push(await coldStart(upstream));
  console.log(`adit up, from its start to its ready line: ${spread(times)} ms\n`);
  return times;
}

async function withParts(stack: Stack, upstream: string): Promise<Record<string, unknown>> {
  const run: Record<string, unknown> = {};
  await wait(IDLE_MS);
  const memory: [string, Record<string, number>][] = [['started, no preview', resident(stack)]];
  if (wanted.has('click')) {
    const clicks = [];
    for (let round = 0; round < rounds; round++) clicks.push(await firstAnswer(stack, upstream, '/1k'));
    console.log(
      table(
        ['from the click, parts running', 'ms', 'goal'],
        [
          ['first link up', spread(clicks.map((click) => click.firstLinkMs)), '500'],
          ['first 200 at a broker', spread(clicks.map((click) => click.brokerMs)), '1000'],
          ['first 200 at the edge', spread(clicks.map((click) => click.edgeMs)), '1000'],
        ],
      ),
    );
    run['clicks'] = clicks;
  }
  if (!wanted.has('memory') && !wanted.has('stalled')) return run;

  const { address, token } = stack.agent();
  const client = new AgentClient(address, token);
  await client.startPreview({ source: { kind: 'url', url: upstream }, upstreams: {} });
  let host: string | undefined;
  while (host === undefined) {
    const status = await client.status();
    if (status.state === 'live') host = status.hosts[0]?.host;
    else await wait(20);
  }
  const [broker] = stack.brokers();
  if (broker === undefined) throw new Error('no broker runs');
  await untilAnswers(`http://${broker.address}/1k`, 10_000, { host });
  await wait(IDLE_MS);
  memory.push(['preview up, idle', resident(stack)]);
  if (wanted.has('stalled')) {
    const pids = { broker: broker.pid, agent: stack.agent().pid };
    const stalled = await stalledStreams(count, { address: broker.address, host, large: '/16m', small: '/1k', pids });
    const mib = (figures: Readonly<Record<string, number>>): string =>
      `broker ${(figures['broker'] ?? 0).toFixed(0)}, agent ${(figures['agent'] ?? 0).toFixed(0)}`;
    console.log(
      `\n${stalled.streams} visitors who ask for 16 MiB and read nothing, in MiB resident: before ${mib(stalled.before)}; during ${mib(stalled.during)}; after ${mib(stalled.after)}. ${stalled.served} of them find the answer that they left, ${stalled.cut} a cut one. ${stalled.probes} small requests beside them: p50 ${stalled.p50Ms.toFixed(1)} ms, p99 ${stalled.p99Ms.toFixed(1)} ms, ${stalled.failures} failed\n`,
    );
    run['stalled'] = stalled;
  } else {
    await runWrk(`http://${broker.address}/1k`, { connections: 64, seconds: LOAD_SECONDS, host });
    await wait(REST_MS);
    memory.push(['after load, at rest', resident(stack)]);
  }
  const parties = Object.keys(memory[0]?.[1] ?? {});
  console.log(
    `\n${table(
      ['MiB resident', ...parties],
      memory.map(([when, figures]) => [when, ...parties.map((party) => (figures[party] ?? 0).toFixed(0))]),
    )}`,
  );
  run['memory'] = memory;
  return run;
}

function resident(stack: Stack): Record<string, number> {
  return {
    agent: residentMiB(stack.agent().pid),
    broker: median(stack.brokers().map(({ pid }) => residentMiB(pid))),
    edge: residentMiB(stack.edge().pid),
    control: residentMiB(stack.control().pid),
  };
}

async function sessions(): Promise<unknown> {
  const found = await idleSessions(count);
  console.log(
    `\n${found.sessions} idle sessions on one broker: ${found.emptyMiB.toFixed(0)} → ${found.fullMiB.toFixed(0)} MiB resident, ${found.kibPerSession.toFixed(0)} KiB a session; connected in ${found.connectMs.toFixed(0)} ms; their pings take ${found.idleCpuPercent.toFixed(1)} % of a core`,
  );
  return found;
}
