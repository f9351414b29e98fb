import { randomBytes } from 'node:crypto';
import { expect, test } from 'vitest';
import { BodyCollector } from './body-collector.ts';

test.each([true, false])('pieces of all sizes are put together, chunked: %j', (chunked) => {
  const collector = new BodyCollector(Infinity, chunked);
  const pieces: Buffer[] = [];
  for (const size of [1, 3, 4095, 1, 4096, 9000, 2, 4094, 1, 100, 4000, 5000, 1]) {
    const piece = randomBytes(size);
    pieces.push(Buffer.from(piece));
    const sent = chunked ? Buffer.concat([Buffer.from(`${size.toString(16)}\r\n`), piece, Buffer.from('\r\n')]) : piece;
    expect(collector.push(sent)).toBe(true);
    // The sender uses its memory again.
    sent.fill(0);
  }
  const whole = Buffer.concat(pieces);
  expect(collector.length).toBe(whole.length);
  expect(collector.take().equals(whole)).toBe(true);
});

test('what is too large is forgotten', () => {
  const collector = new BodyCollector(3, false);
  expect([collector.push(Buffer.from('ab')), collector.push(Buffer.from('cd'))]).toEqual([true, false]);
  expect(collector.take().length).toBe(0);
});

test('a body in the smallest pieces takes memory for its bytes, not for its pieces', () => {
  const collector = new BodyCollector(Infinity, false);
  const piece = Buffer.from('x');
  const bytes = 1_000_000;
  const before = process.memoryUsage().heapUsed;
  for (let at = 0; at < bytes; at++) collector.push(piece);
  // A piece of its own would be more than a hundred bytes for each.
  expect(process.memoryUsage().heapUsed - before).toBeLessThan(50 * bytes);
  expect(collector.take().length).toBe(bytes);
});
