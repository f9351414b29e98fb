import type { ApiConfig, Bucket, GatewayConfig, PlanConfig, SubscriptionConfig } from '../../shared/gateway/config.ts';
import type { ErrorCode } from '../errors.ts';
import { ApiKeys, challenge, presentedKey } from './api-keys.ts';
import type { Limiter } from './limiter.ts';
import { compileOperations, type Operation } from './operations.ts';
import type { RequestView } from './request-view.ts';

export type HeaderPair = readonly [name: string, value: string];

export type Decision =
  | {
      readonly allowed: true;
      /** For the response: what is left of the plan. */
      readonly headers: readonly HeaderPair[];
      readonly application?: string | undefined;
      readonly plan?: string | undefined;
    }
  | {
      readonly allowed: false;
      readonly code: ErrorCode;
      readonly detail: string;
      readonly headers: readonly HeaderPair[];
      /** Refusals by a plan carry no body (observed behaviour of the system that a preview stands for). */
      readonly empty: boolean;
      readonly application?: string | undefined;
      readonly plan?: string | undefined;
    };

interface Grant {
  readonly id: string;
  readonly subscription: SubscriptionConfig;
  /** Undefined: every operation. */
  readonly operations?: readonly Operation[] | undefined;
}

/**
 * Who may call what, and how often. Made once for each configuration; what was consumed is in the limiter, which
 * outlives configurations.
 */
export class Policy {
  #config: GatewayConfig;
  #limiter: Limiter;
  #keys: ApiKeys;
  /** `APPLICATION API` → grants, the heaviest first. Ids have no spaces. */
  #grants: ReadonlyMap<string, readonly Grant[]>;

  constructor(config: GatewayConfig, limiter: Limiter) {
    this.#config = config;
    this.#limiter = limiter;
    this.#keys = new ApiKeys(config.applications);
    this.#grants = grantsOf(config);
  }

  decide(apiId: string, request: RequestView): Decision {
    const api = this.#config.apis[apiId];
    if (api === undefined) return refuse('forbidden', `The route belongs to API ${apiId}, which is not defined.`);
    switch (api.auth.kind) {
      case 'keyless':
        return { allowed: true, headers: [] };
      case 'unsupported':
        return refuse(
          'auth-unsupported',
          `API ${apiId} uses ${api.auth.method} (${api.auth.source.kind} ${api.auth.source.namespace}/${api.auth.source.name}).`,
        );
      case 'api-key': {
        const key = presentedKey(api.auth, request);
        const application = key === undefined ? undefined : this.#keys.owner(key);
        if (application === undefined) {
          const why = key === undefined ? 'carries no API key' : 'carries an API key that is unknown or suspended';
          return refuse('unauthorized', `The request to API ${apiId} ${why}.`, [
            ['WWW-Authenticate', challenge(api.auth, apiId)],
          ]);
        }
        return this.#authorise(apiId, application, request);
      }
    }
  }

  #authorise(apiId: string, application: string, request: RequestView): Decision {
    const grants = this.#grants.get(`${application} ${apiId}`);
    if (grants === undefined) {
      const detail = `Application ${application} has no subscription to API ${apiId}.`;
      return { ...refuse('forbidden', detail), application };
    }
    const grant = grants.find(
      ({ operations }) => operations === undefined || operations.some((holds) => holds(request)),
    );
    if (grant === undefined) {
      const detail = `No subscription of application ${application} to API ${apiId} includes ${request.method} ${request.path}.`;
      return { ...refuse('forbidden', detail), application };
    }
    const planId = grant.subscription.plan;
    const plan = planId === undefined ? undefined : this.#config.plans[planId];
    if (planId === undefined || plan === undefined) return { allowed: true, headers: [], application };
    return this.#consume(planId, plan, { subscription: grant.id, application, api: apiId });
  }

  /** Rate first, then quota; a call that the quota refuses gives its token back: refused calls cost nothing. */
  #consume(
    planId: string,
    plan: PlanConfig,
    who: { subscription: string; application: string; api: string },
  ): Decision {
    const headers: HeaderPair[] = [];
    const { application } = who;
    const { rateLimit, quota } = plan;
    const rateKey = rateLimit === undefined ? '' : bucketKey(rateLimit.bucket, who);
    if (rateLimit !== undefined) {
      const verdict = this.#limiter.takeToken(rateKey, rateLimit);
      if (!verdict.allowed) {
        const detail = `Plan ${planId} allows ${rateLimit.limit} requests in ${rateLimit.periodMs} ms.`;
        return spent('rate-limited', detail, 'X-Ratelimit-Remaining', verdict.retryAfterMs, {
          application,
          plan: planId,
        });
      }
      headers.push(['X-Ratelimit-Remaining', String(verdict.remaining)]);
    }
    if (quota !== undefined) {
      const verdict = this.#limiter.takeQuota(bucketKey(quota.bucket, who), quota);
      if (!verdict.allowed) {
        if (rateLimit !== undefined) this.#limiter.refundToken(rateKey);
        const detail = `Plan ${planId} allows ${quota.limit} requests in ${quota.periodMs} ms.`;
        return spent('quota-exceeded', detail, 'X-Quota-Remaining', verdict.retryAfterMs, {
          application,
          plan: planId,
        });
      }
      headers.push(['X-Quota-Remaining', String(verdict.remaining)]);
    }
    return { allowed: true, headers, application, plan: planId };
  }
}

function grantsOf(config: GatewayConfig): Map<string, Grant[]> {
  const grants = new Map<string, Grant[]>();
  const subscriptions = Object.entries(config.subscriptions).toSorted(
    ([idA, a], [idB, b]) => b.weight - a.weight || compare(a.name, b.name) || compare(idA, idB),
  );
  const sets = new Map<string, Map<string, Operation>>();
  for (const [id, subscription] of subscriptions) {
    for (const apiId of subscription.apis) {
      const api = config.apis[apiId];
      if (api === undefined) continue;
      const operations = subscription.operations?.flatMap((name) => operationSet(sets, apiId, api, name) ?? []);
      for (const application of subscription.applications) {
        const key = `${application} ${apiId}`;
        const list = grants.get(key);
        if (list === undefined) grants.set(key, [{ id, subscription, operations }]);
        else list.push({ id, subscription, operations });
      }
    }
  }
  return grants;
}

function operationSet(
  sets: Map<string, Map<string, Operation>>,
  apiId: string,
  api: ApiConfig,
  name: string,
): Operation | undefined {
  let ofApi = sets.get(apiId);
  if (ofApi === undefined) sets.set(apiId, (ofApi = new Map<string, Operation>()));
  const known = ofApi.get(name);
  if (known !== undefined) return known;
  const matchers = api.operationSets[name];
  if (matchers === undefined) return undefined;
  const compiled = compileOperations(matchers);
  ofApi.set(name, compiled);
  return compiled;
}

/** Names what consumes, never the plan: a new plan goes on from what was consumed. */
function bucketKey(bucket: Bucket, who: { subscription: string; application: string; api: string }): string {
  switch (bucket) {
    case 'subscription':
      return `subscription ${who.subscription}`;
    case 'application-api':
      return `application-api ${who.application} ${who.api}`;
    case 'application':
      return `application ${who.application}`;
  }
}

function refuse(
  code: ErrorCode,
  detail: string,
  headers: readonly HeaderPair[] = [],
): Extract<Decision, { allowed: false }> {
  return { allowed: false, code, detail, headers, empty: false };
}

function spent(
  code: ErrorCode,
  detail: string,
  header: string,
  retryAfterMs: number,
  who: { application: string; plan: string },
): Decision {
  const retryAfter = String(Math.max(1, Math.ceil(retryAfterMs / 1000)));
  return {
    ...refuse(code, detail, [
      [header, '0'],
      ['Retry-After', retryAfter],
    ]),
    empty: true,
    ...who,
  };
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
