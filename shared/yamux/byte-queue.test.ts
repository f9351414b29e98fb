import { setImmediate as nextTurn } from 'node:timers/promises';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ByteQueue } from './byte-queue.ts';
import { collect } from './testing/collect.ts';

describe('the byte queue', () => {
  it('gives the bytes back in order, in pieces of any size', () => {
    const step = fc.oneof(
      fc.record({ push: fc.uint8Array({ maxLength: 6000 }), wait: fc.boolean() }),
      fc.record({ shift: fc.integer({ min: 0, max: 9000 }) }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const queue = new ByteQueue();
        const pushed: number[] = [];
        const shifted: number[] = [];
        for (const one of steps) {
          if ('push' in one) {
            const copy = Uint8Array.from(one.push);
            queue.push(copy, one.wait);
            pushed.push(...one.push);
            // A small slice that waits is ours from now on, so the caller's buffer may change.
            if (one.wait && copy.length < 4096) copy.fill(0);
          } else {
            const piece = queue.shift(one.shift);
            expect(piece?.length ?? 0).toBeLessThanOrEqual(one.shift);
            shifted.push(...(piece ?? []));
          }
          expect(queue.length).toBe(pushed.length - shifted.length);
        }
        for (let piece = queue.shift(1000); piece !== undefined; piece = queue.shift(1000)) shifted.push(...piece);
        expect(shifted).toEqual(pushed);
      }),
    );
  });

  it('keeps a few KiB for many single bytes that wait, whatever buffers they came from', () => {
    const queue = new ByteQueue();
    for (let index = 0; index < 4000; index++) queue.push(new Uint8Array(64 * 1024).subarray(index, index + 1), true);
    const buffers = new Set<ArrayBufferLike>();
    for (let piece = queue.shift(1); piece !== undefined; piece = queue.shift(1)) buffers.add(piece.buffer);
    const held = [...buffers].reduce((sum, buffer) => sum + buffer.byteLength, 0);
    expect(held).toBeLessThan(3 * 4000);
  });

  it('lets go of what was taken while other bytes wait behind it', async () => {
    const queue = new ByteQueue();
    const pushed: WeakRef<object>[] = [];
    for (let index = 0; index < 60; index++) {
      const chunk = new Uint8Array(64 * 1024);
      pushed.push(new WeakRef(chunk));
      queue.push(chunk, false);
      if (index > 1) queue.shift(chunk.length);
    }
    // What was looked at in this turn stays until the next.
    await nextTurn();
    collect();
    expect(pushed.filter((chunk) => chunk.deref() !== undefined)).toHaveLength(2);
    expect(queue.length).toBe(2 * 64 * 1024);
  });
});
