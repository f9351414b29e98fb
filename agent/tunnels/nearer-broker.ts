import type { BrokerRecord } from '../../shared/control/api.ts';

/** A move costs a handshake and a drain: it must save at least this much, and this share. */
const SAVES_MS = 10;
const SAVES_SHARE = 0.3;

export interface MeasuredLink<L> {
  readonly link: L;
  readonly region: string;
  readonly rttMs: number | undefined;
}

/**
 * The move that saves the most: from a link to a broker that is clearly nearer. Never to one that drains, and never so
 * that fewer regions remain. Undefined when all is well.
 */
export function nearerBroker<L>(
  links: readonly MeasuredLink<L>[],
  free: readonly { readonly record: BrokerRecord; readonly rttMs: number | undefined }[],
): { readonly from: L; readonly to: BrokerRecord } | undefined {
  let best: { readonly from: L; readonly to: BrokerRecord; readonly savesMs: number } | undefined;
  for (const { link, region, rttMs } of links) {
    if (rttMs === undefined) continue;
    const others = new Set(links.filter((one) => one.link !== link).map((one) => one.region));
    for (const { record, rttMs: candidateMs } of free) {
      if (candidateMs === undefined || record.draining) continue;
      const losesRegion = !others.has(region) && others.has(record.region);
      const savesMs = rttMs - candidateMs;
      if (losesRegion || savesMs < Math.max(SAVES_MS, rttMs * SAVES_SHARE)) continue;
      if (best === undefined || savesMs > best.savesMs) best = { from: link, to: record, savesMs };
    }
  }
  return best && { from: best.from, to: best.to };
}
