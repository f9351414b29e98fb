import type { BrokerRecord } from '../../shared/control/api.ts';

export interface Candidate {
  readonly record: BrokerRecord;
  /** Measured; undefined when it is not known, Infinity when it did not answer. */
  readonly rttMs: number | undefined;
}

/**
 * Which brokers to dial: the nearest of a region that has no link yet, as long as there is one, then the nearest of
 * all. Equal or unknown round trips keep the order of the directory; brokers that drain or do not answer come last.
 */
export function chooseBrokers(
  candidates: readonly Candidate[],
  regionsInUse: readonly string[],
  count: number,
): BrokerRecord[] {
  const regions = new Set(regionsInUse);
  const left = candidates.toSorted(
    (a, b) => Number(a.record.draining) - Number(b.record.draining) || compareRtt(a.rttMs, b.rttMs),
  );
  const chosen: BrokerRecord[] = [];
  while (chosen.length < count && left.length > 0) {
    const fresh = left.findIndex(
      ({ record, rttMs }) => !record.draining && rttMs !== Infinity && !regions.has(record.region),
    );
    const [pick] = left.splice(Math.max(0, fresh), 1);
    if (pick === undefined) break;
    regions.add(pick.record.region);
    chosen.push(pick.record);
  }
  return chosen;
}

function compareRtt(a: number | undefined, b: number | undefined): number {
  // Equal first: Infinity - Infinity is no number.
  if (a === b) return 0;
  if (a === undefined) return b === Infinity ? -1 : 1;
  if (b === undefined) return a === Infinity ? 1 : -1;
  return a - b;
}
