import { describe, expect, it } from 'vitest';
import type { FlightSample } from './flight-control.ts';
import { Session } from './session.ts';
import { ManualClock } from './testing/manual-clock.ts';
import { type LinkEnd, simulatedLink } from './testing/simulated-link.ts';
import { UnboundedPeer } from './testing/unbounded-peer.ts';

const KIB = 1024;
const MIB = 1024 * KIB;
const CHUNK = new Uint8Array(64 * KIB);
const RATE = 1_250;
const RTT_MS = 40;

/** Our session and such a peer over 10 Mbit/s and 40 ms. Both directions are bulk where told so. */
class BesideUnbounded {
  readonly clock = new ManualClock();
  readonly session: Session;
  readonly peer: UnboundedPeer;
  /** The end of the link that is the peer's. */
  readonly far: LinkEnd;
  /** What has arrived of the peer's bulk. */
  receivedBytes = 0;

  constructor(observe: (sample: FlightSample) => void = () => {}) {
    const path = { rate: RATE, delayMs: RTT_MS / 2, kernelBytes: 4 * MIB, segmentBytes: 1_448 };
    const [near, far] = simulatedLink(this.clock, path);
    this.far = far;
    this.session = new Session(near, {
      role: 'client',
      clock: this.clock,
      observe,
      onStream: (stream) =>
        stream.attach({
          onData: (bytes) => {
            this.receivedBytes += bytes.length;
            stream.consumed(bytes.length);
          },
          onEnd: () => {},
          onDrain: () => {},
          onClosed: () => {},
        }),
    });
    this.peer = new UnboundedPeer(far);
  }

  sendBulk(): void {
    const stream = this.session.open();
    const fill = (): void => {
      while (stream.write(CHUNK));
    };
    stream.attach({ onData: () => {}, onEnd: () => {}, onDrain: fill, onClosed: () => {} });
    fill();
  }
}

/**
 * hashicorp/yamux answers a ping behind the bulk that it sends, as far as our windows allow it. Were its queue taken for
 * the path, windows would grow with it, and the queue with them.
 */
describe('a peer that sends without a bound', () => {
  it.each([0, 1])(
    'raises neither our round trip nor its windows with its queue, beside %i bulk of ours',
    async (own) => {
      const samples: FlightSample[] = [];
      const run = new BesideUnbounded((sample) => samples.push(sample));
      for (let count = 0; count < own; count++) run.sendBulk();
      await run.clock.run(200);
      for (let count = 0; count < 4; count++) run.peer.startBulk();
      await run.clock.run(8_000);
      // It does answer late.
      expect(samples.at(-1)?.rttMs).toBeGreaterThan(20 * RTT_MS);
      expect(run.session.stats().minRttMs).toBeLessThan(1.1 * RTT_MS);
      expect(run.peer.sentBytes - run.receivedBytes).toBeLessThanOrEqual(4 * 512 * KIB);
      expect(run.receivedBytes / (RATE * 8_000)).toBeGreaterThan(0.95);
      // A round trip of its queue would allow 3 MB.
      expect(run.session.stats().boundBytes).toBeLessThan(512 * KIB);
      run.session.destroy();
    },
  );

  it('does not hold us back for ever when its bulk begins in a probe', async () => {
    let begun = false;
    let phase = 0;
    const run = new BesideUnbounded((sample) => {
      phase = sample.phase;
      if (begun || phase === 0) return;
      begun = true;
      run.peer.startBulk();
    });
    run.sendBulk();
    await run.clock.run(2_000);
    expect(begun).toBe(false);
    await run.clock.run(500);
    expect([begun, phase]).toEqual([true, 2]);
    await run.clock.run(2_000);
    expect(phase).toBe(0);
    expect(run.session.stats().minRttMs).toBeLessThan(1.1 * RTT_MS);
    run.session.destroy();
  });

  it('is measured anew once it is silent', async () => {
    const run = new BesideUnbounded();
    run.sendBulk();
    run.peer.startBulk();
    await run.clock.run(4_000);
    run.peer.stopBulk();
    for (const end of [run.far, run.far.peer]) if (end) end.path = { ...end.path, delayMs: RTT_MS };
    await run.clock.run(12_000);
    expect(run.session.stats().minRttMs).toBeGreaterThanOrEqual(2 * RTT_MS);
    expect(run.session.stats().minRttMs).toBeLessThan(2.5 * RTT_MS);
    run.session.destroy();
  });
});
