import type { BrokerRecord } from '../../shared/control/api.ts';

/** A move costs a handshake and a drain: it must save at least this much, and this share. */
const SAVES_MS = 10;
const SAVES_SHARE = 0.3;

export interface MeasuredLink<L> {
  readonly link: L;
  readonly region: string;
  readonly rttMs: number | undefined;
}

interface Move<L> {
  readonly from: L;
  readonly to: BrokerRecord;
}

type Measured = readonly { readonly record: BrokerRecord; readonly rttMs: number | undefined }[];

/**
 * The move to make: into a region that has no link, as after all its brokers were away, or else the one that saves the most:
 * from a link to a broker that is clearly nearer. Never to one that drains, and never so that fewer regions remain. Undefined
 * when all is well.
 */
export function nearerBroker<L>(links: readonly MeasuredLink<L>[], free: Measured): Move<L> | undefined {
  const staying = free.filter(({ record }) => !record.draining);
  return intoRegion(links, staying) ?? saving(links, staying);
}

/** From the farthest link of a region that has another one to the nearest broker of a region that has none. */
function intoRegion<L>(links: readonly MeasuredLink<L>[], free: Measured): Move<L> | undefined {
  const [from] = links
    .filter((link) => links.some((other) => other !== link && other.region === link.region))
    .toSorted((a, b) => (b.rttMs ?? 0) - (a.rttMs ?? 0));
  const [to] = free
    .filter(({ record }) => !links.some(({ region }) => region === record.region))
    .filter(({ rttMs }) => Number.isFinite(rttMs))
    .toSorted((a, b) => (a.rttMs ?? 0) - (b.rttMs ?? 0));
  return from && to && { from: from.link, to: to.record };
}

function saving<L>(links: readonly MeasuredLink<L>[], free: Measured): Move<L> | undefined {
  let best: (Move<L> & { readonly savesMs: number }) | undefined;
  for (const { link, region, rttMs } of links) {
    if (rttMs === undefined) continue;
    const others = new Set(links.filter((one) => one.link !== link).map((one) => one.region));
    for (const { record, rttMs: candidateMs } of free) {
      if (candidateMs === undefined) continue;
      const losesRegion = !others.has(region) && others.has(record.region);
      const savesMs = rttMs - candidateMs;
      if (losesRegion || savesMs < Math.max(SAVES_MS, rttMs * SAVES_SHARE)) continue;
      if (best === undefined || savesMs > best.savesMs) best = { from: link, to: record, savesMs };
    }
  }
  return best && { from: best.from, to: best.to };
}
