import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cutInto } from './testing/cut-into.ts';
import { frameBytes, type FrameSpec } from './testing/frame-bytes.ts';
import { parsed, type Seen } from './testing/parsed.ts';

const MASK = [0x37, 0xfa, 0x21, 0x3d];
const text = (words: string): Uint8Array => Buffer.from(words);
const masked = (spec: FrameSpec): Buffer => frameBytes({ mask: MASK, ...spec });
const closeWith = (code: number, reason: Uint8Array = new Uint8Array(0)): Uint8Array =>
  Buffer.concat([Uint8Array.of(code >> 8, code & 255), reason]);

describe('frames that are refused by a server', () => {
  const big = new Uint8Array(126);
  const table: readonly (readonly [string, string, number, readonly Uint8Array[]])[] = [
    ['first reserved bit', 'websocket-reserved-bits', 1002, [masked({ opcode: 2, rsv: 4 })]],
    ['second reserved bit', 'websocket-reserved-bits', 1002, [masked({ opcode: 2, rsv: 2 })]],
    ['third reserved bit', 'websocket-reserved-bits', 1002, [masked({ opcode: 9, rsv: 1 })]],
    ...[3, 4, 5, 6, 7, 11, 12, 13, 14, 15].map(
      (opcode) => [`opcode ${opcode}`, 'websocket-bad-opcode', 1002, [masked({ opcode })]] as const,
    ),
    ['no mask', 'websocket-not-masked', 1002, [frameBytes({ opcode: 2, payload: text('a') })]],
    ['text', 'websocket-not-binary', 1003, [masked({ opcode: 1, payload: text('a') })]],
    ['continuation of nothing', 'websocket-bad-order', 1002, [masked({ opcode: 0, payload: text('a') })]],
    [
      'continuation after the last frame',
      'websocket-bad-order',
      1002,
      [masked({ opcode: 2, payload: text('a') }), masked({ opcode: 0, payload: text('b') })],
    ],
    [
      'a message inside a message',
      'websocket-bad-order',
      1002,
      [masked({ opcode: 2, fin: false }), masked({ opcode: 2, payload: text('b') })],
    ],
    ['a ping in parts', 'websocket-bad-control', 1002, [masked({ opcode: 9, fin: false })]],
    ['a close in parts', 'websocket-bad-control', 1002, [masked({ opcode: 8, fin: false })]],
    ['a ping of 126 bytes', 'websocket-bad-control', 1002, [masked({ opcode: 9, payload: big })]],
    ['a pong with a long length', 'websocket-bad-control', 1002, [masked({ opcode: 10, lengthBytes: 8 })]],
    ['5 in two bytes', 'websocket-bad-length', 1002, [masked({ opcode: 2, payload: text('abcde'), lengthBytes: 2 })]],
    ['125 in two bytes', 'websocket-bad-length', 1002, [masked({ opcode: 2, claims: 125n, lengthBytes: 2 })]],
    ['65535 in eight bytes', 'websocket-bad-length', 1002, [masked({ opcode: 2, claims: 65_535n, lengthBytes: 8 })]],
    ['2^63', 'websocket-bad-length', 1002, [masked({ opcode: 2, claims: 2n ** 63n })]],
    ['2^64 − 1', 'websocket-bad-length', 1002, [masked({ opcode: 2, claims: 2n ** 64n - 1n })]],
    ['2^63 − 1', 'websocket-too-large', 1009, [masked({ opcode: 2, claims: 2n ** 63n - 1n })]],
    ['one byte above the limit', 'websocket-too-large', 1009, [masked({ opcode: 2, claims: 2n ** 20n + 1n })]],
    ['a close of one byte', 'websocket-bad-close', 1002, [masked({ opcode: 8, payload: text('a') })]],
    ...[0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65_535].map(
      (code) =>
        [`close code ${code}`, 'websocket-bad-close', 1002, [masked({ opcode: 8, payload: closeWith(code) })]] as const,
    ),
    [
      'a close reason that is not UTF-8',
      'websocket-bad-text',
      1007,
      [masked({ opcode: 8, payload: closeWith(1000, Uint8Array.of(0xce, 0xba, 0xed, 0xa0, 0x80)) })],
    ],
  ];
  it.each(table)('%s: %s', (_name, code, closeCode, frames) => {
    for (const pieces of [frames, cutInto([1], Buffer.concat(frames))])
      expect(parsed(pieces).seen.at(-1)).toEqual({ kind: 'error', code, closeCode });
  });

  it('nothing that follows a refusal is read', () => {
    const after = masked({ opcode: 9, payload: text('x') });
    expect(parsed([Buffer.concat([masked({ opcode: 3 }), after]), after]).seen).toHaveLength(1);
  });

  it('a message whose frames together are above the limit', () => {
    const half = new Uint8Array(600);
    const frames = [masked({ opcode: 2, fin: false, payload: half }), masked({ opcode: 0, payload: half })];
    const { seen, rest } = parsed(frames, { maxMessageBytes: 1000 });
    expect(seen).toEqual([{ kind: 'error', code: 'websocket-too-large', closeCode: 1009 }]);
    expect(rest).toHaveLength(1200);
  });
});

it('a client refuses frames with a mask and takes those without', () => {
  expect(parsed([masked({ opcode: 2 })], { role: 'client' }).seen).toMatchObject([{ code: 'websocket-masked' }]);
  expect(parsed([frameBytes({ opcode: 2, payload: text('a') })], { role: 'client' }).seen).toEqual([
    { kind: 'message', opcode: 2, bytes: '61' },
  ]);
});

it('passes the payload on before the frame is whole, whatever length it claims', () => {
  const start = masked({ opcode: 2, claims: 1n << 20n, payload: text('first bytes') });
  expect(parsed([start])).toEqual({ seen: [], rest: Buffer.from('first bytes').toString('hex') });
});

it.each([1000, 1001, 1002, 1003, 1007, 1011, 1012, 1013, 1014, 3000, 3999, 4000, 4999])(
  'takes close code %d',
  (code) => {
    const reason = Buffer.from('wegen Überfüllung ✓');
    const frame = masked({ opcode: 8, payload: closeWith(code, reason) });
    expect(parsed([frame]).seen).toEqual([{ kind: 'close', code, reason: reason.toString() }]);
  },
);

it('takes a close without a code, and nothing after it', () => {
  const close = masked({ opcode: 8 });
  expect(parsed([Buffer.concat([close, close])]).seen).toEqual([{ kind: 'close', code: 1005, reason: '' }]);
});

const mask = fc.array(fc.nat(255), { minLength: 4, maxLength: 4 });
const payload = fc.oneof(
  fc.uint8Array({ maxLength: 20 }),
  fc.constantFrom(63, 64, 65, 125, 126, 127, 1000, 65_535, 65_536).map((length) => Buffer.alloc(length, length & 255)),
);
/** A message in any number of frames, with control frames between them. */
const message = fc.record({
  parts: fc.array(payload, { minLength: 1, maxLength: 4 }),
  between: fc.array(fc.record({ opcode: fc.constantFrom(9, 10), payload: fc.uint8Array({ maxLength: 125 }) }), {
    maxLength: 2,
  }),
  mask,
});

it('reads what was sent, at any cut', () => {
  fc.assert(
    fc.property(
      fc.array(message, { maxLength: 5 }),
      fc.array(fc.integer({ min: 1, max: 70_000 }), { minLength: 1, maxLength: 6 }),
      (messages, sizes) => {
        const expected: Seen[] = [];
        const frames: Buffer[] = [];
        for (const { parts, between, mask: key } of messages) {
          parts.forEach((part, index) => {
            const fin = index === parts.length - 1;
            frames.push(frameBytes({ opcode: index === 0 ? 2 : 0, fin, payload: part, mask: key }));
            if (fin) return;
            for (const control of between) {
              frames.push(frameBytes({ ...control, mask: key }));
              const kind = control.opcode === 9 ? 'ping' : 'pong';
              expected.push({ kind, payload: Buffer.from(control.payload).toString('hex') });
            }
          });
          expected.push({ kind: 'message', opcode: 2, bytes: Buffer.concat(parts).toString('hex') });
        }
        const bytes = Buffer.concat(frames);
        expect(parsed(cutInto(sizes, bytes))).toEqual({ seen: expected, rest: '' });
        expect(parsed([bytes])).toEqual({ seen: expected, rest: '' });
      },
    ),
    { numRuns: 300 },
  );
});
