import { describe, expect, it } from 'vitest';
import { type ConsumerRate, idleConsumer, isWorthAnUpdate, receiveTarget, withConsumed } from './receive-window.ts';

const KIB = 1024;
const MIB = 1024 * KIB;

/** Takes `rate` bytes a millisecond, each millisecond, for `ms` after the state began to count. */
function consume(state: ConsumerRate, ms: number, rate: number, minRttMs = 1): ConsumerRate {
  let last = state;
  const begin = state.startedAt;
  for (let now = 1; now <= ms; now++) last = withConsumed(last, rate, begin + now, minRttMs);
  return last;
}

describe('how fast a consumer takes its bytes', () => {
  it('is told by rounds of 10 ms, or of a round trip where that is longer', () => {
    expect(consume(idleConsumer(500), 9, 1_000)).toMatchObject({ rate: 0, bytes: 9_000 });
    expect(consume(idleConsumer(500), 10, 1_000)).toMatchObject({ rate: 1_000, bytes: 0, startedAt: 510 });
    expect(consume(idleConsumer(500), 39, 1_000, 40).rate).toBe(0);
    expect(consume(idleConsumer(500), 40, 1_000, 40).rate).toBe(1_000);
  });

  it('is the best of eight rounds', () => {
    const fast = consume(idleConsumer(0), 10, 5_000);
    expect(consume(fast, 70, 1_000).rate).toBe(5_000);
    expect(consume(fast, 80, 1_000).rate).toBe(1_000);
  });

  it('is being found until three rounds bring no growth of a quarter', () => {
    let state = idleConsumer(0);
    for (const rate of [1_000, 1_250, 1_500, 1_563]) state = consume(state, 10, rate);
    expect(state).toMatchObject({ starting: true, flatRounds: 0 });
    state = consume(state, 20, 1_600);
    expect(state).toMatchObject({ starting: true, flatRounds: 2 });
    state = consume(state, 10, 1_600);
    expect(state.starting).toBe(false);
    expect(consume(state, 10, 100_000).starting).toBe(false);
  });
});

describe('the window that a consumer deserves', () => {
  const steady: ConsumerRate = { ...idleConsumer(0), rate: 12_000, starting: false };

  it('holds two round trips, two and a half while starting, and the quarter that is not told', () => {
    expect(receiveTarget(steady, 40, 16 * MIB, 0)).toBe(Math.ceil((12_000 * 80.1) / 0.75));
    expect(receiveTarget({ ...steady, starting: true }, 40, 16 * MIB, 0)).toBe(Math.ceil((12_000 * 100.1) / 0.75));
  });

  it('is small for a slow consumer, and large for a fast one as far as memory allows', () => {
    expect(receiveTarget({ ...steady, rate: 10 }, 40, 16 * MIB, 512 * KIB)).toBe(512 * KIB);
    expect(receiveTarget({ ...steady, rate: 1e6 }, 40, 16 * MIB, 512 * KIB)).toBe(16 * MIB);
    expect(receiveTarget(idleConsumer(0), 0, 256 * KIB, 512 * KIB)).toBe(256 * KIB);
  });

  it('is told of when a quarter of it is free, or 1 MiB', () => {
    expect([isWorthAnUpdate(64 * KIB - 1, 256 * KIB), isWorthAnUpdate(64 * KIB, 256 * KIB)]).toEqual([false, true]);
    expect([isWorthAnUpdate(MIB - 1, 16 * MIB), isWorthAnUpdate(MIB, 16 * MIB)]).toEqual([false, true]);
  });
});
