import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/**
 * Buffers do not fill the young generation of V8: their bytes lie outside of it, and on a small heap some ten MiB of new
 * ones start a full collection, in use or not. A proxy drops its buffers at once, and a collection of the young
 * generation alone frees them for a small part of the time (`docs/decisions/0007`).
 */
const BYTES_PER_COLLECTION = 4 * 1024 * 1024;

let bytesSince = 0;
let collectYoung: (() => void) | undefined;

/** Tells of bytes that came in buffers of their own and will soon be dropped. */
export function buffersCame(bytes: number): void {
  bytesSince += bytes;
  if (bytesSince < BYTES_PER_COLLECTION) return;
  bytesSince = 0;
  collectYoung ??= makeCollector();
  collectYoung();
}

/** Made at first use: a process that carries little pays nothing for it. */
function makeCollector(): () => void {
  setFlagsFromString('--expose-gc');
  const collect: unknown = runInNewContext('gc');
  setFlagsFromString('--no-expose-gc');
  if (typeof collect !== 'function') return () => {};
  return () => void collect({ type: 'minor', execution: 'sync' });
}
