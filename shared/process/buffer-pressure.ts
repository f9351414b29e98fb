import { getHeapStatistics } from 'node:v8';
import { collect } from './collector.ts';

/**
 * Few enough collections that they cost little, and little enough memory that waits for one. Measured with bodies of
 * 64 KiB: half as many bytes cost a twelfth more time in the broker, twice as many came to full collections.
 */
const BYTES_PER_COLLECTION = 32 * 1024 * 1024;

/** Buffers that had to wait outlive young collections, and only a full one frees them: one comes when so much was added. */
const OUTLIVING_BYTES = 48 * 1024 * 1024;

let bytesSince = 0;
/** Outside of the heap, after the last full collection. */
let livingBytes = 0;

/**
 * Tells of bytes that came in buffers of their own and will soon be dropped. They do not fill V8's young generation, for
 * they lie outside of it: it is collected when so many came, and they are freed before the whole heap has to be.
 */
export function buffersCame(bytes: number): void {
  bytesSince += bytes;
  if (bytesSince < BYTES_PER_COLLECTION) return;
  bytesSince = 0;
  collect('minor');
  const { external_memory: external, used_heap_size: heap } = getHeapStatistics();
  livingBytes = Math.min(livingBytes, external);
  // The time of a full collection grows with the heap.
  if (external - livingBytes < Math.max(OUTLIVING_BYTES, heap)) return;
  collect('major');
  livingBytes = getHeapStatistics().external_memory;
}
