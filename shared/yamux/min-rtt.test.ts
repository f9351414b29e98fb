import { describe, expect, it } from 'vitest';
import { type MinRtt, type RttSample, unknownRtt, withDrained, withSample } from './min-rtt.ts';

/** A sample beside bulk of ours, as they are while a session is busy. */
function sample(now: number, rttMs: number, change: Partial<RttSample> = {}): RttSample {
  return { now, rttMs, sentAt: now - rttMs, quiet: false, disturbed: false, ...change };
}

/** One sample each 100 ms, from `from` and before `until`. */
function busy(state: MinRtt, from: number, until: number, rttMs: number, change: Partial<RttSample> = {}): MinRtt {
  let last = state;
  for (let now = from; now < until; now += 100) last = withSample(last, sample(now, rttMs, change));
  return last;
}

/** A way of 40 ms, confirmed at 0. */
const known: MinRtt = { ...withSample(unknownRtt, sample(0, 40)), probedAt: 0 };

describe('the least round trip', () => {
  it('is that of the first sample, and of each that is lower', () => {
    const first = withSample(unknownRtt, sample(0, 50));
    expect(first.minMs).toBe(50);
    const lower = withSample(first, sample(10, 41));
    expect([lower.minMs, withSample(lower, sample(20, 49)).minMs]).toEqual([41, 41]);
  });

  it('is confirmed 2 s after the first sample, which is one of processes that have just started', () => {
    const first = withSample(unknownRtt, sample(0, 79));
    expect(busy(first, 100, 2_100, 79).probe).toBeUndefined();
    expect(busy(first, 100, 2_200, 79).probe).toEqual({ phase: 'draining' });
  });

  it('is confirmed without a probe by a sample with nearly nothing on the way', () => {
    const first = withSample(unknownRtt, sample(0, 40));
    const quiet = withSample(first, sample(2_100, 42, { quiet: true }));
    expect(quiet).toMatchObject({ minMs: 40, probe: undefined, probedAt: 2_100 });
    expect(withSample(first, sample(2_100, 60, { quiet: true }))).toMatchObject({ minMs: 60, probe: undefined });
  });

  it('stays while samples come close to it, for however long', () => {
    const near = busy(known, 100, 60_000, 44);
    expect(near).toMatchObject({ minMs: 40, probe: undefined });
    // Its age is that of the last of them.
    expect(busy(near, 60_000, 69_900, 45).probe).toBeUndefined();
  });

  it('is doubted when no sample has come close for 10 s', () => {
    expect(busy(known, 100, 10_100, 45).probe).toBeUndefined();
    expect(busy(known, 100, 10_200, 45).probe).toEqual({ phase: 'draining' });
  });

  it('is doubted sooner when all samples of a second lie above twice it and 5 ms, at most every 2 s', () => {
    expect(busy(known, 1_000, 4_000, 85).probe).toBeUndefined();
    const once = busy(known, 1_000, 2_000, 86);
    expect([once.probe, busy(once, 2_000, 2_100, 86).probe]).toEqual([undefined, { phase: 'draining' }]);
    // One that is lower is enough to say that it is the queue.
    const lower = withSample(busy(known, 1_000, 1_900, 86), sample(1_900, 60));
    expect(busy(lower, 2_000, 3_000, 86).probe).toBeUndefined();
    expect(withSample(once, sample(2_000, 44))).toMatchObject({ raised: true, probe: undefined });
    const justProbed = busy({ ...known, probedAt: 1_500 }, 1_000, 3_500, 86);
    expect([justProbed.probe, busy(justProbed, 3_500, 3_600, 86).probe]).toEqual([undefined, { phase: 'draining' }]);
  });
});

describe('a probe', () => {
  const draining: MinRtt = { ...known, probe: { phase: 'draining' } };
  const measuring = withDrained(draining, 1_000);

  it('measures once what was in flight is gone, and nothing else begins it', () => {
    expect(measuring.probe).toMatchObject({ phase: 'measuring', since: 1_000 });
    expect(withDrained(known, 1_000)).toBe(known);
    expect(withDrained(measuring, 2_000)).toBe(measuring);
    expect(busy(draining, 100, 1_000, 90)).toMatchObject({ minMs: 40, probe: { phase: 'draining' } });
  });

  it('believes what was sent since then, also when that is longer, and nothing from before', () => {
    const before = withSample(measuring, sample(1_030, 70));
    expect(before).toMatchObject({ minMs: 40, probe: { lowestMs: Infinity } });
    expect(withSample(before, sample(1_070, 70))).toMatchObject({ minMs: 70, probe: undefined, probedAt: 1_070 });
  });

  it('takes the lowest sample of a round trip, and of 5 ms on a short way', () => {
    const short = withDrained({ ...draining, minMs: 0.2 }, 1_000);
    const first = withSample(short, sample(1_001, 0.6));
    const second = withSample(first, sample(1_004, 0.4));
    expect([first.probe, second.probe]).toMatchObject([{ lowestMs: 0.6 }, { lowestMs: 0.4 }]);
    expect(withSample(second, sample(1_005, 0.5))).toMatchObject({ minMs: 0.4, probe: undefined });
  });

  it('ends with the first sample that nearly nothing was on the way of', () => {
    const short = withDrained({ ...draining, minMs: 0.2 }, 1_000);
    expect(withSample(short, sample(1_001, 0.6, { quiet: true }))).toMatchObject({ minMs: 0.6, probe: undefined });
  });

  it('is followed by a new second of samples and a new age', () => {
    const raised: MinRtt = { ...measuring, raised: true, secondAt: 1_000, secondMs: 90 };
    const after = withSample(raised, sample(1_090, 90));
    expect(after).toMatchObject({ minMs: 90, raised: false, seenAt: 1_090 });
    expect(busy(after, 1_100, 11_000, 100).probe).toBeUndefined();
  });
});

describe('a sample that may be the queue of a peer without bounds', () => {
  const disturbed = { disturbed: true };

  it('can lower the minimum, and never raise it or begin a probe', () => {
    expect(withSample(known, sample(100, 30, disturbed)).minMs).toBe(30);
    expect(busy(known, 100, 60_000, 400, disturbed)).toMatchObject({ minMs: 40, probe: undefined });
    const unconfirmed = withSample(unknownRtt, sample(0, 40));
    expect(busy(unconfirmed, 100, 60_000, 400, disturbed)).toMatchObject({ minMs: 40, probe: undefined });
  });

  it('is not what a probe measures', () => {
    const measuring = withDrained({ ...known, probe: { phase: 'draining' } }, 1_000);
    const still = withSample(measuring, sample(1_500, 400, disturbed));
    expect(still).toMatchObject({ minMs: 40, probe: { phase: 'measuring', lowestMs: Infinity } });
    expect(withSample(still, sample(1_600, 50))).toMatchObject({ minMs: 50, probe: undefined });
  });

  it('ends a probe that has seen nothing else for a second, which confirms nothing', () => {
    const measuring = withDrained({ ...known, probe: { phase: 'draining' } }, 1_000);
    const still = busy(measuring, 1_100, 2_000, 400, disturbed);
    expect(still.probe).toMatchObject({ phase: 'measuring' });
    const ended = withSample(still, sample(2_000, 400, disturbed));
    expect(ended).toMatchObject({ minMs: 40, probe: undefined, probedAt: 0, seenAt: 0 });
    // The doubt stays: the first sample that may be believed begins again.
    expect(busy(ended, 2_100, 20_000, 400, disturbed).probe).toBeUndefined();
    expect(withSample(ended, sample(20_000, 400)).probe).toEqual({ phase: 'draining' });
    // On a long way no answer could come within that second.
    const long = { ...measuring, minMs: 700 };
    expect(busy(long, 1_100, 3_800, 900, disturbed).probe).toBeDefined();
    expect(busy(long, 1_100, 3_900, 900, disturbed).probe).toBeUndefined();
  });
});
