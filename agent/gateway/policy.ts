import { parseClaimExpression, type ClaimCheck } from '../../shared/gateway/claim-expression.ts';
import type { Claims } from '../../shared/gateway/claim-path.ts';
import type { ApiConfig, GatewayConfig, RouteConfig, SubscriptionConfig } from '../../shared/gateway/config.ts';
import type { ErrorCode } from '../errors.ts';
import { ApiKeys, challenge, presentedKey } from './api-keys.ts';
import type { OperationPaths } from './openapi/operation-paths.ts';
import { OperationSets, type Operation } from './operations.ts';
import { planTaker, type PlanWait } from './plans/plan-taker.ts';
import type { PlanStore } from './plans/plan-store.ts';
import type { RequestView } from './request-view.ts';

export type HeaderPair = readonly [name: string, value: string];

export interface Allowed {
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

export interface Refused {
  readonly allowed: false;
  readonly code: ErrorCode;
  readonly detail: string;
  readonly headers: readonly HeaderPair[];
  /** Refusals by a plan carry no body (observed behaviour of the system that a preview stands for). */
  readonly empty: boolean;
  readonly application?: string | undefined;
  readonly plan?: string | undefined;
}

export type Decision = Allowed | Refused;

/** Whether a call is allowed, but for its plan. The same request is always ruled the same. */
export type Ruling = Granted | Refused;

export interface Granted extends Allowed {
  /** Takes a call from the plan; absent where none limits. */
  readonly take?: (() => Decision) | undefined;
}

/** Who calls, once a credential was found right. */
export interface Caller {
  /** Key into `applications`, or what `applicationNamed` gives. */
  readonly application: string;
  readonly claims?: Claims | undefined;
}

interface Grant {
  /** Undefined: every operation. */
  readonly operations?: readonly Operation[] | undefined;
  readonly claims?: ClaimCheck | undefined;
  readonly granted: Granted;
}

/** By application, the heaviest first. */
type Grants = ReadonlyMap<string, readonly Grant[]>;

const NO_CLAIMS: Claims = {};
const KEYLESS: Granted = { allowed: true, headers: [] };

/**
 * Who may call what, and how often. Made once for each configuration; what was consumed is in the store of plans, which
 * outlives configurations.
 */
export class Policy {
  readonly #config: GatewayConfig;
  readonly #plans: PlanStore;
  readonly #keys: ApiKeys;
  readonly #sets: OperationSets;
  /** By key of the API, the heaviest first. */
  readonly #subscriptions: ReadonlyMap<string, readonly (readonly [id: string, SubscriptionConfig])[]>;
  /** By keys of API and version. */
  readonly #grants = new Map<string, Grants>();
  /** `NAMESPACE/APPID` → key into `applications`. */
  readonly #named = new Map<string, string>();

  constructor(config: GatewayConfig, plans: PlanStore) {
    this.#config = config;
    this.#plans = plans;
    this.#keys = new ApiKeys(config.applications);
    this.#sets = new OperationSets(config);
    this.#subscriptions = subscriptionsOf(config);
    for (const [id, { source, appId }] of Object.entries(config.applications)) {
      const name = `${source.namespace}/${appId}`;
      if (!this.#named.has(name)) this.#named.set(name, id);
    }
  }

  /** Undefined: the route is attached to no API. `operations`: where its OpenAPI document has a say. */
  of({ api, apiVersion }: RouteConfig, operations?: OperationPaths): RoutePolicy | undefined {
    if (api === undefined) return undefined;
    const grants = this.#grantsOf(api, apiVersion);
    return new RoutePolicy(api, { api: this.#config.apis[api], keys: this.#keys, grants, operations }, this.#named);
  }

  #grantsOf(apiId: string, versionId: string | undefined): Grants {
    const key = `${apiId} ${versionId ?? ''}`;
    const known = this.#grants.get(key);
    if (known !== undefined) return known;
    const grants = new Map<string, Grant[]>();
    for (const [id, subscription] of this.#subscriptions.get(apiId) ?? []) {
      const claims = claimCheck(subscription.claims);
      const operations = subscription.operations?.flatMap((name) => this.#sets.of(apiId, versionId, name) ?? []);
      const { namespace } = subscription.source;
      const appIds = (subscription.appIds ?? []).map((appId) => undeclared(namespace, appId));
      for (const application of [...subscription.applications, ...appIds]) {
        const granted = this.#granted(id, subscription, application, apiId);
        const list = grants.get(application);
        if (list === undefined) grants.set(application, [{ operations, claims, granted }]);
        else list.push({ operations, claims, granted });
      }
    }
    this.#grants.set(key, grants);
    return grants;
  }

  #granted(id: string, { plan }: SubscriptionConfig, application: string, api: string): Granted {
    const limits = plan === undefined ? undefined : this.#config.plans[plan];
    if (plan === undefined || limits === undefined) return { allowed: true, headers: [], application };
    const take = planTaker(this.#plans, plan, limits, { subscription: id, application, api });
    return { allowed: true, headers: [], application, plan, take };
  }
}

/** What the routes of one API, or of one version of it, are ruled by. */
export class RoutePolicy {
  readonly id: string;
  readonly api: ApiConfig | undefined;
  readonly #keys: ApiKeys;
  readonly #grants: Grants;
  readonly #operations: OperationPaths | undefined;
  readonly #named: ReadonlyMap<string, string>;

  constructor(
    id: string,
    parts: {
      readonly api: ApiConfig | undefined;
      readonly keys: ApiKeys;
      readonly grants: Grants;
      readonly operations: OperationPaths | undefined;
    },
    named: ReadonlyMap<string, string>,
  ) {
    this.id = id;
    this.api = parts.api;
    this.#keys = parts.keys;
    this.#grants = parts.grants;
    this.#operations = parts.operations;
    this.#named = named;
  }

  /** False: the same request may be ruled otherwise later, as the OpenAPI document is fetched anew. */
  get stable(): boolean {
    return this.#operations === undefined;
  }

  /** Settles once requests can be ruled; undefined when they can. */
  get waiting(): Promise<unknown> | undefined {
    return this.#operations?.waiting;
  }

  /** False: a credential of this kind is looked at on the way (`auth/api-guard.ts`). */
  get atOnce(): boolean {
    return this.api?.auth.kind !== 'jwt' && this.api?.auth.kind !== 'ldap';
  }

  /** The application that a token of the API's namespace calls by this name. */
  applicationNamed(appId: string): string {
    const namespace = this.id.slice(0, this.id.indexOf('/'));
    return this.#named.get(`${namespace}/${appId}`) ?? undeclared(namespace, appId);
  }

  rule(request: RequestView): Ruling {
    const { id, api } = this;
    if (api === undefined) return refuse('forbidden', `The route belongs to API ${id}, which is not defined.`);
    const { auth } = api;
    switch (auth.kind) {
      case 'keyless':
        return KEYLESS;
      case 'jwt':
      case 'ldap':
        return refuse('unauthorized', `The credential for API ${id} was not looked at.`);
      case 'unsupported': {
        const { kind, namespace, name } = auth.source;
        return refuse('auth-unsupported', `API ${id} uses ${auth.method} (${kind} ${namespace}/${name}).`);
      }
      case 'api-key': {
        const key = presentedKey(auth, request);
        const application = key === undefined ? undefined : this.#keys.owner(key);
        if (application !== undefined) return this.authorise({ application }, request);
        const why = key === undefined ? 'carries no API key' : 'carries an API key that is unknown or suspended';
        const headers: readonly HeaderPair[] = [['WWW-Authenticate', challenge(auth, id)]];
        return refuse('unauthorized', `The request to API ${id} ${why}.`, { headers });
      }
    }
  }

  /** What a caller may do whose credential is right. */
  authorise({ application, claims }: Caller, request: RequestView): Ruling {
    const { id } = this;
    const grants = this.#grants.get(application);
    if (grants === undefined)
      return refuse('forbidden', `Application ${application} has no subscription to API ${id}.`, { application });
    const claimed = grants.some((grant) => grant.claims !== undefined)
      ? grants.filter((grant) => grant.claims?.(claims ?? NO_CLAIMS) !== false)
      : grants;
    if (claimed.length === 0) {
      const detail = `The claims are not what the subscriptions of application ${application} to API ${id} ask for.`;
      return refuse('forbidden', detail, { application });
    }
    let paths: readonly string[] | undefined;
    const grant = claimed.find(({ operations }) => {
      if (operations === undefined) return true;
      paths ??= this.#pathsOf(request);
      return holdsOne(operations, request.method, paths);
    });
    if (grant !== undefined) return grant.granted;
    const detail = `No subscription of application ${application} to API ${id} includes ${request.method} ${request.path}.`;
    return refuse('forbidden', detail, { application });
  }

  /** The path of a request, and what the OpenAPI document calls it. */
  #pathsOf({ method, path }: RequestView): readonly string[] {
    const known = this.#operations?.of(method, path);
    return known === undefined || known === path ? [path] : [path, known];
  }
}

function holdsOne(operations: readonly Operation[], method: string, paths: readonly string[]): boolean {
  return operations.some((holds) => holds(method, paths));
}

/** Takes the call from its plan, where one limits it. */
export function decided(ruling: Ruling): Decision {
  return ruling.allowed && ruling.take !== undefined ? ruling.take() : ruling;
}

function subscriptionsOf(config: GatewayConfig): Map<string, [string, SubscriptionConfig][]> {
  const byApi = new Map<string, [string, SubscriptionConfig][]>();
  const ordered = Object.entries(config.subscriptions).toSorted(
    ([idA, a], [idB, b]) => b.weight - a.weight || compare(a.name, b.name) || compare(idA, idB),
  );
  for (const entry of ordered) {
    for (const api of entry[1].apis) {
      const list = byApi.get(api);
      if (list === undefined) byApi.set(api, [entry]);
      else list.push(entry);
    }
  }
  return byApi;
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
  { headers = [], application }: { headers?: readonly HeaderPair[]; application?: string } = {},
): Refused {
  return { allowed: false, code, detail, headers, empty: false, application };
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
