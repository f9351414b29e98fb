import { setTimeout as elapse } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startMixedUpstream, type MixedUpstream } from '../support/mixed-upstream.ts';
import { startParts, type Parts } from '../support/parts.ts';
import { until } from '../support/running-stack.ts';
import { startSteadyLoad } from '../support/steady-load.ts';

let upstream: MixedUpstream;
let parts: Parts;
beforeAll(async () => {
  upstream = await startMixedUpstream();
  parts = await startParts(upstream.url);
});
afterAll(async () => {
  await parts.stop();
  await upstream.stop();
});

/** SIGSTOP, some time, SIGCONT: what a process knows of a machine that gives it no processor. */
async function starve(pids: readonly number[], ms: number): Promise<void> {
  for (const pid of pids) process.kill(pid, 'SIGSTOP');
  try {
    await elapse(ms);
  } finally {
    for (const pid of pids) process.kill(pid, 'SIGCONT');
  }
}

const who: Readonly<Record<string, () => readonly number[]>> = {
  'the agent': () => [parts.agent.pid],
  'one broker': () => parts.brokers.slice(0, 1).map(({ program }) => program.pid),
  'every broker': () => parts.brokers.map(({ program }) => program.pid),
  'the edge': () => [parts.edge.program.pid],
  'edge, brokers and agent': () => [
    parts.edge.program.pid,
    ...parts.brokers.map(({ program }) => program.pid),
    parts.agent.pid,
  ],
};

for (const [name, pids] of Object.entries(who)) {
  test(`no GET fails when ${name} gets no processor for 1.5 s, and for 3 s`, async () => {
    await until('all links are up', async () => (await parts.status()).state === 'live');
    const load = startSteadyLoad({ address: parts.edge.address, host: parts.host, perSecond: 150, connections: 2_000 });
    for (const ms of [1_500, 3_000]) {
      const seen = load.answered;
      await until('the load runs', () => load.answered >= seen + 150);
      await starve(pids(), ms);
    }
    const after = load.answered;
    await until('the load goes on', () => load.answered >= after + 300);
    const report = await load.stop();
    console.log(
      `${name} starved: ${report.sent} GETs at ${report.perSecond}/s, ${report.failed} failed, worst ${report.maxMs.toFixed(0)} ms`,
    );
    expect(report.failures).toEqual([]);
    expect(report.answered).toBe(report.sent);
  });
}
