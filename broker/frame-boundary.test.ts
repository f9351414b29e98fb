import fc from 'fast-check';
import { expect, test } from 'vitest';
import { FrameBoundary } from './frame-boundary.ts';

function frame(opcode: number, size: number): Buffer {
  const head =
    size < 126
      ? Buffer.from([0x80 | opcode, size])
      : size < 65_536
        ? Buffer.from([0x80 | opcode, 126, size >> 8, size & 255])
        : Buffer.from([0x80 | opcode, 127, 0, 0, 0, 0, 0, size >> 16, (size >> 8) & 255, size & 255]);
  return Buffer.concat([head, Buffer.alloc(size, 0xff)]);
}

test('is open between frames and nowhere else, whatever the cut', () => {
  fc.assert(
    fc.property(
      fc.array(fc.oneof(fc.integer({ min: 0, max: 130 }), fc.constantFrom(65_535, 65_536, 70_000)), {
        minLength: 1,
        maxLength: 5,
      }),
      fc.array(fc.integer({ min: 1, max: 40_000 }), { maxLength: 20 }),
      (sizes, cuts) => {
        const frames = sizes.map((size) => frame(2, size));
        const ends = new Set<number>([0]);
        let end = 0;
        for (const one of frames) ends.add((end += one.length));
        const bytes = Buffer.concat(frames);
        const boundary = new FrameBoundary();
        let at = 0;
        for (const cut of [...cuts, bytes.length]) {
          const next = Math.min(bytes.length, at + cut);
          boundary.push(bytes.subarray(at, next));
          at = next;
          expect(boundary.open).toBe(ends.has(at));
        }
      },
    ),
  );
});

test('nothing may follow the Close of the server', () => {
  const boundary = new FrameBoundary();
  boundary.push(frame(8, 2));
  expect(boundary.open).toBe(false);
});
