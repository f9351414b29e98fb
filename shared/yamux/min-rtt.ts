/**
 * The round trip of a session without the queues that the session itself builds. A value: every change is a new one.
 *
 * The lowest sample ever would never notice that the path has become longer, and a sample beside bulk tells of the
 * queue and not of the path. So when the lowest one is old, or all of a second lie far above it, the sender holds
 * back until its queue is empty (a probe) and believes what it then sees.
 */
export interface MinRtt {
  /** Milliseconds; 0 while unknown. */
  readonly minMs: number;
  /** When a sample was last close to it. */
  readonly seenAt: number;
  readonly probe: Probe | undefined;
  /** When it was last confirmed by a probe or by a quiet sample; -Infinity: never yet. */
  readonly probedAt: number;
  /** When the first sample came. */
  readonly bornAt: number;
  /** The second that runs, and the lowest sample of it. */
  readonly secondAt: number;
  readonly secondMs: number;
  /** All samples of a whole second lay far above the lowest. */
  readonly raised: boolean;
}

type Probe =
  | { readonly phase: 'draining' }
  | { readonly phase: 'measuring'; readonly since: number; readonly lowestMs: number };

export interface RttSample {
  readonly rttMs: number;
  readonly sentAt: number;
  readonly now: number;
  /** Nearly nothing was on its way in either direction: the sample is the path itself. */
  readonly quiet: boolean;
  /** A peer that does not bound itself was sending bulk: the sample may be its queue, and can only lower the minimum. */
  readonly disturbed: boolean;
}

const STALE_MS = 10_000;
const SECOND_MS = 1_000;
/** The first sample is one of processes that have just started: it is confirmed sooner. */
const UNCONFIRMED_MS = 2_000;
const PROBE_PAUSE_MS = 2_000;
const PROBE_MS = 5;
/** A probe that sees only what the bulk of a peer without bounds disturbs would hold the sender back for as long as that lasts. */
const HOPELESS_MS = 1_000;
const HOPELESS_ROUND_TRIPS = 4;

export const unknownRtt: MinRtt = {
  minMs: 0,
  seenAt: 0,
  probe: undefined,
  probedAt: -Infinity,
  bornAt: 0,
  secondAt: 0,
  secondMs: Infinity,
  raised: false,
};

export function withSample(state: MinRtt, sample: RttSample): MinRtt {
  const { rttMs, now } = sample;
  if (state.minMs === 0) return { ...state, minMs: rttMs, seenAt: now, bornAt: now, secondAt: now, secondMs: rttMs };
  const near = rttMs <= 1.1 * state.minMs + 0.05;
  const lowered = {
    ...withSecond(state, sample),
    minMs: Math.min(state.minMs, rttMs),
    seenAt: near ? now : state.seenAt,
  };
  const { probe } = lowered;
  if (sample.disturbed) return isHopeless(lowered, now) ? { ...lowered, probe: undefined } : lowered;
  if (probe?.phase === 'measuring' && sample.sentAt >= probe.since) return measured(lowered, probe, sample);
  if (probe !== undefined || !isDoubtful(lowered, near, now)) return lowered;
  if (sample.quiet) return believed(lowered, near ? lowered.minMs : rttMs, now);
  return { ...lowered, probe: { phase: 'draining' } };
}

/** What was in flight has shrunk to the bound of the probe: samples that start from now on count. */
export function withDrained(state: MinRtt, now: number): MinRtt {
  if (state.probe?.phase !== 'draining') return state;
  return { ...state, probe: { phase: 'measuring', since: now, lowestMs: Infinity } };
}

function isDoubtful(state: MinRtt, near: boolean, now: number): boolean {
  if (state.probedAt === -Infinity && now - state.bornAt > UNCONFIRMED_MS) return true;
  if (near) return false;
  return now - state.seenAt > STALE_MS || (state.raised && now - state.probedAt >= PROBE_PAUSE_MS);
}

function isHopeless({ probe, minMs }: MinRtt, now: number): boolean {
  return probe?.phase === 'measuring' && now - probe.since >= Math.max(HOPELESS_MS, HOPELESS_ROUND_TRIPS * minMs);
}

function measured(state: MinRtt, probe: { since: number; lowestMs: number }, sample: RttSample): MinRtt {
  const lowestMs = Math.min(probe.lowestMs, sample.rttMs);
  const isLongEnough = sample.now - probe.since >= Math.max(PROBE_MS, state.minMs);
  if (isLongEnough || sample.quiet) return believed(state, lowestMs, sample.now);
  return { ...state, probe: { phase: 'measuring', since: probe.since, lowestMs } };
}

function believed(state: MinRtt, minMs: number, now: number): MinRtt {
  return {
    ...state,
    minMs,
    seenAt: now,
    probe: undefined,
    probedAt: now,
    secondAt: now,
    secondMs: Infinity,
    raised: false,
  };
}

function withSecond(state: MinRtt, sample: RttSample): MinRtt {
  const { rttMs, now } = sample;
  if (now - state.secondAt < SECOND_MS) {
    return rttMs < state.secondMs ? { ...state, secondMs: rttMs } : state;
  }
  const raised = state.secondMs < Infinity && state.secondMs > 2 * state.minMs + 5;
  return { ...state, secondAt: now, secondMs: rttMs, raised };
}
