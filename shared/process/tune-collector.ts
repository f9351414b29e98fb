import { setFlagsFromString } from 'node:v8';

/**
 * Buffers lie outside of V8's heap. Left to itself V8 counts their bytes against a limit of their own, small while the heap
 * is small, and each few MiB of buffers that came and went start a full collection; counted with the heap they are freed
 * by young ones. A heap may grow to three times what lived at the last full collection before there is another: that of a
 * process that carries bytes is small.
 */
const FLAGS = ['--external-memory-accounted-in-global-limit', '--heap-growing-percent=200'];

/** For a process that carries the bytes of others; measured in `docs/decisions/0015`. Takes effect at once. */
export function tuneCollector(): void {
  for (const flag of FLAGS) setFlagsFromString(flag);
}
