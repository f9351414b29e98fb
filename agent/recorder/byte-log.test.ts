import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ByteLog } from './byte-log.ts';

const KIB = 1024;

test('what was appended last is read as it was, and what was overwritten is not read at all', () => {
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: 1, max: 200 * KIB }), { minLength: 1, maxLength: 30 }),
      fc.integer({ min: 1, max: 600 * KIB }),
      (lengths, capacity) => {
        const log = new ByteLog(capacity);
        const kept: { at: number; length: number; value: number; end: number }[] = [];
        let end = 0;
        for (const [index, length] of lengths.entries()) {
          const value = index % 251;
          const at = log.append(Buffer.alloc(length, value));
          end += length;
          kept.push({ at, length, value, end: at + length });
        }
        for (const { at, length, value } of kept) {
          const read = log.read(at, length);
          if (end - at <= capacity) expect(read?.equals(Buffer.alloc(length, value))).toBe(true);
          else if (read !== undefined) expect(read.equals(Buffer.alloc(length, value))).toBe(true);
        }
      },
    ),
    { numRuns: 60 },
  );
});

test('bytes that were appended may change afterwards', () => {
  const log = new ByteLog(1);
  const bytes = Buffer.from('body');
  const at = log.append(bytes);
  bytes.fill(0);
  expect(log.read(at, 4)?.toString()).toBe('body');
});
