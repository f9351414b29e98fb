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

/** What takes a call from a plan; what it refuses costs nothing. Undefined where the plan limits nothing. */
export function planTaker(store: PlanStore, id: string, plan: PlanConfig, who: Consumer): (() => Decision) | undefined {
  const { rateLimit, quota } = plan;
  if (rateLimit === undefined && quota === undefined) return undefined;
  const { application } = who;
  const demand = { rate: keyed(rateLimit, who), quota: keyed(quota, who) };
  const refund = (): void => store.refund(demand);
  const decide = (verdict: Verdict): Decision => decidedBy(verdict, { application, plan: id, demand, refund });
  return () => {
    const verdict = store.take(demand);
    if (!(verdict instanceof Promise)) return decide(verdict);
    const wait: PlanWait = { kind: 'store', decision: verdict.then(decide) };
    return { allowed: true, headers: [], application, plan: id, wait };
  };
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

interface Taken {
  readonly application: string;
  readonly plan: string;
  readonly demand: Demand;
  refund(): void;
}

function decidedBy(verdict: Verdict, { application, plan, demand, refund }: Taken): Decision {
  switch (verdict.kind) {
    case 'allowed': {
      const { rateLeft, quotaLeft, delayMs } = verdict;
      const headers: HeaderPair[] = [];
      if (rateLeft !== undefined) headers.push(['X-Ratelimit-Remaining', String(rateLeft)]);
      if (quotaLeft !== undefined) headers.push(['X-Quota-Remaining', String(quotaLeft)]);
      const wait: PlanWait | undefined = delayMs > 0 ? { kind: 'token', delayMs } : undefined;
      return { allowed: true, headers, application, plan, wait, refund };
    }
    case 'spent':
      return verdict.by === 'rate'
        ? spent('rate-limited', 'X-Ratelimit-Remaining', verdict.retryAfterMs, demand.rate, { application, plan })
        : spent('quota-exceeded', 'X-Quota-Remaining', verdict.retryAfterMs, demand.quota, { application, plan });
    case 'away': {
      if (!verdict.refuse) return { allowed: true, headers: [], application, plan };
      const detail = `What plan ${plan} has left is not known: ${verdict.reason}`;
      const headers: readonly HeaderPair[] = [['Retry-After', '1']];
      return { allowed: false, code: 'limits-away', detail, headers, empty: false, application, plan };
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
