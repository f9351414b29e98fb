import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { headerBytes } from './frame.ts';
import { FrameParser, type FrameSink } from './frame-parser.ts';

interface Frame {
  readonly type: number;
  readonly flags: number;
  readonly id: number;
  readonly body: Uint8Array;
}

const frames = fc.array(
  fc.record({
    type: fc.integer({ min: 0, max: 3 }),
    flags: fc.integer({ min: 0, max: 0xffff }),
    id: fc.integer({ min: 0, max: 0xffff_ffff }),
    body: fc.uint8Array({ maxLength: 300 }),
  }),
  { maxLength: 20 },
);

/** Cuts `bytes` where `cuts` say, as fractions of the whole. */
function cutAt(bytes: Uint8Array, cuts: readonly number[]): Uint8Array[] {
  const borders = [0, ...cuts.map((cut) => Math.floor(cut * bytes.length)).sort((a, b) => a - b), bytes.length];
  return borders.slice(1).map((border, index) => bytes.subarray(borders[index], border));
}

function collect(): { sink: FrameSink; seen: { head: string; body: number[]; ended: boolean }[] } {
  const seen: { head: string; body: number[]; ended: boolean }[] = [];
  const sink: FrameSink = {
    onHeader(version, type, flags, id, length) {
      seen.push({ head: [version, type, flags, id, length].join(' '), body: [], ended: type !== 0 });
      return true;
    },
    onBody(bytes) {
      seen.at(-1)?.body.push(...bytes);
      return true;
    },
    onFrameEnd() {
      const last = seen.at(-1);
      if (last) last.ended = true;
      return true;
    },
  };
  return { sink, seen };
}

describe('the frame parser', () => {
  it('finds the same frames at every chunking', () => {
    fc.assert(
      fc.property(frames, fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 40 }), (list, cuts) => {
        const bytes = Buffer.concat(list.flatMap(encode));
        const { sink, seen } = collect();
        const parser = new FrameParser(sink);
        for (const piece of cutAt(bytes, cuts)) parser.push(piece);
        expect(seen).toEqual(
          list.map(({ type, flags, id, body }) => ({
            head: [0, type, flags, id, body.length].join(' '),
            body: type === 0 ? [...body] : [],
            ended: true,
          })),
        );
      }),
    );
  });

  it('finds them byte by byte', () => {
    fc.assert(
      fc.property(frames, (list) => {
        const { sink, seen } = collect();
        const parser = new FrameParser(sink);
        for (const byte of Buffer.concat(list.flatMap(encode))) parser.push(Uint8Array.of(byte));
        expect(seen.map(({ head }) => head)).toEqual(
          list.map(({ type, flags, id, body }) => [0, type, flags, id, body.length].join(' ')),
        );
      }),
    );
  });

  it('reads nothing after the sink has stopped it', () => {
    let headers = 0;
    const parser = new FrameParser({ onHeader: () => ++headers < 2, onBody: () => true, onFrameEnd: () => true });
    parser.push(Buffer.concat(Array.from({ length: 5 }, () => headerBytes(1, 0, 1, 0))));
    parser.push(headerBytes(1, 0, 1, 0));
    expect(headers).toBe(2);
  });

  it('passes bodies on without a copy', () => {
    const bytes = Buffer.concat([headerBytes(0, 0, 1, 100), Buffer.alloc(100, 7)]);
    const parts: Uint8Array[] = [];
    const sink: FrameSink = { onHeader: () => true, onBody: (part) => parts.push(part) > 0, onFrameEnd: () => true };
    new FrameParser(sink).push(bytes);
    expect(parts.map((part) => [part.buffer === bytes.buffer, part.length])).toEqual([[true, 100]]);
  });
});

function encode({ type, flags, id, body }: Frame): Uint8Array[] {
  const header = headerBytes(type, flags, id, body.length);
  return type === 0 ? [header, body] : [header];
}
