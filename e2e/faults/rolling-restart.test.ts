import { afterAll, beforeAll, expect, test } from 'vitest';
import { openEvents, openSocket, type LongStream } from '../support/long-streams.ts';
import { startMixedUpstream, type MixedUpstream } from '../support/mixed-upstream.ts';
import { startUp, until } from '../support/running-stack.ts';
import { startSteadyLoad } from '../support/steady-load.ts';

const GRACE_SECONDS = 2;
const STREAMS = 50;
const REQUESTS = 10_000;

let upstream: MixedUpstream;
beforeAll(async () => {
  upstream = await startMixedUpstream();
});
afterAll(() => upstream.stop());

test('brokers restarted one after the other lose no request; what is open lives until the grace ends', async () => {
  const { program, ready } = await startUp(upstream.url, ['--grace', String(GRACE_SECONDS)]);
  const streams: LongStream[] = [];
  try {
    for (let n = 0; n < STREAMS; n += 1)
      streams.push(
        ...(await Promise.all([
          openEvents(ready.edge.address, ready.host),
          openSocket(ready.edge.address, ready.host),
        ])),
      );
    const load = startSteadyLoad({ address: ready.edge.address, host: ready.host, perSecond: 1_000 });
    await until('the load runs', () => load.answered > 500);
    for (const broker of ready.brokers) {
      const before = program.lines.length;
      const open = streams.filter(({ end }) => end === undefined);
      const asked = performance.now();
      process.kill(broker.pid, 'SIGTERM');
      await program.line((line) => line.event === 'session-up' && line['broker'] === broker.id, before);
      const ended = open.filter(({ end }) => end !== undefined);
      // Timers may be early by a millisecond or so.
      const early = ended.filter(({ end }) => (end?.at ?? 0) - asked < GRACE_SECONDS * 1_000 - 50);
      expect(early, `streams of ${broker.id} that ended before its grace`).toEqual([]);
    }
    await until(`${REQUESTS} requests`, () => load.sent >= REQUESTS);
    await until('all streams have ended with their brokers', () => streams.every(({ end }) => end !== undefined));
    const report = await load.stop();
    console.log(
      `rolling restart: ${report.sent} GETs at ${report.perSecond}/s, ${report.failed} failed, worst ${report.maxMs.toFixed(0)} ms; ` +
        `${streams.length} streams until the grace of ${GRACE_SECONDS} s`,
    );
    expect(report.failures).toEqual([]);
    expect(report.answered).toBe(report.sent);
    for (const { kind, end, received } of streams) {
      expect(received).toBeGreaterThan(1);
      if (kind === 'socket') expect(['1001', '1012']).toContain(end?.how);
    }
  } finally {
    for (const stream of streams) stream.close();
    await program.stop();
  }
});
