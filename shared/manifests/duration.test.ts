import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { durationMs, parseDuration, periodWords } from './duration.ts';
import { durationText } from './openapi-duration.ts';

describe('Go durations', () => {
  it.each([
    ['1s', 1_000_000_000n], ['1h30m', 5_400_000_000_000n], ['1.5s', 1_500_000_000n], ['-2ms', -2_000_000n], ['+1s', 1_000_000_000n],
    ['0', 0n], ['.5s', 500_000_000n], ['1.s', 1_000_000_000n], ['1µs', 1_000n], ['9999h', 35_996_400_000_000_000n],
  ] as const)('%s', (text, ns) => {
    expect(parseDuration(text)).toBe(ns);
  }); // prettier-ignore

  it.each(['', '1', 's', '1d', '1 s', '.s', '1s ', '1h30', 'x', '--1s', '9999999h', '1'.repeat(100)])(
    'refuses %j',
    (text) => {
      expect(parseDuration(text)).toBeUndefined();
    },
  );

  it('adds up its parts', () => {
    const part = fc.tuple(
      fc.nat(1_000),
      fc.constantFrom(['h', 3_600_000] as const, ['m', 60_000] as const, ['s', 1_000] as const, ['ms', 1] as const),
    );
    fc.assert(
      fc.property(fc.array(part, { minLength: 1, maxLength: 4 }), (parts) => {
        const ms = parts.reduce((sum, [count, [, unit]]) => sum + count * unit, 0);
        const text = parts.map(([count, [unit]]) => `${count}${unit}`).join('');
        expect(durationMs(text)).toBe(ms === 0 ? undefined : ms);
      }),
    );
  });

  it('never throws', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        expect(['bigint', 'undefined']).toContain(typeof parseDuration(text));
      }),
    );
  });
});

describe('durations in words', () => {
  it.each([['3 days', '72h'], ['1 week', '168h'], ['5 min', '5m'], ['2hours', '2h'], ['7 ms', '7ms'], ['1h', '1h']])('%s', (text, go) => {
    expect(durationText(text)).toBe(go);
  }); // prettier-ignore
  it.each([[1_000, 's'], [10_000, '10 s'], [86_400_000, 'day'], [172_800_000, '2 days'], [60_000, 'min'], [1_500, '1500 ms']])('%d ms', (ms, words) => {
    expect(periodWords(ms)).toBe(words);
  }); // prettier-ignore
});
