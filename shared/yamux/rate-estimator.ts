import { type LateAnswers, noLateAnswers, withLateRound } from './late-answers.ts';

/** One finished round: bytes per millisecond, and when it ended. */
interface Round {
  readonly rate: number;
  readonly endedAt: number;
  /** The most that was acknowledged beyond the rate, since acknowledgements last fell behind it. */
  readonly bunchBytes: number;
}

/**
 * How fast the peer takes what is sent. A value: every change is a new one.
 *
 * Bytes are counted in rounds, from acknowledgement to acknowledgement: answers come in bunches, so that the time
 * between two of them says nothing (measured: 78 GB/s on a loopback).
 */
export interface RateEstimate {
  /** Bytes per millisecond, the best of the recent rounds; 0 while unknown. */
  readonly rate: number;
  /** True until three rounds in a row brought no growth of a quarter. */
  readonly starting: boolean;
  /** Bytes acknowledged in all. */
  readonly ackedBytes: number;
  readonly rounds: readonly Round[];
  readonly best: number;
  readonly flatRounds: number;
  /** Absent before the first acknowledgement. */
  readonly open?: OpenRound;
  readonly late: LateAnswers;
  /** When acknowledgements last were behind the rate, and what came since. */
  readonly bunch: { readonly since: number; readonly bytes: number };
}

interface OpenRound {
  readonly startedAt: number;
  /** Acknowledged in all, before the acknowledgement that opened the round. */
  readonly startBytes: number;
  /** The sender had nothing to send and far less in flight than it might: the round shows what it wanted, not the path. */
  readonly underused: boolean;
  /** A probe held the sender back. */
  readonly spoilt: boolean;
  readonly bunchBytes: number;
}

export interface Acknowledgement {
  readonly now: number;
  /** Acknowledged in all, this one included. */
  readonly ackedBytes: number;
  /** 0 while unknown. */
  readonly minRttMs: number;
  readonly underused: boolean;
  readonly probing: boolean;
}

const SHORTEST_ROUND_MS = 10;
const STEADY_ROUND_TRIPS = 3;
const ROUNDS_WHILE_STARTING = 10;
const ROUNDS_ONCE_STEADY = 4;
const KEPT_MS = 1_000;
const GROWTH = 1.25;
const FLAT_ROUNDS = 3;

export const unknownRate: RateEstimate = {
  rate: 0,
  starting: true,
  ackedBytes: 0,
  rounds: [],
  best: 0,
  flatRounds: 0,
  late: noLateAnswers,
  bunch: { since: 0, bytes: 0 },
};

/** Takes in one acknowledgement. It closes the round that has lasted long enough, and counts to the next one then. */
export function withAcknowledgement(estimate: RateEstimate, ack: Acknowledgement): RateEstimate {
  const { now, ackedBytes, underused, probing } = ack;
  const { open } = estimate;
  const bunch = grownBunch(estimate, ack);
  // While the rate is still being found, everything is more than it.
  const bunchBytes = estimate.starting ? 0 : bunch.bytes - estimate.rate * (now - bunch.since);
  const fresh = { startedAt: now, startBytes: estimate.ackedBytes, underused, spoilt: probing, bunchBytes };
  if (open === undefined) return { ...estimate, ackedBytes, open: fresh, bunch };
  const lengthMs = Math.max(SHORTEST_ROUND_MS, ack.minRttMs * (estimate.starting ? 1 : STEADY_ROUND_TRIPS));
  const elapsedMs = now - open.startedAt;
  if (elapsedMs < lengthMs) {
    const same = (open.underused || !underused) && (open.spoilt || !probing) && bunchBytes <= open.bunchBytes;
    if (same) return { ...estimate, ackedBytes, bunch };
    return {
      ...estimate,
      ackedBytes,
      bunch,
      open: {
        ...open,
        underused: open.underused || underused,
        spoilt: open.spoilt || probing,
        bunchBytes: Math.max(open.bunchBytes, bunchBytes),
      },
    };
  }
  const next = { ...estimate, ackedBytes, open: fresh, bunch };
  const rate = (estimate.ackedBytes - open.startBytes) / elapsedMs;
  if (open.spoilt || probing || (open.underused && rate <= estimate.rate)) return next;
  return withRound(next, { rate, endedAt: now, bunchBytes: open.bunchBytes }, ack.minRttMs);
}

function grownBunch({ bunch, rate, ackedBytes }: RateEstimate, ack: Acknowledgement): RateEstimate['bunch'] {
  const bytes = ack.ackedBytes - ackedBytes;
  const isBehind = bunch.bytes <= rate * (ack.now - bunch.since);
  return isBehind ? { since: ack.now, bytes } : { since: bunch.since, bytes: bunch.bytes + bytes };
}

/** The sender ran out of data: the round that is open says nothing of the path unless it is faster than all others. */
export function withUnderuse(estimate: RateEstimate): RateEstimate {
  const { open } = estimate;
  if (open === undefined || open.underused) return estimate;
  return { ...estimate, open: { ...open, underused: true } };
}

function withRound(estimate: RateEstimate, round: Round, minRttMs: number): RateEstimate {
  const grew = round.rate >= estimate.best * GROWTH;
  const flatRounds = grew ? 0 : estimate.flatRounds + 1;
  const starting = estimate.starting && flatRounds < FLAT_ROUNDS;
  const keep = starting ? ROUNDS_WHILE_STARTING : ROUNDS_ONCE_STEADY;
  const all = [...estimate.rounds, round];
  const rounds = all.filter((one, index) => index >= all.length - keep || one.endedAt > round.endedAt - KEPT_MS);
  const rate = rounds.reduce((best, one) => Math.max(best, one.rate), 0);
  const bunchBytes = rounds.reduce((most, one) => Math.max(most, one.bunchBytes), 0);
  return {
    ...estimate,
    rate,
    late: withLateRound(estimate.late, { now: round.endedAt, rate, bunchBytes, minRttMs }),
    starting,
    rounds,
    best: grew ? round.rate : estimate.best,
    flatRounds,
  };
}
