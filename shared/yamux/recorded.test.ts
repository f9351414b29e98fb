import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { flightPlan } from './in-flight-bound.ts';
import { type MinRtt, unknownRtt, withDrained, withSample } from './min-rtt.ts';
import { type RateEstimate, unknownRate, withAcknowledgement } from './rate-estimator.ts';

interface Trace {
  readonly way: { readonly rttMs: number; readonly mbit: number };
  readonly columns: readonly string[];
  readonly samples: readonly (readonly number[])[];
}

/** Made by `bench/tunnel/record-trace.ts`. */
function readTrace(name: string): Trace {
  return JSON.parse(readFileSync(join(import.meta.dirname, 'testing', 'traces', `${name}.json`), 'utf8'));
}

interface Replayed {
  readonly estimate: RateEstimate;
  readonly rtt: MinRtt;
  readonly rates: readonly number[];
}

/** Feeds the samples of a trace to the estimators, as the session that recorded it did. */
function replay(trace: Trace): Replayed {
  let estimate = unknownRate;
  let rtt = unknownRtt;
  const rates: number[] = [];
  const at = (row: readonly number[], name: string): number => row[trace.columns.indexOf(name)] ?? Number.NaN;
  for (const row of trace.samples) {
    const now = at(row, 'now');
    const rttMs = at(row, 'rttMs');
    const ackedBytes = at(row, 'ackedBytes');
    const probing = rtt.probe !== undefined;
    const [quiet, disturbed] = [at(row, 'quiet') === 1, at(row, 'disturbed') === 1];
    rtt = withSample(rtt, { rttMs, sentAt: now - rttMs, now, quiet, disturbed });
    if (ackedBytes > estimate.ackedBytes) {
      const underused = at(row, 'underused') === 1;
      estimate = withAcknowledgement(estimate, { now, ackedBytes, minRttMs: rtt.minMs, underused, probing });
    }
    if (at(row, 'phase') === 2) rtt = withDrained(rtt, now);
    rates.push(estimate.rate);
  }
  return { estimate, rtt, rates };
}

function boundOf({ rate, late }: RateEstimate, rtt: MinRtt): number {
  return flightPlan({ rate, lateBytes: late.bytes, minRttMs: rtt.minMs, starting: false, probing: false }).boundBytes;
}

describe('the estimators on recorded traces', () => {
  for (const name of ['40ms-10mbit', '40ms-100mbit', '100ms-100mbit', 'tls-40ms-10mbit']) {
    it(`find bandwidth and round trip of ${name}, and a bound of about their product`, () => {
      const trace = readTrace(name);
      const { estimate, rtt } = replay(trace);
      const rate = trace.way.mbit * 125;
      expect(estimate.rate).toBeGreaterThan(0.85 * rate);
      expect(estimate.rate).toBeLessThan(1.3 * rate);
      expect(rtt.minMs).toBeGreaterThanOrEqual(trace.way.rttMs);
      expect(rtt.minMs).toBeLessThan(1.25 * trace.way.rttMs);
      expect(estimate.starting).toBe(false);
      const boundBytes = boundOf(estimate, rtt);
      expect(boundBytes).toBeGreaterThan(rate * trace.way.rttMs);
      expect(boundBytes).toBeLessThan(2 * rate * trace.way.rttMs + 32 * 1024);
    });
  }

  it.each(['loopback', 'tls-loopback'])('take bunched answers on %s for no more than the machine can do', (name) => {
    const { rates, rtt } = replay(readTrace(name));
    // 10 GB/s: time between two answers of a bunch would have told twice to ten times that.
    expect(Math.max(...rates)).toBeLessThan(10_000_000);
    expect(rtt.minMs).toBeLessThan(5);
  });
});
