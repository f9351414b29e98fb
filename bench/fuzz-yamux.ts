import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { fuzzSession } from '../shared/yamux/testing/fuzz-session.ts';

const REPORT_EVERY_MS = 10_000;
/** What may be in use after a collection beyond what was after the first report: counters, and code that was compiled since. */
const SPARE_BYTES = 16 * 2 ** 20;

/**
 * Fuzzes the Yamux session for `minutes`; each run has a seed that repeats it. Resolves to false at the first failure, or when
 * sessions that are over leave something in memory. The resident size tells nothing of that: V8 keeps a young generation that
 * grew with the buffers of some runs, and malloc the blocks that it had (with one arena and `--max-semi-space-size=1` it stays
 * where it is).
 */
export async function fuzzYamux(minutes: number, firstSeed: number): Promise<boolean> {
  const started = performance.now();
  const collect = collector();
  const codes = new Map<string, number>();
  let reportAt = started + REPORT_EVERY_MS;
  let bytes = 0;
  let seed = firstSeed;
  let firstUsed: number | undefined;
  for (; performance.now() - started < minutes * 60_000; seed++) {
    try {
      const outcome = await fuzzSession(seed);
      bytes += outcome.bytes;
      const code = outcome.code ?? 'survived';
      codes.set(code, (codes.get(code) ?? 0) + 1);
      if (code === 'yamux-internal') throw new Error('a receiver threw');
    } catch (error) {
      console.error(`failed; repeat with: npm run fuzz -- yamux --seed ${seed}`, error);
      return false;
    }
    if (performance.now() < reportAt) continue;
    reportAt += REPORT_EVERY_MS;
    if (!report()) return false;
  }
  return report();

  function report(): boolean {
    collect();
    const { heapUsed, arrayBuffers, rss } = process.memoryUsage();
    const used = heapUsed + arrayBuffers;
    firstUsed ??= used;
    const mib = (size: number): string => (size / 2 ** 20).toFixed(1);
    const ends = [...codes].map(([code, count]) => `${code} ${count}`).join(', ');
    console.log(
      `${seed - firstSeed} sessions, ${Math.round(bytes / 1e6)} MB; in use ${mib(used)} MiB, resident ${mib(rss)}: ${ends}`,
    );
    if (used <= firstUsed + SPARE_BYTES) return true;
    console.error(
      `failed: ${mib(used - firstUsed)} MiB more are in use than after the first report; something keeps sessions`,
    );
    return false;
  }
}

function collector(): () => void {
  setFlagsFromString('--expose-gc');
  const collect: unknown = runInNewContext('gc');
  if (typeof collect !== 'function') throw new Error('V8 gives no function to collect garbage');
  return () => {
    // Buffers are freed beside the first one; the second waits for that.
    collect();
    collect();
  };
}
