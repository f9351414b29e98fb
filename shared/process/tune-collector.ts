import { constants, type PerformanceEntry, PerformanceObserver } from 'node:perf_hooks';
import { getHeapStatistics, setFlagsFromString } from 'node:v8';

/**
 * Buffers lie outside of V8's heap. Left to itself V8 counts their bytes against a limit of their own, small while the heap
 * is small, and each few MiB of buffers that came and went start a full collection. Counted with the heap they can be freed
 * by young ones, which `buffersCame` asks for.
 */
const COUNTED_WITH_HEAP = '--external-memory-accounted-in-global-limit';
/**
 * By how much a heap may grow, whatever it holds, until it is collected whole. V8 knows a factor only: for the 15 MiB of a
 * process that carries bytes it is too small, and for a large configuration too large.
 */
const HEADROOM_BYTES = 128 * 1024 * 1024;
const LEAST_PERCENT = 50;
const MOST_PERCENT = 1_000;

let percent = 0;

/** For a process that carries the bytes of others; measured in `docs/decisions/0015`. Takes effect at once. */
export function tuneCollector(): void {
  setFlagsFromString(COUNTED_WITH_HEAP);
  allowGrowth();
  const observer = new PerformanceObserver((list) => {
    if (list.getEntries().some(isMajor)) allowGrowth();
  });
  observer.observe({ entryTypes: ['gc'] });
}

/** What is in use just after a full collection lives. */
function allowGrowth(): void {
  const { used_heap_size: live } = getHeapStatistics();
  const wanted = Math.round(Math.min(MOST_PERCENT, Math.max(LEAST_PERCENT, (HEADROOM_BYTES / live) * 100)));
  if (wanted === percent) return;
  percent = wanted;
  setFlagsFromString(`--heap-growing-percent=${percent}`);
}

function isMajor(entry: PerformanceEntry): boolean {
  const detail: unknown = 'detail' in entry ? entry.detail : undefined;
  return (
    typeof detail === 'object' &&
    detail !== null &&
    'kind' in detail &&
    detail.kind === constants.NODE_PERFORMANCE_GC_MAJOR
  );
}
