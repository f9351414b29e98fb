import type { ApiConfig, GatewayConfig, SubscriptionConfig } from '../../shared/gateway/config.ts';
import type { ErrorCode } from '../errors.ts';
import { ApiKeys, challenge, presentedKey } from './api-keys.ts';
import { compileOperations, type Operation } from './operations.ts';
import { consumePlan, type PlanWait } from './plans/consume-plan.ts';
import type { PlanStore } from './plans/plan-store.ts';
import type { RequestView } from './request-view.ts';

export type HeaderPair = readonly [name: string, value: string];

export type Decision =
  | {
      readonly allowed: true;
      /** For the response: what is left of the plan. */
      readonly headers: readonly HeaderPair[];
      readonly application?: string | undefined;
      readonly plan?: string | undefined;
      /** The call has to wait, and may be refused yet: see `settledPlan`. */
      readonly wait?: PlanWait | undefined;
      /** Gives back what the call took from its plan. */
      readonly refund?: (() => void) | undefined;
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
  #plans: PlanStore;
  #keys: ApiKeys;
  /** `APPLICATION API` → grants, the heaviest first. Ids have no spaces. */
  #grants: ReadonlyMap<string, readonly Grant[]>;

  constructor(config: GatewayConfig, plans: PlanStore) {
    this.#config = config;
    this.#plans = plans;
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
    return consumePlan(this.#plans, planId, plan, { subscription: grant.id, application, api: apiId });
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

function refuse(
  code: ErrorCode,
  detail: string,
  headers: readonly HeaderPair[] = [],
): Extract<Decision, { allowed: false }> {
  return { allowed: false, code, detail, headers, empty: false };
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
