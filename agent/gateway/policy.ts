import { parseClaimExpression, type ClaimCheck } from '../../shared/gateway/claim-expression.ts';
import type { Claims } from '../../shared/gateway/claim-path.ts';
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

/** Who calls, once a credential was found right. */
export interface Caller {
  /** Key into `applications`, or what `applicationNamed` gives. */
  readonly application: string;
  readonly claims?: Claims | undefined;
}

interface Grant {
  readonly id: string;
  readonly subscription: SubscriptionConfig;
  /** Undefined: every operation. */
  readonly operations?: readonly Operation[] | undefined;
  readonly claims?: ClaimCheck | undefined;
}

const NO_CLAIMS: Claims = {};

/**
 * Who may call what, and how often. Made once for each configuration; what was consumed is in the store of plans, which
 * outlives configurations.
 */
export class Policy {
  #config: GatewayConfig;
  #plans: PlanStore;
  #keys: ApiKeys;
  /** `APPLICATION API` → grants, the heaviest first. Ids of APIs have no spaces. */
  #grants: ReadonlyMap<string, readonly Grant[]>;
  /** `NAMESPACE/APPID` → key into `applications`. */
  #named = new Map<string, string>();

  constructor(config: GatewayConfig, plans: PlanStore) {
    this.#config = config;
    this.#plans = plans;
    this.#keys = new ApiKeys(config.applications);
    this.#grants = grantsOf(config);
    for (const [id, { source, appId }] of Object.entries(config.applications)) {
      const name = `${source.namespace}/${appId}`;
      if (!this.#named.has(name)) this.#named.set(name, id);
    }
  }

  /** False: a credential of this kind is looked at on the way (`auth/api-guard.ts`). */
  static decidesAtOnce(api: ApiConfig | undefined): boolean {
    return api?.auth.kind !== 'jwt' && api?.auth.kind !== 'ldap';
  }

  /** The application that a token of the API's namespace calls by this name. */
  applicationNamed(apiId: string, appId: string): string {
    const namespace = apiId.slice(0, apiId.indexOf('/'));
    return this.#named.get(`${namespace}/${appId}`) ?? undeclared(namespace, appId);
  }

  decide(apiId: string, request: RequestView): Decision {
    const api = this.#config.apis[apiId];
    if (api === undefined) return refuse('forbidden', `The route belongs to API ${apiId}, which is not defined.`);
    switch (api.auth.kind) {
      case 'keyless':
        return { allowed: true, headers: [] };
      case 'jwt':
      case 'ldap':
        return refuse('unauthorized', `The credential for API ${apiId} was not looked at.`);
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
        return this.authorise(apiId, { application }, request);
      }
    }
  }

  /** What a caller may do whose credential is right. Consumes from the plan. */
  authorise(apiId: string, { application, claims }: Caller, request: RequestView): Decision {
    const grants = this.#grants.get(`${application} ${apiId}`);
    if (grants === undefined) {
      const detail = `Application ${application} has no subscription to API ${apiId}.`;
      return { ...refuse('forbidden', detail), application };
    }
    const claimed = grants.some((grant) => grant.claims !== undefined)
      ? grants.filter((grant) => grant.claims?.(claims ?? NO_CLAIMS) !== false)
      : grants;
    if (claimed.length === 0) {
      const detail = `The claims are not what the subscriptions of application ${application} to API ${apiId} ask for.`;
      return { ...refuse('forbidden', detail), application };
    }
    const grant = claimed.find(
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
    const claims = claimCheck(subscription.claims);
    for (const apiId of subscription.apis) {
      const api = config.apis[apiId];
      if (api === undefined) continue;
      const operations = subscription.operations?.flatMap((name) => operationSet(sets, apiId, api, name) ?? []);
      const { namespace } = subscription.source;
      const appIds = (subscription.appIds ?? []).map((appId) => undeclared(namespace, appId));
      for (const application of [...subscription.applications, ...appIds]) {
        const key = `${application} ${apiId}`;
        const grant = { id, subscription, operations, claims };
        const list = grants.get(key);
        if (list === undefined) grants.set(key, [grant]);
        else list.push(grant);
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

/** An expression that cannot be read, which the compiler of manifests has told of, holds for nobody. */
export function claimCheck(expression: string | undefined): ClaimCheck | undefined {
  if (expression === undefined) return undefined;
  const check = parseClaimExpression(expression);
  return typeof check === 'function' ? check : () => false;
}

/** No key into `applications`: these have no colon. */
function undeclared(namespace: string, appId: string): string {
  return `appId:${namespace}/${appId}`;
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
