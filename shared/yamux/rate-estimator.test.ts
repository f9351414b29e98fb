import { describe, expect, it } from 'vitest';
import {
  type Acknowledgement,
  type RateEstimate,
  unknownRate,
  withAcknowledgement,
  withUnderuse,
} from './rate-estimator.ts';

/** Acknowledgements of `rate` bytes a millisecond, one each `stepMs`, for `ms`. */
class Acks {
  now = 0;
  estimate: RateEstimate = unknownRate;

  go(ms: number, rate: number, change: Partial<Acknowledgement> & { stepMs?: number } = {}): RateEstimate {
    const { stepMs = 1, minRttMs = 5, underused = false, probing = false } = change;
    for (const end = this.now + ms; this.now < end;) {
      this.now += stepMs;
      const ackedBytes = this.estimate.ackedBytes + rate * stepMs;
      this.estimate = withAcknowledgement(this.estimate, { now: this.now, ackedBytes, minRttMs, underused, probing });
    }
    return this.estimate;
  }
}

describe('the rate of acknowledgements', () => {
  it('is what came in a round of 10 ms, or of the round trip where that is longer', () => {
    const short = new Acks();
    expect(short.go(10, 1_000).rate).toBe(0);
    expect(short.go(1, 1_000).rate).toBe(1_000);
    const long = new Acks();
    expect(long.go(40, 1_000, { minRttMs: 40 }).rate).toBe(0);
    expect(long.go(1, 1_000, { minRttMs: 40 }).rate).toBe(1_000);
  });

  it('is that of the path when answers come in bunches', () => {
    let estimate = unknownRate;
    // 20 answers within 0.02 ms, then none for 10 ms: 1 GB/s from one to the next, 20 MB/s in all.
    for (let answer = 0; answer < 400; answer++) {
      const now = Math.floor(answer / 20) * 10 + (answer % 20) * 0.001;
      const ackedBytes = (answer + 1) * 10_000;
      estimate = withAcknowledgement(estimate, { now, ackedBytes, minRttMs: 1, underused: false, probing: false });
      expect(estimate.rate).toBeLessThan(1.05 * 20_000);
    }
    expect(estimate.rate).toBeGreaterThan(0.95 * 20_000);
  });

  it('is being found until three rounds bring no growth of a quarter', () => {
    const acks = new Acks();
    acks.go(1, 1_000);
    for (const rate of [1_000, 1_260, 1_600, 2_010]) expect(acks.go(10, rate).starting).toBe(true);
    expect(acks.go(20, 2_400).starting).toBe(true);
    expect(acks.go(10, 2_400)).toMatchObject({ starting: false, flatRounds: 3 });
  });

  it('is found in rounds of one round trip, and watched in rounds of three', () => {
    const acks = new Acks();
    acks.go(201, 1_000, { minRttMs: 40 });
    expect(acks.estimate).toMatchObject({ starting: false });
    const { length } = acks.estimate.rounds;
    acks.go(119, 1_000, { minRttMs: 40 });
    const between = acks.estimate.rounds.length;
    acks.go(120, 1_000, { minRttMs: 40 });
    expect([between - length, acks.estimate.rounds.length - between]).toEqual([1, 1]);
  });

  it('is the best of a second, and of four rounds where those take longer', () => {
    const acks = new Acks();
    acks.go(300, 1_000);
    expect(acks.go(900, 500).rate).toBe(1_000);
    expect(acks.go(200, 500).rate).toBe(500);
    const slow = new Acks();
    slow.go(5_000, 1_000, { minRttMs: 200 });
    expect(slow.go(1_800, 500, { minRttMs: 200 }).rate).toBe(1_000);
    expect(slow.go(1_400, 500, { minRttMs: 200 }).rate).toBe(500);
  });

  it('takes nothing from rounds in which a probe held the sender back', () => {
    const acks = new Acks();
    const { rounds, rate } = acks.go(301, 1_000);
    acks.go(5, 1_000);
    acks.go(100, 100, { probing: true });
    acks.go(5, 3_000);
    expect(acks.estimate).toMatchObject({ rate, rounds, ackedBytes: 301_000 + 5_000 + 10_000 + 15_000 });
    expect(acks.go(40, 1_500).rate).toBe(1_500);
  });

  it('takes nothing from a round that a probe has only begun or ended in', () => {
    const acks = new Acks();
    acks.go(301, 1_000);
    // Each ends one round and begins the next, to which its bytes count.
    acks.go(20, 5_000, { stepMs: 20 });
    expect(acks.go(20, 5_000, { stepMs: 20, probing: true }).rate).toBe(1_000);
    expect(acks.go(20, 1_000, { stepMs: 20 }).rate).toBe(1_000);
    expect(acks.go(20, 1_000, { stepMs: 20 }).rate).toBe(1_000);
  });

  it('takes rounds in which the sender had little to send only when they are faster', () => {
    const acks = new Acks();
    acks.go(301, 1_000);
    expect(acks.go(5_000, 100, { underused: true })).toMatchObject({ rate: 1_000 });
    expect(acks.go(40, 1_500, { underused: true }).rate).toBe(1_500);
  });

  it('learns of little to send also between two acknowledgements', () => {
    expect(withUnderuse(unknownRate)).toBe(unknownRate);
    const acks = new Acks();
    acks.go(301, 1_000);
    const { rounds } = acks.estimate;
    for (let round = 0; round < 200; round++) {
      acks.estimate = withUnderuse(acks.estimate);
      expect(withUnderuse(acks.estimate)).toBe(acks.estimate);
      acks.go(15, 100);
    }
    expect(acks.estimate).toMatchObject({ rate: 1_000, rounds });
  });

  it('allows more in flight when answers come late and all at once', () => {
    const acks = new Acks();
    acks.go(1_001, 100_000, { minRttMs: 0.1 });
    expect(acks.estimate.late.bytes).toBe(0);
    // The process gets its processor each 12 ms: what it acknowledges then is beyond the rate of before.
    acks.go(48, 100_000, { minRttMs: 0.1, stepMs: 12 });
    expect(acks.estimate.late.bytes).toBeGreaterThan(0.9 * (12 - 4) * 100_000);
    expect(acks.estimate.late.bytes).toBeLessThan(12 * 100_000);
  });
});
