import { describe, expect, it } from 'vitest';
import { FlightControl, type FlightSample } from './flight-control.ts';
import { EchoAndBulk } from './testing/echo-and-bulk.ts';
import { ManualClock } from './testing/manual-clock.ts';

const KIB = 1024;
const MIB = 1024 * KIB;

/** What one answer after 40 ms is taken for, when meanwhile the peer sent so much and asked so often. */
function answerBeside({ sent = 0, received = 0, pings = 0 }): FlightSample | undefined {
  const clock = new ManualClock();
  const samples: FlightSample[] = [];
  const control = new FlightControl(
    clock,
    () => {},
    (sample) => samples.push(sample),
  );
  control.sent(sent);
  const mark = control.mark();
  control.received(received);
  for (let ping = 0; ping < pings; ping++) control.receivedPing();
  clock.advance(40);
  expect(control.answered(mark)).toBe(true);
  return samples[0];
}

describe('the answer to a ping', () => {
  it.each([
    // No bulk is no queue.
    { received: 64 * KIB, pings: 0, disturbed: false },
    { received: 64 * KIB + 1, pings: 0, disturbed: true },
    // Whoever marks his bulk bounds it.
    { received: 64 * KIB + 1, pings: 1, disturbed: false },
    { received: 512 * KIB, pings: 1, disturbed: false },
    { received: MIB, pings: 1, disturbed: true },
    { received: MIB, pings: 2, disturbed: false },
    { received: 16 * MIB, pings: 2, disturbed: true },
  ])('beside $received B and $pings pings of the peer is its queue: $disturbed', ({ disturbed, ...beside }) => {
    expect(answerBeside(beside)).toMatchObject({ disturbed, rttMs: 40 });
  });

  it.each([
    { sent: 16 * KIB, received: 64 * KIB, quiet: true },
    { sent: 16 * KIB + 1, received: 0, quiet: false },
    { sent: 0, received: 64 * KIB + 1, quiet: false },
  ])('behind $sent B and beside $received B is the path itself: $quiet', ({ quiet, ...beside }) => {
    expect(answerBeside(beside)).toMatchObject({ quiet });
  });

  it('acknowledges all that was sent before, in whatever order answers come, and once', () => {
    const control = new FlightControl(new ManualClock(), () => {});
    control.sent(1_000);
    const first = control.mark();
    control.sent(2_000);
    const second = control.mark();
    control.sent(4_000);
    expect(control.answered(second)).toBe(true);
    expect(control.inFlightBytes).toBe(4_000);
    expect([control.answered(first), control.answered(second), control.inFlightBytes]).toEqual([true, false, 4_000]);
  });
});

it('lets 16 KiB be in flight during a probe of a narrow way', async () => {
  const clock = new ManualClock();
  const bounds = new Set<number>();
  const path = { rate: 1_250, delayMs: 5, kernelBytes: 4 * MIB, segmentBytes: 1_448 };
  const observe = ({ phase, boundBytes }: FlightSample): void => {
    if (phase > 0) bounds.add(boundBytes);
  };
  const run = new EchoAndBulk(clock, path, { observe });
  run.startBulk();
  await clock.run(3_000);
  expect([...bounds]).toEqual([16 * KIB]);
  expect(run.left.stats().boundBytes).toBeGreaterThan(32 * KIB);
  run.end();
});
