import { fnv1a } from './fnv.ts';
import type { Named } from './sticky.ts';

/** Highest random weight: of those that may be chosen, the one whose hash with the visitor's address scores highest. */
export function rendezvous<T extends Named>(
  entries: readonly { readonly entry: T; readonly weight: number }[],
  clientIp: string,
  may: (entry: T) => boolean,
): T | undefined {
  let best: T | undefined;
  let highest = 0;
  for (const { entry, weight } of entries) {
    if (weight <= 0 || !may(entry)) continue;
    const score = weight / -Math.log(Number(fnv1a(clientIp + entry.name)) / 2 ** 64);
    if (score <= highest) continue;
    best = entry;
    highest = score;
  }
  return best;
}
