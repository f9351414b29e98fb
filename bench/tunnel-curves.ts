import { table } from './peers/report.ts';
import { EchoAndBulk } from '../shared/yamux/testing/echo-and-bulk.ts';
import { ManualClock } from '../shared/yamux/testing/manual-clock.ts';

/**
 * How one session finds its way, over a simulated link: the figures are the same on every machine. `npm run bench --
 * tunnel-curves`.
 */
const MIB = 2 ** 20;
const ways = [
  { name: '40 ms, 10 Mbit/s, 4 bulk streams', rttMs: 40, rate: 1_250, streams: 4, segmentBytes: 1_448, lossEach: 0 },
  { name: 'the same, one segment of 97 lost', rttMs: 40, rate: 1_250, streams: 4, segmentBytes: 1_448, lossEach: 97 },
  { name: '40 ms, 100 Mbit/s, 32', rttMs: 40, rate: 12_500, streams: 32, segmentBytes: 8_192, lossEach: 0 },
  { name: '100 ms, 1.2 Gbit/s, 1', rttMs: 100, rate: 150_000, streams: 1, segmentBytes: 32_768, lossEach: 0 },
];
const STEPS_MS = [250, 250, 250, 250, 500, 500, 1_000, 1_000];

for (const { name, rttMs, rate, streams, segmentBytes, lossEach } of ways) {
  const clock = new ManualClock();
  const run = new EchoAndBulk(clock, {
    rate,
    delayMs: rttMs / 2,
    kernelBytes: 64 * MIB,
    segmentBytes,
    isLost: (segment) => lossEach > 0 && segment % lossEach === lossEach - 1,
  });
  run.startEcho();
  for (let count = 0; count < streams; count++) run.startBulk();
  const rows: string[][] = [];
  for (const ms of STEPS_MS) {
    run.forget();
    await clock.run(ms);
    const { boundBytes, minRttMs } = run.left.stats();
    const median = Number.isFinite(run.medianMs) ? run.medianMs.toFixed(0) : '–';
    rows.push([
      `${clock.now()} ms`,
      `${((100 * run.bulkBytes) / ms / rate).toFixed(0)} %`,
      median,
      (boundBytes / 1024).toFixed(0),
      minRttMs.toFixed(1),
    ]);
  }
  run.end();
  console.log(`${name}\n`);
  console.log(table(['until', 'of the link', 'echo p50 ms', 'bound KiB', 'min RTT ms'], rows), '\n');
}
