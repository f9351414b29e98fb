import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/**
 * Few enough collections that they cost little, and little enough memory that waits for one. Measured with bodies of
 * 64 KiB: half as many bytes cost a twelfth more time in the broker, twice as many came to full collections.
 */
const BYTES_PER_COLLECTION = 32 * 1024 * 1024;

let bytesSince = 0;
let collectYoung: (() => void) | undefined;

/**
 * Tells of bytes that came in buffers of their own and will soon be dropped. They do not fill V8's young generation, for
 * they lie outside of it: it is collected when so many came, and they are freed before the whole heap has to be.
 */
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
