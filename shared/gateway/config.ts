import type { ObjectRef } from '../manifests/types.ts';
import type { AccessPolicyConfig, AuthConfig } from './auth.ts';
import type { Matcher } from './matcher.ts';
import type { CorsConfig, MiddlewareConfig } from './middleware.ts';
import type { OpenApiConfig } from './open-api.ts';
import type { PlanConfig } from './plan.ts';
import type { BackendConfig, ServiceConfig, TransportConfig, UpstreamConfig } from './service.ts';

export type { AuthConfig } from './auth.ts';
export type { Matcher } from './matcher.ts';
export type { CorsConfig, MiddlewareConfig } from './middleware.ts';
export type { Bucket, PlanConfig } from './plan.ts';
export type { BackendConfig, ServiceConfig, TransportConfig, UpstreamConfig } from './service.ts';

/**
 * What the compiler makes of the manifests and the agent's gateway serves: plain, serialisable data. Secrets appear
 * only as SHA-256 digests (hex), but for the client certificates of `transports` and what `auth` must know in clear: signing
 * secrets, and passwords for directories and providers. It never leaves the agent. Ids are `NAMESPACE/NAME` unless said
 * otherwise.
 */
export interface GatewayConfig {
  /** Hosts that the rules name, in order of first appearance, canonical. Each gets a preview host of its own. */
  readonly hosts: readonly string[];
  /** Sorted: highest priority first, ties by name, so that the first match wins. */
  readonly routes: readonly RouteConfig[];
  /** By Traefik's name of the service. */
  readonly services: Readonly<Record<string, ServiceConfig>>;
  readonly upstreams: Readonly<Record<string, UpstreamConfig>>;
  readonly transports: Readonly<Record<string, TransportConfig>>;
  readonly apis: Readonly<Record<string, ApiConfig>>;
  /** APIVersions: what they say comes before what their API says, for routes that are attached to them. */
  readonly versions?: Readonly<Record<string, VersionConfig>> | undefined;
  readonly applications: Readonly<Record<string, ApplicationConfig>>;
  readonly subscriptions: Readonly<Record<string, SubscriptionConfig>>;
  readonly plans: Readonly<Record<string, PlanConfig>>;
  /** By `API NAMESPACE/NAME` and `APIVersion NAMESPACE/NAME`; that of a version comes before that of its API. */
  readonly openApis?: Readonly<Record<string, OpenApiConfig>> | undefined;
  /** AccessControlPolicies by name. */
  readonly policies?: Readonly<Record<string, AccessPolicyConfig>> | undefined;
}

export interface RouteConfig {
  /** Unique and stable: `KIND/NAMESPACE/NAME#INDEX`. */
  readonly id: string;
  readonly source: ObjectRef;
  readonly match: Matcher;
  readonly priority: number;
  /** Applied in order. */
  readonly middlewares: readonly MiddlewareConfig[];
  /** Never empty. */
  readonly backends: readonly BackendConfig[];
  /** Set when the route is attached to a managed API: its policy is enforced before the middlewares. */
  readonly api?: string | undefined;
  readonly apiVersion?: string | undefined;
  /** Keys into `policies`: enforced in order, before the API's own policy. */
  readonly policies?: readonly string[] | undefined;
}

export interface ApiConfig {
  readonly source: ObjectRef;
  readonly title?: string | undefined;
  readonly auth: AuthConfig;
  readonly cors?: CorsConfig | undefined;
  /** By name. */
  readonly operationSets: Readonly<Record<string, readonly OperationMatcher[]>>;
}

export interface VersionConfig {
  readonly source: ObjectRef;
  /** Key into `apis`: those that list the version. */
  readonly apis: readonly string[];
  readonly cors?: CorsConfig | undefined;
  readonly operationSets: Readonly<Record<string, readonly OperationMatcher[]>>;
}

export interface OperationMatcher {
  readonly methods: readonly string[];
  readonly path?: string | undefined;
  readonly pathPrefix?: string | undefined;
  readonly pathRegex?: string | undefined;
}

export interface ApplicationConfig {
  readonly source: ObjectRef;
  readonly appId: string;
  readonly keys: readonly {
    readonly title?: string | undefined;
    readonly sha256: string;
    readonly suspended: boolean;
  }[];
}

export interface SubscriptionConfig {
  readonly source: ObjectRef;
  readonly name: string;
  /** Keys into `apis`, resolved from names, selectors and bundles. */
  readonly apis: readonly string[];
  /** Keys into `applications`. */
  readonly applications: readonly string[];
  /** Applications that no ManagedApplication declares, as tokens name them. */
  readonly appIds?: readonly string[] | undefined;
  /** A claim expression that must hold for the credential; see `claim-expression.ts`. */
  readonly claims?: string | undefined;
  /** Key into `plans`. */
  readonly plan?: string | undefined;
  /** Highest wins; tie: first name in alphabetical order. */
  readonly weight: number;
  /** Absent: every operation. Empty: none. Names of operation sets. */
  readonly operations?: readonly string[] | undefined;
}
