import { PerformanceObserver, constants } from 'node:perf_hooks';
import { expect, test } from 'vitest';
import { buffersCame } from './buffer-pressure.ts';

test('buffers that are dropped are freed without a full collection', async () => {
  const kinds: number[] = [];
  const seen = Promise.withResolvers<void>();
  const observer = new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) {
      const detail: unknown = 'detail' in entry ? entry.detail : undefined;
      if (typeof detail === 'object' && detail !== null && 'kind' in detail) kinds.push(Number(detail.kind));
    }
    if (kinds.length >= 10) seen.resolve();
  });
  observer.observe({ entryTypes: ['gc'] });
  let most = 0;
  for (let count = 0; count < 2048; count += 1) {
    const bytes = Buffer.allocUnsafeSlow(64 * 1024);
    buffersCame(bytes.length);
    most = Math.max(most, process.memoryUsage().arrayBuffers);
  }
  await seen.promise;
  observer.disconnect();
  expect(kinds).toContain(constants.NODE_PERFORMANCE_GC_MINOR);
  expect(most).toBeLessThan(64 * 1024 * 1024);
});
