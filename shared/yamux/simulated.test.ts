import { describe, expect, it } from 'vitest';
import { OWN_PEER_SHARE_BYTES } from './limits.ts';
import { EchoAndBulk } from './testing/echo-and-bulk.ts';
import { ManualClock } from './testing/manual-clock.ts';

const MBIT = 125;
const MIB = 1024 * 1024;
const KERNEL_BYTES = 4 * MIB;

describe('bulk and small messages in one session, over a simulated link', () => {
  for (const { rttMs, mbit, streams } of [
    { rttMs: 40, mbit: 10, streams: 1 },
    { rttMs: 40, mbit: 10, streams: 32 },
    { rttMs: 40, mbit: 100, streams: 1 },
    { rttMs: 40, mbit: 100, streams: 32 },
    { rttMs: 10, mbit: 100, streams: 32 },
    { rttMs: 100, mbit: 100, streams: 1 },
  ]) {
    it(`fills ${mbit} Mbit/s at ${rttMs} ms with ${streams}, and small messages take two round trips`, async () => {
      const clock = new ManualClock();
      const rate = mbit * MBIT;
      const segmentBytes = mbit > 10 ? 8 * 1024 : 1448;
      const run = new EchoAndBulk(clock, { rate, delayMs: rttMs / 2, kernelBytes: KERNEL_BYTES, segmentBytes });
      run.startEcho();
      for (let count = 0; count < streams; count++) run.startBulk();
      await clock.run(3_000);
      run.forget();
      await clock.run(4_000);
      expect(run.bulkBytes / (rate * 4_000)).toBeGreaterThan(0.9);
      expect(run.medianMs).toBeLessThanOrEqual(2 * rttMs);
      run.end();
    });
  }

  it.each([20, 48, 64])('answers small messages at once beside 1,000 that pass on pieces of %i KiB', async (kib) => {
    const clock = new ManualClock();
    const limits = { maxUnacknowledged: 2_000, acceptBacklog: 2_000, untakenShareBytes: OWN_PEER_SHARE_BYTES };
    const rate = 50_000;
    const path = { rate, delayMs: 0.5, kernelBytes: KERNEL_BYTES, segmentBytes: 32 * 1024 };
    const run = new EchoAndBulk(clock, path, { limits });
    for (let count = 0; count < 1_000; count++) run.startPassedOn(kib * 1024, 0.3);
    run.startEcho();
    await clock.run(3_000);
    expect(run.bulkBytes / (rate * 3_000)).toBeGreaterThan(0.9);
    // The first ones included: a round of 1,000 streams takes 1,300 ms here.
    expect(Math.max(...run.delaysMs)).toBeLessThan(30);
    run.end();
  });

  it('fills 100 ms with one stream as far as the largest window allows', async () => {
    const clock = new ManualClock();
    const rate = 150_000;
    const run = new EchoAndBulk(clock, { rate, delayMs: 50, kernelBytes: 64 * MIB, segmentBytes: 32 * 1024 });
    run.startBulk();
    await clock.run(2_500);
    run.forget();
    await clock.run(1_000);
    // A window of 16 MiB per round trip, of which 1 MiB may be on its way back as credit.
    const windowLimit = (15 * MIB) / 100;
    expect(run.bulkBytes / 1_000).toBeGreaterThan(0.9 * Math.min(rate, windowLimit));
    run.end();
  });

  it('keeps the link busy and small messages prompt when segments are lost', async () => {
    const clock = new ManualClock();
    const rate = 10 * MBIT;
    const path = {
      rate,
      delayMs: 20,
      kernelBytes: KERNEL_BYTES,
      segmentBytes: 1448,
      isLost: (segment: number) => segment % 97 === 96,
    };
    const run = new EchoAndBulk(clock, path);
    run.startEcho();
    for (let count = 0; count < 4; count++) run.startBulk();
    await clock.run(3_000);
    run.forget();
    await clock.run(4_000);
    expect(run.bulkBytes / (rate * 4_000)).toBeGreaterThan(0.85);
    expect(run.medianMs).toBeLessThanOrEqual(120);
    run.end();
  });

  it('finds a path that became longer, and one that became shorter again', async () => {
    const clock = new ManualClock();
    const rate = 100 * MBIT;
    const run = new EchoAndBulk(clock, { rate, delayMs: 5, kernelBytes: KERNEL_BYTES, segmentBytes: 8 * 1024 });
    run.startEcho();
    run.startBulk();
    await clock.run(2_000);
    const both = [run.link, run.link.peer];
    for (const end of both) if (end) end.path = { ...end.path, delayMs: 50 };
    await clock.run(8_000);
    run.forget();
    await clock.run(2_000);
    expect(run.bulkBytes / (rate * 2_000)).toBeGreaterThan(0.9);
    expect(run.medianMs).toBeLessThanOrEqual(200);
    for (const end of both) if (end) end.path = { ...end.path, delayMs: 5 };
    // What is in flight was right for the long path, and only a probe shows that it now waits in the queue.
    await clock.run(11_000);
    run.forget();
    await clock.run(2_000);
    expect(run.bulkBytes / (rate * 2_000)).toBeGreaterThan(0.9);
    expect(run.medianMs).toBeLessThanOrEqual(30);
    run.end();
  });

  it.each([
    [0, 20, 75],
    [20, 60, 75],
    [0, 100, 20],
  ])('goes on when a process gets its processor only after %i to %i ms, at %i MB/s', async (least, most, expected) => {
    const clock = new ManualClock();
    const path = { rate: 200_000, delayMs: 0.05, kernelBytes: KERNEL_BYTES, segmentBytes: 64 * 1024 };
    const run = new EchoAndBulk(clock, { ...path, runsAt: turns(least, most) });
    run.startEcho();
    for (let count = 0; count < 20; count++) run.startBulk();
    await clock.run(2_000);
    run.forget();
    await clock.run(3_000);
    // The rate once fell from round to round, to 8 to 20 MB/s.
    expect(run.bulkBytes / 3_000).toBeGreaterThan(expected * 1_000);
    // A small message takes two to three turns of each side, as it would alone.
    expect(run.medianMs).toBeLessThan(2 * (least + most));
    run.end();
  });

  it('keeps small messages prompt on a narrow link also when processes get their processor late', async () => {
    const clock = new ManualClock();
    const rate = 10 * MBIT;
    const path = { rate, delayMs: 20, kernelBytes: KERNEL_BYTES, segmentBytes: 1448 };
    const run = new EchoAndBulk(clock, { ...path, runsAt: turns(0, 20) });
    run.startEcho();
    for (let count = 0; count < 8; count++) run.startBulk();
    await clock.run(3_000);
    run.forget();
    await clock.run(6_000);
    expect(run.bulkBytes / (rate * 6_000)).toBeGreaterThan(0.85);
    expect(run.medianMs).toBeLessThanOrEqual(2 * 40 + 10);
    run.end();
  });

  it('does not creep: the bound after a minute is that of the first seconds', async () => {
    const clock = new ManualClock();
    const run = new EchoAndBulk(clock, { rate: 10 * MBIT, delayMs: 20, kernelBytes: KERNEL_BYTES, segmentBytes: 1448 });
    for (let count = 0; count < 8; count++) run.startBulk();
    await clock.run(5_000);
    const { boundBytes } = run.left.stats();
    await clock.run(55_000);
    expect(run.left.stats().boundBytes).toBeLessThan(1.25 * boundBytes);
    run.end();
  });

  it('gives a slow consumer a small window and a fast one a large one', async () => {
    const waiting: number[] = [];
    for (const consumerRate of [2_000, Infinity]) {
      const clock = new ManualClock();
      const run = new EchoAndBulk(clock, {
        rate: 100_000,
        delayMs: 50,
        kernelBytes: 64 * MIB,
        segmentBytes: 32 * 1024,
      });
      run.consumerRate = consumerRate;
      const stream = run.startBulk();
      await clock.run(4_000);
      run.forget();
      await clock.run(1_000);
      waiting.push(run.right.stats().bufferedBytes);
      expect(run.bulkBytes / 1_000).toBeGreaterThan(0.9 * Math.min(consumerRate, 100_000));
      stream.reset();
      run.end();
    }
    expect(waiting[0]).toBeLessThan(1.5 * MIB);
  });
});

/** When a process runs that waits for its processor for `least` to `most` ms, again and again. */
function turns(least: number, most: number): (now: number) => number {
  const all = [0];
  let state = 1;
  let last = 0;
  return (now) => {
    while (last < now) {
      state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
      last += least + (state / 2 ** 32) * (most - least) + 0.01;
      all.push(last);
    }
    // Both directions ask, and each for bytes that arrive some time from now.
    return all.findLast((turn, at) => turn >= now && (all[at - 1] ?? -1) < now) ?? now;
  };
}
