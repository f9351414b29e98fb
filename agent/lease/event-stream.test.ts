import fc from 'fast-check';
import { expect, test } from 'vitest';

import { EventStreamParser } from './event-stream.ts';

test('events are the same at any cut and with any line end', () => {
  const line = fc.string().map((text) => text.replace(/[\r\n]/g, ''));
  const sent = fc.record({
    event: line.filter((text) => text !== ''),
    data: fc.array(line, { minLength: 1, maxLength: 3 }),
  });
  fc.assert(
    fc.property(
      fc.array(sent, { maxLength: 4 }),
      fc.constantFrom('\n', '\r\n', '\r'),
      fc.infiniteStream(fc.nat(7)),
      (all, end, cuts) => {
        const text = all
          .map(({ event, data }) =>
            [': a comment', `event: ${event}`, ...data.map((one) => `data: ${one}`), '', ''].join(end),
          )
          .join('');
        const parser = new EventStreamParser();
        const got = [];
        for (let at = 0; at < text.length;) {
          const size = 1 + (cuts.next().value ?? 0);
          got.push(...parser.push(text.slice(at, at + size)));
          at += size;
        }
        expect(got).toEqual(all.map(({ event, data }) => ({ event, data: data.join('\n') })));
      },
    ),
  );
});

test('an event without name is a message, one without data is none', () => {
  expect(new EventStreamParser().push('data:x\n\nevent: y\n\nid: 4\ndata\n\n')).toEqual([
    { event: 'message', data: 'x' },
    { event: 'message', data: '' },
  ]);
});

test('an event that never ends is refused before it fills the memory', () => {
  const parser = new EventStreamParser();
  expect(() => {
    for (let sent = 0; sent < 64; sent++) parser.push(`data: ${'x'.repeat(64 * 1024)}\n`);
  }).toThrow(RangeError);
  expect(() => new EventStreamParser().push('x'.repeat(2 * 1024 * 1024))).toThrow(RangeError);
});
