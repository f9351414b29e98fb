import type { Bucket, PlanConfig } from '../../../shared/gateway/config.ts';
import type { HeaderPair } from '../../../shared/http1/header-list.ts';
import type { ErrorCode } from '../../errors.ts';
import type { Decision } from '../policy.ts';
import type { Demand, KeyedLimit, Limit, PlanStore, Verdict } from './plan-store.ts';

export interface Consumer {
  /** Ids of the objects, or what stands for them. */
  readonly subscription: string;
  readonly application: string;
  readonly api: string;
}

/** What keeps a call that is allowed from going on at once. */
export type PlanWait =
  | { readonly kind: 'token'; readonly delayMs: number }
  /** Never rejects. */
  | { readonly kind: 'store'; readonly decision: Promise<Decision> };

/** Takes a call from a plan. What is refused costs nothing. */
export function consumePlan(store: PlanStore, id: string, plan: PlanConfig, who: Consumer): Decision {
  const { rateLimit, quota } = plan;
  const { application } = who;
  if (rateLimit === undefined && quota === undefined) return { allowed: true, headers: [], application, plan: id };
  const demand = { rate: keyed(rateLimit, who), quota: keyed(quota, who) };
  const decide = (verdict: Verdict): Decision => decided(store, id, demand, verdict, application);
  const verdict = store.take(demand);
  if (!(verdict instanceof Promise)) return decide(verdict);
  const wait: PlanWait = { kind: 'store', decision: verdict.then(decide) };
  return { allowed: true, headers: [], application, plan: id, wait };
}

function keyed(limit: PlanConfig['rateLimit'], who: Consumer): KeyedLimit | undefined {
  return limit === undefined
    ? undefined
    : { key: bucketKey(limit.bucket, who), limit: limit.limit, periodMs: limit.periodMs };
}

function bucketKey(bucket: Bucket, who: Consumer): string {
  switch (bucket) {
    case 'subscription':
      return `subscription ${who.subscription}`;
    case 'application-api':
      return `application-api ${who.application} ${who.api}`;
    case 'application':
      return `application ${who.application}`;
  }
}

function decided(store: PlanStore, id: string, demand: Demand, verdict: Verdict, application: string): Decision {
  const who = { application, plan: id };
  switch (verdict.kind) {
    case 'allowed': {
      const { rateLeft, quotaLeft, delayMs } = verdict;
      const headers: HeaderPair[] = [];
      if (rateLeft !== undefined) headers.push(['X-Ratelimit-Remaining', String(rateLeft)]);
      if (quotaLeft !== undefined) headers.push(['X-Quota-Remaining', String(quotaLeft)]);
      const refund = (): void => store.refund(demand);
      const wait: PlanWait | undefined = delayMs > 0 ? { kind: 'token', delayMs } : undefined;
      return { allowed: true, headers, refund, wait, ...who };
    }
    case 'spent':
      return verdict.by === 'rate'
        ? spent('rate-limited', 'X-Ratelimit-Remaining', verdict.retryAfterMs, demand.rate, who)
        : spent('quota-exceeded', 'X-Quota-Remaining', verdict.retryAfterMs, demand.quota, who);
    case 'away': {
      if (!verdict.refuse) return { allowed: true, headers: [], ...who };
      const detail = `What plan ${id} has left is not known: ${verdict.reason}`;
      return { allowed: false, code: 'limits-away', detail, headers: [['Retry-After', '1']], empty: false, ...who };
    }
  }
}

function spent(
  code: ErrorCode,
  header: string,
  retryAfterMs: number,
  limit: Limit | undefined,
  who: { readonly application: string; readonly plan: string },
): Decision {
  const headers: HeaderPair[] = [
    [header, '0'],
    ['Retry-After', String(Math.max(1, Math.ceil(retryAfterMs / 1000)))],
  ];
  const detail = `Plan ${who.plan} allows ${limit?.limit} requests in ${limit?.periodMs} ms.`;
  return { allowed: false, code, detail, headers, empty: true, ...who };
}
