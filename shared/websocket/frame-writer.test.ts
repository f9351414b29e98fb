import fc from 'fast-check';
import { expect, it } from 'vitest';
import { OPCODE_PING } from './frame.ts';
import { FrameWriter, LARGE_BLOCK_BYTES } from './frame-writer.ts';
import { byWords, maskInto, unmask } from './mask.ts';
import { parsed } from './testing/parsed.ts';

const chunk = fc.oneof(
  fc.uint8Array({ maxLength: 40 }),
  fc
    .constantFrom(125, 126, 4095, 4096, 4097, 65_535, 65_536, 100_000)
    .map((length) => Buffer.alloc(length, length & 255)),
);

it.each(['client', 'server'] as const)('a %s writes messages that hold exactly the chunks, in order', (role) => {
  const writer = new FrameWriter(role);
  fc.assert(
    fc.property(fc.array(fc.array(chunk, { minLength: 1, maxLength: 8 }), { maxLength: 6 }), (messages) => {
      const framed = messages.map((chunks) => writer.message(chunks));
      const other = role === 'client' ? 'server' : 'client';
      const { seen, rest } = parsed(
        framed.flatMap(({ chunks }) => [...chunks]),
        { role: other },
      );
      expect(rest).toBe('');
      expect(seen).toEqual(
        messages.map((chunks) => ({ kind: 'message', opcode: 2, bytes: Buffer.concat(chunks).toString('hex') })),
      );
      for (const { blocks } of framed) writer.giveBack(blocks);
    }),
    { numRuns: 300 },
  );
});

it('a client leaves the chunks as they were, and uses a block again only once it was given back', () => {
  const writer = new FrameWriter('client');
  const chunk = new Uint8Array(2 * LARGE_BLOCK_BYTES).fill(7);
  const first = writer.message([chunk]);
  const second = writer.message([chunk]);
  expect(chunk.every((byte) => byte === 7)).toBe(true);
  expect(first.blocks.some((block) => second.blocks.includes(block))).toBe(false);
  writer.giveBack(first.blocks);
  expect(writer.message([chunk]).blocks.some((block) => first.blocks.includes(block))).toBe(true);
});

it('a client puts a large message into one block', () => {
  const writer = new FrameWriter('client');
  const { chunks, blocks } = writer.message([new Uint8Array(200 * 1024), new Uint8Array(60 * 1024)]);
  expect([chunks.length, blocks.length]).toEqual([1, 1]);
  const larger = writer.message([new Uint8Array(2 * LARGE_BLOCK_BYTES)]);
  expect([larger.chunks.length, larger.blocks.length]).toEqual([3, 3]);
});

it('a client masks each message with another key', () => {
  const writer = new FrameWriter('client');
  const keys = new Set<string>();
  for (let count = 0; count < 5000; count++) {
    const [bytes] = writer.message([new Uint8Array(1)]).chunks;
    keys.add(Buffer.from(bytes?.subarray(2, 6) ?? []).toString('hex'));
  }
  // Two equal ones of 5,000 in 2^32 come about in one run of 340; three pairs never.
  expect(keys.size).toBeGreaterThan(4997);
});

it('a server references large chunks and writes small messages as one chunk', () => {
  const writer = new FrameWriter('server');
  const large = new Uint8Array(5000);
  expect(writer.message([new Uint8Array(12), large]).chunks.at(-1)).toBe(large);
  for (let count = 0; count < 1000; count++) {
    const small = Array.from({ length: 5 }, () => new Uint8Array(count % 800));
    expect(writer.message(small).chunks).toHaveLength(1);
  }
});

it('a control frame carries 125 bytes at most', () => {
  expect(() => new FrameWriter('server').control(OPCODE_PING, new Uint8Array(126))).toThrow(RangeError);
});

it('masks the same by words, by the native code and by bytes, at any offset', () => {
  const key = fc.uint8Array({ minLength: 4, maxLength: 4 });
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), fc.nat(9), key, (bytes, offset, mask) => {
      const expected = bytes.map((byte, index) => byte ^ (mask[index & 3] ?? 0));
      const at = (): Uint8Array => {
        const buffer = new Uint8Array(bytes.length + offset).subarray(offset);
        buffer.set(bytes);
        return buffer;
      };
      const [one, two] = [at(), at()];
      unmask(one, mask);
      byWords.unmask(two, mask);
      const [three, four] = [new Uint8Array(bytes.length + offset), new Uint8Array(bytes.length + offset)];
      maskInto(bytes, mask, three, offset);
      byWords.mask(bytes, mask, four, offset, bytes.length);
      for (const result of [one, two, three.subarray(offset), four.subarray(offset)])
        expect([...result]).toEqual([...expected]);
    }),
  );
});
