import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';

const tuning = new URL('./tune-collector.ts', import.meta.url).href;
const pressure = new URL('./buffer-pressure.ts', import.meta.url).href;

/** Prints how many collections of which kind a process had that used two GiB of buffers, a few at a time. */
const program = `
  import { PerformanceObserver, constants } from 'node:perf_hooks';
  import { tuneCollector } from ${JSON.stringify(tuning)};
  import { buffersCame } from ${JSON.stringify(pressure)};
  const tuned = process.argv[1] === 'tuned';
  if (tuned) tuneCollector();
  const count = { major: 0, minor: 0 };
  const observer = new PerformanceObserver((list) => list.getEntries().forEach(note));
  const note = ({ detail: { kind } }) => {
    if (kind === constants.NODE_PERFORMANCE_GC_MAJOR) count.major += 1;
    if (kind === constants.NODE_PERFORMANCE_GC_MINOR) count.minor += 1;
  };
  observer.observe({ entryTypes: ['gc'] });
  const live = Array.from({ length: 200_000 }, (_, at) => ({ at, name: String(at) }));
  const kept = [];
  let most = 0;
  for (let at = 0; at < 32_768; at += 1) {
    kept[at % 64] = Buffer.allocUnsafeSlow(64 * 1024);
    if (tuned) buffersCame(64 * 1024);
    if (at % 64 === 0) await new Promise((resolve) => setImmediate(resolve));
    most = Math.max(most, process.memoryUsage.rss());
  }
  await new Promise((resolve) => setImmediate(resolve));
  observer.takeRecords().forEach(note);
  console.log(JSON.stringify({ ...count, mostMib: most / 1048576, live: live.length }));
`;

async function run(how: 'tuned' | 'plain'): Promise<{ major: number; minor: number; mostMib: number }> {
  const args = ['--input-type=module', '--eval', program, how];
  const { stdout } = await promisify(execFile)(process.execPath, args);
  return JSON.parse(stdout) as { major: number; minor: number; mostMib: number };
}

test('buffers that come and go are freed without full collections, and their memory is bounded', async () => {
  const [plain, tuned] = [await run('plain'), await run('tuned')];
  expect(plain.major).toBeGreaterThan(10);
  expect(tuned.major * 5).toBeLessThan(plain.major);
  expect(tuned.mostMib).toBeLessThan(250);
});
