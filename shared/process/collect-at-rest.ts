import { getHeapStatistics } from 'node:v8';
import { collect } from './collector.ts';

/** A process that did less than this of the last moments rests: what a tunnel sends by itself stays far below. */
const BUSY = 0.02;
/** Less than this, or less than a quarter of what is held, is not worth a pause. */
const GROWTH_BYTES = 4 * 1024 * 1024;

export interface RestOptions {
  readonly lookEveryMs: number;
  /** So that the pause of a full collection, tens of milliseconds, meets light traffic seldom. */
  readonly apartMs: number;
}

const DEFAULTS: RestOptions = { lookEveryMs: 2_000, apartMs: 30_000 };

/**
 * Has garbage collected once a process rests. V8 collects when memory is asked for, so that one who has nothing to do keeps what its
 * start, or its last load, left behind: a third of an idle agent. Returns how to stop it.
 */
export function collectAtRest({ lookEveryMs, apartMs }: RestOptions = DEFAULTS): () => void {
  let before = performance.eventLoopUtilization();
  let level = 0;
  let notBefore = 0;
  const look = (): void => {
    const now = performance.eventLoopUtilization();
    const { utilization } = performance.eventLoopUtilization(now, before);
    before = now;
    if (utilization > BUSY || performance.now() < notBefore || held() < level + Math.max(GROWTH_BYTES, level / 4))
      return;
    collect('all');
    level = held();
    notBefore = performance.now() + apartMs;
  };
  const timer = setInterval(look, lookEveryMs).unref();
  return () => clearInterval(timer);
}

/** Bytes, used or not. */
function held(): number {
  const { total_heap_size: heap, external_memory: external } = getHeapStatistics();
  return heap + external;
}
