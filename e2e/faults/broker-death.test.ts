import { afterAll, beforeAll, expect, test } from 'vitest';
import { get } from '../support/http-load.ts';
import { startMixedUpstream, type MixedUpstream } from '../support/mixed-upstream.ts';
import { startNginx } from '../support/nginx.ts';
import { startUp, until, type ReadyLine, type RunningProgram } from '../support/running-stack.ts';
import { startSteadyLoad } from '../support/steady-load.ts';

const PER_SECOND = 2_000;

let upstream: MixedUpstream;
beforeAll(async () => {
  upstream = await startMixedUpstream();
});
afterAll(() => upstream.stop());

/** Kills two of three under load, waits until both serve again, and kills the third. */
async function killBrokers(program: RunningProgram, ready: ReadyLine, seen: () => number): Promise<void> {
  await until('the load runs', () => seen() >= PER_SECOND / 2);
  const [first, second, third] = ready.brokers;
  if (first === undefined || second === undefined || third === undefined) throw new Error('three brokers are needed');
  const before = program.lines.length;
  for (const { pid } of [first, second]) process.kill(pid, 'SIGKILL');
  for (const { id, address } of [first, second]) {
    await program.line((line) => line.event === 'session-up' && line['broker'] === id, before);
    await until(
      `${id} answers again`,
      async () => (await get(address, ready.host).catch(() => undefined))?.status === 200,
    );
  }
  const served = seen();
  // Longer than nginx passes over a server that failed: it must have taken both back before it loses its last one.
  await until('the load goes on', () => seen() >= served + PER_SECOND * 2);
  process.kill(third.pid, 'SIGKILL');
  const then = seen();
  // Only those that had died can answer now.
  await until('the restarted brokers carry the load', () => seen() >= then + PER_SECOND / 4);
}

for (const front of ['edge', 'nginx'] as const) {
  test(`no GET fails behind ${front} while two of three brokers are killed under load, and both are used again`, async () => {
    const { program, ready } = await startUp(upstream.url);
    const nginx = front === 'nginx' ? await startNginx(ready.brokers.map(({ address }) => address)) : undefined;
    try {
      const load = startSteadyLoad({
        address: nginx?.address ?? ready.edge.address,
        host: ready.host,
        perSecond: PER_SECOND,
      });
      await killBrokers(program, ready, () => load.answered);
      const report = await load.stop();
      console.log(
        `behind ${front}: ${report.sent} GETs at ${report.perSecond}/s, ${report.failed} failed, ` +
          `p50 ${report.p50Ms.toFixed(1)}, p99 ${report.p99Ms.toFixed(1)}, worst ${report.maxMs.toFixed(0)} ms`,
      );
      expect(report.failures).toEqual([]);
      expect(report.answered).toBe(report.sent);
    } finally {
      await nginx?.stop();
      await program.stop();
    }
  });
}
