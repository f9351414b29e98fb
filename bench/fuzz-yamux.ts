import { fuzzSession } from '../shared/yamux/testing/fuzz-session.ts';

const REPORT_EVERY_MS = 10_000;

/** Fuzzes the Yamux session for `minutes`; each run has a seed that repeats it. Resolves to false at the first failure. */
export async function fuzzYamux(minutes: number, firstSeed: number): Promise<boolean> {
  const started = performance.now();
  const codes = new Map<string, number>();
  let reportAt = started + REPORT_EVERY_MS;
  let bytes = 0;
  let seed = firstSeed;
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
    report();
  }
  report();
  return true;

  function report(): void {
    const mib = Math.round(process.memoryUsage().rss / 2 ** 20);
    const ends = [...codes].map(([code, count]) => `${code} ${count}`).join(', ');
    console.log(`${seed - firstSeed} sessions, ${Math.round(bytes / 1e6)} MB, rss ${mib} MiB: ${ends}`);
  }
}
