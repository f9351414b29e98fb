import type { GatewayConfig } from '../../gateway/config.ts';
import type { PlanConfig } from '../../gateway/plan.ts';
import { periodWords } from '../duration.ts';
import type { Direction, Finding } from './change.ts';

const SORTS = { rateLimit: 'rate limit', quota: 'quota' } as const;
type Limit = PlanConfig['rateLimit'];

/** Plans, and which plan is in force, where they let more or fewer calls through. */
export function limitChanges(before: GatewayConfig, after: GatewayConfig): Finding[] {
  const found: Finding[] = [];
  const ids = [...new Set([...Object.keys(before.plans), ...Object.keys(after.plans)])].toSorted();
  for (const id of ids) {
    const [was, is] = [before.plans[id], after.plans[id]];
    if (was === undefined) found.push({ direction: 'other', what: `plan ${id} is new: ${planWords(is)}`, by: is });
    else if (is === undefined)
      found.push({ direction: 'other', what: `plan ${id} is gone: it was ${planWords(was)}`, by: was });
    else
      for (const sort of ['rateLimit', 'quota'] as const) {
        const [from, to] = [was[sort], is[sort]];
        if (JSON.stringify(from) !== JSON.stringify(to))
          found.push({
            direction: direction(from, to),
            what: `plan ${id}: ${SORTS[sort]} ${words(from)} → ${words(to)}`,
            by: is,
          });
      }
  }
  for (const [id, subscription] of Object.entries(after.subscriptions)) {
    const { plan, weight } = subscription;
    const old = before.subscriptions[id];
    if (old === undefined) continue;
    if (old.plan !== plan)
      found.push({
        direction: 'other',
        what: `subscription ${id}: plan ${old.plan ?? 'none'} → ${plan ?? 'none'}`,
        by: subscription,
      });
    if (old.weight !== weight)
      found.push({
        direction: 'other',
        what: `subscription ${id}: weight ${old.weight} → ${weight}`,
        by: subscription,
      });
  }
  return found;
}

function planWords(plan: PlanConfig | undefined): string {
  const parts = (['rateLimit', 'quota'] as const).flatMap((sort) =>
    plan?.[sort] === undefined ? [] : [`${SORTS[sort]} ${words(plan[sort])}`],
  );
  return parts.length === 0 ? 'no limit' : parts.join(', ');
}

function words(limit: Limit): string {
  return limit === undefined ? 'none' : `${limit.limit} per ${periodWords(limit.periodMs)} (${limit.bucket})`;
}

function direction(from: Limit, to: Limit): Direction {
  if (from === undefined) return 'narrower';
  if (to === undefined) return 'wider';
  // Another bucket counts other calls together; a longer period is more of a burst.
  if (from.bucket !== to.bucket) return 'other';
  const [fewer, more] = [to.limit <= from.limit, to.limit >= from.limit];
  const [slower, faster] = [
    to.limit / to.periodMs <= from.limit / from.periodMs,
    to.limit / to.periodMs >= from.limit / from.periodMs,
  ];
  return fewer && slower ? 'narrower' : more && faster ? 'wider' : 'other';
}
