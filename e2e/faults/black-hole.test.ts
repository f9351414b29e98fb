import { afterAll, beforeAll, expect, test } from 'vitest';
import { startMixedUpstream, type MixedUpstream } from '../support/mixed-upstream.ts';
import { startParts } from '../support/parts.ts';
import { until } from '../support/running-stack.ts';
import { startSteadyLoad } from '../support/steady-load.ts';

let upstream: MixedUpstream;
beforeAll(async () => {
  upstream = await startMixedUpstream();
});
afterAll(() => upstream.stop());

test('every GET is answered while two of three tunnels are silent, and both are dialled again afterwards', async () => {
  const parts = await startParts(upstream.url);
  try {
    const load = startSteadyLoad({ address: parts.edge.address, host: parts.host, perSecond: 500, connections: 2_000 });
    await until('the load runs', () => load.answered > 500);
    const silenced = parts.brokers.slice(0, 2);
    const before = parts.agent.lines.length;
    const from = performance.now();
    for (const { relay } of silenced) relay.fallSilent();
    const noticed = Promise.all(
      silenced.map(async ({ id }) => {
        await parts.agent.line((line) => line.event === 'session-down' && line['broker'] === id, before);
        return performance.now() - from;
      }),
    );
    const unusable = Promise.all(
      silenced.map(async ({ id }) => {
        await until(`the agent doubts ${id}`, async () => {
          const link = (await parts.status()).links.find(({ broker }) => broker === id);
          return link?.state !== 'up';
        });
        return performance.now() - from;
      }),
    );
    const [doubtedAfter, noticedAfter] = [await unusable, await noticed];
    const seen = load.answered;
    await until('the load goes on', () => load.answered >= seen + 500);
    for (const { relay } of silenced) relay.recover();
    await until('all links are up again', async () => (await parts.status()).state === 'live', 60_000);
    const report = await load.stop();
    console.log(
      `black hole: doubted after ${Math.max(...doubtedAfter).toFixed(0)} ms, dead after ${Math.max(...noticedAfter).toFixed(0)} ms; ` +
        `${report.sent} GETs at ${report.perSecond}/s, ${report.failed} failed, worst ${report.maxMs.toFixed(0)} ms`,
    );
    expect(report.failures).toEqual([]);
    expect(report.answered).toBe(report.sent);
  } finally {
    await parts.stop();
  }
});
