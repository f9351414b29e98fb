import { parseArgs } from 'node:util';
import buildIfStale from '../e2e/support/build-if-stale.ts';
import { startMixedUpstream } from '../e2e/support/mixed-upstream.ts';
import { startUp, until } from '../e2e/support/running-stack.ts';
import { startSteadyLoad } from '../e2e/support/steady-load.ts';
import { injectFaults } from './soak/inject.ts';
import { sample, trend } from './soak/sampler.ts';
import type { Part, Sample } from './soak/sampler.ts';
import { startTraffic } from './soak/traffic.ts';

/**
 * `npm run soak -- --minutes N`: mixed traffic through the whole product while brokers are killed, drained and silenced and
 * the control plane stops. Fails when a small GET fails, when memory, open files or streams of a process grow, or when
 * anything is left over once the traffic has ended.
 */
const { values } = parseArgs({ options: { minutes: { type: 'string', default: '2' } } });
const minutes = Number(values.minutes);
if (!(minutes > 0)) throw new Error('--minutes must be a number above 0');

const SAMPLE_MS = 1_000;
const FAULT_EVERY_MS = 4_000;
/** A heap that has not been collected yet is no leak; one that doubles is. */
const RSS_GROWTH = { share: 0.35, MiB: 64 };
const FILES_GROWTH = 40;
const STREAMS_GROWTH = 40;
/** Connections that a pool or a listener may keep after the traffic. */
const FILES_LEFT = 24;
const POST_FAILURES_SHARE = 0.05;

await buildIfStale();
const problems: string[] = [];
const upstream = await startMixedUpstream();
const { program, ready } = await startUp(upstream.url, ['--grace', '2']);
try {
  const injection = injectFaults(program, ready, FAULT_EVERY_MS);
  const parts: Part[] = [
    { name: 'edge', pid: () => ready.edge.pid, metrics: () => ready.edge.peer },
    { name: 'agent', pid: () => ready.agent.pid, metrics: () => undefined },
    { name: 'control', pid: () => ready.control.pid, metrics: () => undefined },
    ...ready.brokers.map(({ id, peer }) => ({ name: id, pid: () => injection.pidOf(id), metrics: () => peer })),
  ];
  const atRest = new Map(await Promise.all(parts.map(async (part) => [part.name, await sample(part)] as const)));
  const load = startSteadyLoad({ address: ready.edge.address, host: ready.host, perSecond: 200 });
  const traffic = startTraffic(ready.edge.address, ready.host);

  const samples = new Map<string, Sample[]>(parts.map(({ name }) => [name, []]));
  const started = performance.now();
  const totalMs = minutes * 60_000;
  const warmUpMs = totalMs / 4;
  while (performance.now() - started < totalMs) {
    await new Promise((resolve) => setTimeout(resolve, SAMPLE_MS));
    if (performance.now() - started < warmUpMs) continue;
    for (const part of parts) {
      // A broker that is silent on purpose says nothing of its streams.
      const seen = await sample(part);
      if (seen !== undefined) samples.get(part.name)?.push(seen);
    }
  }
  await injection.stop();
  await traffic.stop();
  const report = await load.stop();

  if (report.failed > 0) problems.push(`${report.failed} small GETs failed, the first: ${report.failures[0] ?? ''}`);
  console.log(
    `\n${'traffic'.padEnd(24)}${'done'.padStart(9)}${'failed'.padStart(9)}   (in flight on what was killed, and not repeatable)`,
  );
  console.log(`${'GET 1 KiB'.padEnd(24)}${String(report.answered).padStart(9)}${String(report.failed).padStart(9)}`);
  for (const [name, { done, failed, lastError }] of Object.entries(traffic.counts)) {
    console.log(`${name.padEnd(24)}${String(done).padStart(9)}${String(failed).padStart(9)}   ${lastError}`);
    if (done === 0 || failed > Math.max(5, done * POST_FAILURES_SHARE)) problems.push(`${name}: ${failed} failed`);
  }
  console.log(
    `\nfaults: ${Object.entries(injection.counts)
      .map(([name, n]) => `${n} × ${name}`)
      .join(', ')}`,
  );
  if (Object.keys(injection.counts).length === 0) problems.push('no fault was injected: run for longer');

  console.log(
    `\n${'process'.padEnd(12)}${'RSS MiB first → last (most)'.padEnd(32)}${'files'.padEnd(24)}${'streams'.padEnd(24)}`,
  );
  for (const { name } of parts) {
    const seen = samples.get(name) ?? [];
    const rss = trend(seen.map(({ rssMiB }) => rssMiB));
    const files = trend(seen.map((one) => one.files));
    const streams = trend(seen.map((one) => one.streams));
    const show = (t: typeof rss): string => `${t.first.toFixed(0)} → ${t.last.toFixed(0)} (${t.most.toFixed(0)})`;
    console.log(`${name.padEnd(12)}${show(rss).padEnd(32)}${show(files).padEnd(24)}${show(streams).padEnd(24)}`);
    if (rss.last > rss.first * (1 + RSS_GROWTH.share) + RSS_GROWTH.MiB) problems.push(`${name}: memory grows`);
    if (files.last > files.first + FILES_GROWTH) problems.push(`${name}: open files grow`);
    if (streams.last > streams.first + STREAMS_GROWTH) problems.push(`${name}: streams grow`);
  }

  await until(
    'the upstream has neither event streams nor WebSockets left',
    () => upstream.open.events + upstream.open.sockets === 0,
  ).catch((error: unknown) => problems.push(String(error)));
  for (const part of parts) {
    let left: Sample | undefined;
    const before = atRest.get(part.name);
    // One stream is the control stream.
    await until(`${part.name} is at rest`, async () => {
      left = await sample(part);
      return (
        left !== undefined &&
        left.inFlight === 0 &&
        left.streams <= 1 &&
        left.files <= (before?.files ?? 0) + FILES_LEFT
      );
    }).catch(() =>
      problems.push(
        `${part.name} keeps ${left?.inFlight} requests, ${left?.streams} streams, ${left?.files} files (${before?.files} at the start)`,
      ),
    );
  }
} finally {
  await program.stop();
  await upstream.stop();
}
for (const problem of problems) console.log(`✗ ${problem}`);
console.log(problems.length === 0 ? `\n✓ ${minutes} min: all flat, nothing left over` : '');
process.exitCode = problems.length === 0 ? 0 : 1;
