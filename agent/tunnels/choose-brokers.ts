import type { BrokerRecord } from '../../shared/control/api.ts';

export interface Candidate {
  readonly record: BrokerRecord;
  /** Measured; undefined when it is not known. */
  readonly rttMs: number | undefined;
}

/**
 * Which brokers to dial: the nearest of a region that has no link yet, as long as there is one, then the nearest of
 * all. Equal or unknown round trips keep the order of the directory; brokers that drain come last.
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
    const fresh = left.findIndex(({ record }) => !record.draining && !regions.has(record.region));
    const [pick] = left.splice(Math.max(0, fresh), 1);
    if (pick === undefined) break;
    regions.add(pick.record.region);
    chosen.push(pick.record);
  }
  return chosen;
}

function compareRtt(a: number | undefined, b: number | undefined): number {
  if (a === undefined || b === undefined) return Number(a === undefined) - Number(b === undefined);
  return a - b;
}
