import { fuzzFrames } from '../shared/websocket/testing/fuzz-frames.ts';

const REPORT_EVERY_MS = 10_000;

/** Fuzzes the WebSocket framing against `ws` for `minutes`. Resolves to false at the first difference. */
export async function fuzzWebSocket(minutes: number, firstSeed: number): Promise<boolean> {
  const started = performance.now();
  const ends = new Map<string, number>();
  let reportAt = started + REPORT_EVERY_MS;
  let bytes = 0;
  let seed = firstSeed;
  for (; performance.now() - started < minutes * 60_000; seed++) {
    try {
      const outcome = fuzzFrames(seed);
      bytes += outcome.bytes;
      ends.set(outcome.end, (ends.get(outcome.end) ?? 0) + 1);
    } catch (error) {
      console.error(`failed; repeat with: npm run fuzz -- websocket --seed ${seed}`, error);
      return false;
    }
    // The receivers of `ws` let go of what they hold in a later tick.
    if (seed % 1000 === 0) await new Promise((resolve) => setImmediate(resolve));
    if (performance.now() < reportAt) continue;
    reportAt += REPORT_EVERY_MS;
    report();
  }
  report();
  return true;

  function report(): void {
    const list = [...ends].map(([end, count]) => `${end} ${count}`);
    console.log(`${seed - firstSeed} rounds, ${Math.round(bytes / 1e6)} MB: ${list.join(', ')}`);
  }
}
