import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type LateAnswers, type LateRound, noLateAnswers, withLateRound } from './late-answers.ts';

const KIB = 1024;
/** 100 MB/s over a way of 0.1 ms. */
const RATE = 100_000;
/** What 4 ms bring comes soon; and 8 KiB lie between two marks. */
const SOON_BYTES = 4 * RATE + 8 * KIB;

/** Feeds rounds of 10 ms, the first at `now`. */
function rounds(state: LateAnswers, count: number, round: Partial<LateRound>): LateAnswers {
  const { now = 0, rate = RATE, bunchBytes = SOON_BYTES, minRttMs = 0.1 } = round;
  let last = state;
  for (let at = 0; at < count; at++) last = withLateRound(last, { now: now + 10 * at, rate, bunchBytes, minRttMs });
  return last;
}

describe('what is allowed for answers that come late', () => {
  it('is nothing for bunches of 4 ms, or of half a round trip', () => {
    expect(rounds(noLateAnswers, 20, {}).bytes).toBe(0);
    expect(rounds(noLateAnswers, 20, { minRttMs: 40, bunchBytes: 20 * RATE + 8 * KIB }).bytes).toBe(0);
  });

  it('is at once as much as a bunch had beyond those', () => {
    const bunchBytes = SOON_BYTES + 500_000;
    expect(rounds(noLateAnswers, 1, { bunchBytes })).toMatchObject({
      bytes: 500_000,
      trial: { before: 0, rate: RATE },
    });
    expect(rounds(noLateAnswers, 1, { minRttMs: 40, bunchBytes: 20 * RATE + 8 * KIB + 500_000 }).bytes).toBe(500_000);
  });

  it('is taken back when the rate does not grow by a fifth, and not tried again for a second', () => {
    const bunchBytes = SOON_BYTES + 500_000;
    const tried = rounds(noLateAnswers, 1, { bunchBytes });
    const slow = { bunchBytes, rate: 1.19 * RATE };
    const waiting = rounds(tried, 4, { ...slow, now: 10 });
    expect(waiting.bytes).toBe(500_000);
    const failed = withLateRound(waiting, { ...slow, now: 50, minRttMs: 0.1 });
    expect(failed).toEqual({ bytes: 0, trial: undefined, restsUntil: 1_050 });
    expect(withLateRound(failed, { now: 1_049, rate: RATE, bunchBytes, minRttMs: 0.1 }).bytes).toBe(0);
    expect(withLateRound(failed, { now: 1_050, rate: RATE, bunchBytes, minRttMs: 0.1 }).bytes).toBe(500_000);
  });

  it('is kept when the rate has grown by a fifth, and more is tried from there', () => {
    const tried = rounds(noLateAnswers, 1, { bunchBytes: SOON_BYTES + 500_000 });
    const rate = 1.2 * RATE;
    const soon = 4 * rate + 8 * KIB;
    const kept = rounds(tried, 1, { now: 10, rate, bunchBytes: soon + 450_000 });
    expect(kept).toMatchObject({ bytes: 500_000, trial: undefined });
    // No trial, nothing to take back, however long the rate stays where it is.
    expect(rounds(kept, 50, { now: 20, rate, bunchBytes: soon + 500_000 }).bytes).toBe(500_000);
    const more = rounds(kept, 1, { now: 20, rate, bunchBytes: soon + 900_000 });
    expect(more).toMatchObject({ bytes: 900_000, trial: { before: 500_000, rate } });
    expect(rounds(more, 5, { now: 30, rate, bunchBytes: soon + 900_000 })).toMatchObject({
      bytes: 500_000,
      trial: undefined,
    });
  });

  it('falls to what bunches still ask for when a trial of more brings nothing', () => {
    const trial = { before: 900_000, rate: RATE, rounds: 4 };
    const failing: LateAnswers = { bytes: 1_000_000, trial, restsUntil: 0 };
    expect(rounds(failing, 1, { bunchBytes: SOON_BYTES + 800_000 }).bytes).toBe(800_000);
    expect(rounds(failing, 1, { bunchBytes: SOON_BYTES + 950_000 }).bytes).toBe(900_000);
  });

  it('is given up when bunches become clearly shorter, and not for less', () => {
    const kept: LateAnswers = { bytes: 1_000_000, trial: undefined, restsUntil: 0 };
    expect(rounds(kept, 50, { bunchBytes: SOON_BYTES + 700_000 }).bytes).toBe(1_000_000);
    expect(rounds(kept, 1, { bunchBytes: SOON_BYTES + 699_000 }).bytes).toBe(699_000);
    expect(rounds(kept, 1, {}).bytes).toBe(0);
  });

  it('is 2 MiB at most, and no more than 200 ms bring', () => {
    expect(rounds(noLateAnswers, 1, { bunchBytes: 1e9 }).bytes).toBe(2048 * KIB);
    expect(rounds(noLateAnswers, 1, { rate: 5_000, bunchBytes: 1e9 }).bytes).toBe(196 * 5_000 - 8 * KIB);
  });

  it('stays within its bounds and shrinks to nothing without bunches, whatever came before', () => {
    const round = fc.record({
      now: fc.nat(100_000),
      rate: fc.double({ min: 0, max: 1e7, noNaN: true }),
      bunchBytes: fc.double({ min: 0, max: 1e10, noNaN: true }),
      minRttMs: fc.double({ min: 0, max: 1e4, noNaN: true }),
    });
    fc.assert(
      fc.property(fc.array(round, { maxLength: 40 }), (all) => {
        let state = noLateAnswers;
        for (const one of all.sort((a, b) => a.now - b.now)) {
          state = withLateRound(state, one);
          expect(state.bytes).toBeGreaterThanOrEqual(0);
          expect(state.bytes).toBeLessThanOrEqual(2048 * KIB);
        }
        expect(rounds(state, 5, { now: 200_000, bunchBytes: 0 })).toMatchObject({ bytes: 0, trial: undefined });
      }),
    );
  });
});
