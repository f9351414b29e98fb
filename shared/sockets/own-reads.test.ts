import fc from 'fast-check';
import { expect, test } from 'vitest';
import { OwnReads } from './own-reads.ts';

/** Reads as a kernel does: as much as there is and fits. */
function read(reads: OwnReads, available: number): Buffer {
  const { region } = reads;
  const length = Math.min(available, region.length);
  return reads.read(length);
}

test('no byte of the memory is handed out twice, however many sockets read, and however much', () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.nat({ max: 4 }), fc.integer({ min: 1, max: 100_000 })), { maxLength: 200 }),
      (events) => {
        const sockets = Array.from({ length: 5 }, () => new OwnReads());
        const got: Buffer[] = [];
        for (const [socket, available] of events) {
          const reads = sockets[socket];
          if (reads === undefined) continue;
          const bytes = read(reads, available);
          expect(bytes.length).toBeGreaterThan(0);
          got.push(bytes.fill(got.length));
        }
        for (const [index, bytes] of got.entries()) expect(bytes.every((byte) => byte === (index & 255))).toBe(true);
      },
    ),
    { numRuns: 100 },
  );
});

test('one that gets little waits with little memory, one that gets much is given more', () => {
  const reads = new OwnReads();
  expect(reads.region.length).toBe(4096);
  for (let count = 0; count < 1000; count += 1) {
    read(reads, 30);
    expect(reads.region.length).toBeLessThanOrEqual(4096);
    expect(reads.region.length).toBeGreaterThanOrEqual(1024);
  }
  read(reads, 100_000);
  expect(reads.region.length).toBe(65_536);
  read(reads, 16_384);
  expect(reads.region.length).toBe(49_152);
  read(reads, 40_000);
  expect(reads.region.length).toBe(65_536);
});
