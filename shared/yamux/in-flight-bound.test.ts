import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { flightPlan, type Path } from './in-flight-bound.ts';

const KIB = 1024;
const MIB = 1024 * KIB;

/** 100 Mbit/s at 40 ms, known for long. */
const steady: Path = { rate: 12_500, minRttMs: 40, lateBytes: 0, starting: false, probing: false };
const plan = (change: Partial<Path>) => flightPlan({ ...steady, ...change });

describe('the bound of what is in flight', () => {
  it('begins at 256 KiB, a mark and a little, as long as nothing is known', () => {
    expect(plan({ rate: 0, minRttMs: 0, starting: true })).toEqual({ boundBytes: 296 * KIB, markBytes: 32 * KIB });
  });

  it('is the path and a quarter, two and a half paths while starting, and what was sent since the last mark', () => {
    const turn = 0.25 * 12_500;
    for (const [starting, gain] of [
      [false, 1.25],
      [true, 2.5],
    ] as const) {
      const { boundBytes, markBytes } = plan({ starting });
      expect(markBytes).toBe(Math.floor((12_500 * 40 * gain + turn) / 8));
      expect(boundBytes).toBe(12_500 * 40 * gain + turn + markBytes + 8 * KIB);
    }
  });

  it('is larger by what late answers need', () => {
    const more = plan({ lateBytes: MIB });
    expect(more.boundBytes - more.markBytes - (plan({}).boundBytes - plan({}).markBytes)).toBe(MIB);
  });

  it('holds 5 ms of what the peer takes where the round trip is shorter, and 512 KiB of it at most', () => {
    const held = (rate: number): number => {
      const { boundBytes, markBytes } = plan({ rate, minRttMs: 0.1 });
      return boundBytes - markBytes - 8 * KIB;
    };
    expect(held(20_000)).toBe(100_000);
    expect(held(1_000_000)).toBe(512 * KIB);
  });

  it('is never less than 32 KiB, a mark and a little, and never more than 64 MiB', () => {
    expect(plan({ rate: 10, minRttMs: 1 })).toEqual({ boundBytes: 44 * KIB, markBytes: 4 * KIB });
    expect(plan({ rate: 1e6, minRttMs: 1_000 })).toEqual({ boundBytes: 64 * MIB, markBytes: 256 * KIB });
  });

  it('marks ten thousand times a second at most, where that is no more than 256 KiB', () => {
    expect(plan({ rate: 2_000_000, minRttMs: 0.05 }).markBytes).toBe(0.06 * 2_000_000);
    expect(plan({ rate: 10_000_000, minRttMs: 0.05 }).markBytes).toBe(256 * KIB);
  });
});

describe('the bound of a probe', () => {
  it('is 16 KiB where half of the path is less: a narrow way still moves, and its queue is empty soon', () => {
    const narrow = { minRttMs: 10, probing: true };
    for (const rate of [0, 1, 1_250, (32 * KIB) / 10]) {
      expect(plan({ ...narrow, rate })).toEqual({ boundBytes: 16 * KIB, markBytes: 4 * KIB });
    }
    expect(plan({ ...narrow, rate: 3_300 }).boundBytes).toBe(16_500);
  });

  it('is half of the path, whatever else would be allowed, so that the queue drains', () => {
    for (const starting of [false, true]) {
      const { boundBytes, markBytes } = plan({ probing: true, starting, lateBytes: 2 * MIB });
      expect([boundBytes, markBytes]).toEqual([250_000, 31_250]);
    }
    expect(plan({ probing: true, rate: 1e6, minRttMs: 1_000 })).toEqual({
      boundBytes: 64 * MIB,
      markBytes: 256 * KIB,
    });
  });
});

it('on any path the bound holds a mark, so that what is sent is acknowledged', () => {
  const path = fc.record({
    rate: fc.double({ min: 0, max: 1e8, noNaN: true }),
    minRttMs: fc.double({ min: 0, max: 1e5, noNaN: true }),
    lateBytes: fc.nat(2 * MIB),
    starting: fc.boolean(),
    probing: fc.boolean(),
  });
  fc.assert(
    fc.property(path, (one) => {
      const { boundBytes, markBytes } = flightPlan(one);
      expect(Number.isInteger(boundBytes) && Number.isInteger(markBytes)).toBe(true);
      expect(markBytes).toBeGreaterThanOrEqual(4 * KIB);
      expect(boundBytes).toBeGreaterThanOrEqual(4 * markBytes);
      expect(boundBytes).toBeLessThanOrEqual(64 * MIB);
    }),
  );
});
