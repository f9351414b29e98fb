import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { readTraceContext, readTraceParent, readTraceState, writeTraceParent } from './trace-context.ts';

const TRACE = '0af7651916cd43dd8448eb211c80319c';
const SPAN = 'b7ad6b7169203331';

const hex = (length: number): fc.Arbitrary<string> =>
  fc
    .array(fc.constantFrom(...'0123456789abcdef'.split('')), { minLength: length, maxLength: length })
    .map((digits) => digits.join(''))
    .filter((digits) => /[^0]/.test(digits));

describe('traceparent', () => {
  test.each([
    ['00', '01', true, false],
    ['00', '00', false, false],
    ['00', '02', false, true],
    ['00', 'ff', true, true],
    ['cc', '01', true, false],
  ])('version %s with flags %s is gone on with', (version, flags, sampled, random) => {
    expect(readTraceParent([`${version}-${TRACE}-${SPAN}-${flags}`])).toEqual({
      traceId: TRACE,
      spanId: SPAN,
      sampled,
      random,
    });
  });

  test('what a later version adds is passed over', () => {
    expect(readTraceParent([`cc-${TRACE}-${SPAN}-01-what-the-future-will-be-like`])?.sampled).toBe(true);
  });

  test.each([
    ['nothing', []],
    ['an empty value', ['']],
    ['two of them', [`00-${TRACE}-${SPAN}-01`, `00-${TRACE}-${SPAN}-01`]],
    ['version ff', [`ff-${TRACE}-${SPAN}-01`]],
    ['version 00 with more', [`00-${TRACE}-${SPAN}-01-more`]],
    ['more without a dash', [`cc-${TRACE}-${SPAN}-01.more`]],
    ['capitals', [`00-${TRACE.toUpperCase()}-${SPAN}-01`]],
    ['a short trace id', [`00-${TRACE.slice(1)}-${SPAN}-01`]],
    ['a long trace id', [`00-0${TRACE}-${SPAN}-01`]],
    ['a trace id of zeros', [`00-${'0'.repeat(32)}-${SPAN}-01`]],
    ['a span id of zeros', [`00-${TRACE}-${'0'.repeat(16)}-01`]],
    ['no hex', [`00-${TRACE.slice(1)}g-${SPAN}-01`]],
    ['no flags', [`00-${TRACE}-${SPAN}`]],
    ['flags of one digit', [`00-${TRACE}-${SPAN}-1`]],
    ['other dashes', [`00_${TRACE}_${SPAN}_01`]],
    ['a comma-joined pair', [`00-${TRACE}-${SPAN}-01,00-${TRACE}-${SPAN}-01`]],
  ])('%s is nothing to go on with', (_, values) => {
    expect(readTraceParent(values)).toBeUndefined();
  });

  test('whatever is written is read as it was', () => {
    fc.assert(
      fc.property(hex(32), hex(16), fc.boolean(), fc.boolean(), (traceId, spanId, sampled, random) => {
        const parent = { traceId, spanId, sampled, random };
        expect(readTraceParent([writeTraceParent(parent)])).toEqual(parent);
      }),
    );
  });

  test('whatever is read has the form that may be written', () => {
    const pieces = fc.oneof(
      fc.string({ maxLength: 8 }),
      fc.constantFrom('00', 'ff', '-', '01', TRACE, SPAN, '0'.repeat(32)),
    );
    const almost = fc.array(pieces, { maxLength: 9 }).map((parts) => parts.join(''));
    const dashed = fc.array(pieces, { minLength: 3, maxLength: 5 }).map((parts) => parts.join('-'));
    fc.assert(
      fc.property(fc.oneof(almost, dashed, fc.string()), (value) => {
        const parent = readTraceParent([value]);
        if (parent === undefined) return;
        expect(writeTraceParent(parent)).toMatch(/^00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-0[0-3]$/);
        expect(value).toContain(`-${parent.traceId}-${parent.spanId}-`);
      }),
      { numRuns: 2000 },
    );
  });

  test('one digit changed never makes another trace of it', () => {
    const valid = `00-${TRACE}-${SPAN}-01`;
    fc.assert(
      fc.property(fc.nat({ max: valid.length - 1 }), fc.string({ minLength: 1, maxLength: 1 }), (at, character) => {
        const changed = valid.slice(0, at) + character + valid.slice(at + 1);
        const parent = readTraceParent([changed]);
        const digits = /^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$/.test(changed.trim());
        expect(parent !== undefined).toBe(digits && !changed.startsWith('ff'));
      }),
      { numRuns: 2000 },
    );
  });
});

describe('tracestate', () => {
  test.each([
    [['rojo=00f067aa0ba902b7,congo=t61rcWkgMzE'], 'rojo=00f067aa0ba902b7,congo=t61rcWkgMzE'],
    [['a=1', 'b=2'], 'a=1,b=2'],
    [['a=1, ,b=2,\t'], 'a=1,b=2'],
    [['fw529a3039@dt=FfAAAAAF, 1a/b*c-d_e=x'], 'fw529a3039@dt=FfAAAAAF,1a/b*c-d_e=x'],
    [[`k=${'v'.repeat(256)}`], `k=${'v'.repeat(256)}`],
  ])('%j goes on', (values, state) => {
    expect(readTraceState(values)).toBe(state);
  });

  test.each([
    [[]],
    [['']],
    [['no-value']],
    [['=1']],
    [['A=1']],
    [['a=1=2']],
    [['a=ä']],
    [['a=']],
    [['a=1,a=2']],
    [[`${'k'.repeat(257)}=1`]],
    [[`k=${'v'.repeat(257)}`]],
    [[Array.from({ length: 33 }, (_, index) => `k${index}=1`).join(',')]],
  ])('%j does not', (values) => {
    expect(readTraceState(values)).toBeUndefined();
  });

  test('blanks of any number are read in a moment', () => {
    expect(readTraceState([`a=1${' '.repeat(500_000)}b`])).toBeUndefined();
  }, 10_000);

  test('it means nothing without a traceparent to go with', () => {
    expect(readTraceContext([['TraceState', 'a=1']])).toEqual({});
    expect(
      readTraceContext([
        ['Traceparent', 'bad'],
        ['tracestate', 'a=1'],
      ]),
    ).toEqual({});
    expect(
      readTraceContext([
        ['TRACEPARENT', ` 00-${TRACE}-${SPAN}-01 `],
        ['tracestate', 'a=1'],
        ['Tracestate', 'b=2'],
      ]),
    ).toEqual({ parent: { traceId: TRACE, spanId: SPAN, sampled: true, random: false }, state: 'a=1,b=2' });
  });
});
