import type { ObjectRef } from '../manifests/types.ts';

/**
 * What the compiler makes of the manifests and the agent's gateway serves: plain, serialisable data. Secrets appear
 * only as SHA-256 digests (hex). Ids are `NAMESPACE/NAME` unless said otherwise.
 */
export interface GatewayConfig {
  /** Hosts that the rules name, in order of first appearance, canonical. Each gets a preview host of its own. */
  readonly hosts: readonly string[];
  /** Sorted: highest priority first, ties by name, so that the first match wins. */
  readonly routes: readonly RouteConfig[];
  readonly upstreams: Readonly<Record<string, UpstreamConfig>>;
  readonly apis: Readonly<Record<string, ApiConfig>>;
  readonly applications: Readonly<Record<string, ApplicationConfig>>;
  readonly subscriptions: Readonly<Record<string, SubscriptionConfig>>;
  readonly plans: Readonly<Record<string, PlanConfig>>;
}

export interface RouteConfig {
  /** Unique and stable: `KIND/NAMESPACE/NAME#INDEX`. */
  readonly id: string;
  readonly source: ObjectRef;
  readonly match: Matcher;
  readonly priority: number;
  /** Applied in order. */
  readonly middlewares: readonly MiddlewareConfig[];
  /** One is chosen by weight; weight 0 never is. Never empty. */
  readonly backends: readonly BackendConfig[];
  /** Set when the route is attached to a managed API: its policy is enforced before the middlewares. */
  readonly api?: string | undefined;
  readonly apiVersion?: string | undefined;
}

export interface BackendConfig {
  /** Key into `upstreams`. */
  readonly upstream: string;
  readonly weight: number;
  /** Traefik's `passHostHeader`; default true. */
  readonly passHostHeader: boolean;
}

/** A Service port: `NAMESPACE/NAME:PORT`, PORT a number or the port's name. */
export interface UpstreamConfig {
  readonly namespace: string;
  readonly service: string;
  readonly port: string;
  /** Where it is reached, when the manifests say so themselves (ExternalName); the workspace's `upstreams:` come first. */
  readonly url?: string | undefined;
  readonly source: ObjectRef;
}

/** Traefik's rule language, after parsing. `pathPrefix` is a plain string prefix, as Traefik's is. */
export type Matcher =
  | { readonly kind: 'all'; readonly of: readonly Matcher[] }
  | { readonly kind: 'any'; readonly of: readonly Matcher[] }
  | { readonly kind: 'not'; readonly of: Matcher }
  | { readonly kind: 'host'; readonly host: string }
  | { readonly kind: 'host-regexp'; readonly pattern: string }
  | { readonly kind: 'path'; readonly path: string }
  | { readonly kind: 'path-prefix'; readonly prefix: string }
  /** Ingress `pathType: Prefix`: whole path elements. */
  | { readonly kind: 'path-elements'; readonly prefix: string }
  | { readonly kind: 'path-regexp'; readonly pattern: string }
  | { readonly kind: 'method'; readonly method: string }
  | { readonly kind: 'header'; readonly name: string; readonly value: string }
  | { readonly kind: 'header-regexp'; readonly name: string; readonly pattern: string }
  | { readonly kind: 'query'; readonly name: string; readonly value?: string | undefined }
  | { readonly kind: 'query-regexp'; readonly name: string; readonly pattern: string }
  | { readonly kind: 'client-ip'; readonly cidr: string };

export type MiddlewareConfig =
  | { readonly kind: 'strip-prefix'; readonly source: ObjectRef; readonly prefixes: readonly string[] }
  | {
      readonly kind: 'headers';
      readonly source: ObjectRef;
      /** Empty value removes the header. */
      readonly request: Readonly<Record<string, string>>;
      readonly response: Readonly<Record<string, string>>;
    };

export interface ApiConfig {
  readonly source: ObjectRef;
  readonly title?: string | undefined;
  readonly auth: AuthConfig;
  readonly cors?: CorsConfig | undefined;
  /** Operation sets by name; of the API or of the version that the route is attached to. */
  readonly operationSets: Readonly<Record<string, readonly OperationMatcher[]>>;
}

export interface CorsConfig {
  readonly allowOrigins: readonly string[];
  readonly allowOriginPatterns: readonly string[];
  readonly allowMethods: readonly string[];
  readonly allowHeaders: readonly string[];
  readonly exposeHeaders: readonly string[];
  readonly allowCredentials: boolean;
  readonly maxAgeSeconds?: number | undefined;
  readonly addVaryHeader: boolean;
}

export type AuthConfig =
  /** No credential is looked at; `source` tells why. */
  | { readonly kind: 'keyless'; readonly source?: ObjectRef | undefined }
  /** Sources are tried in order: header, then query. The default is `Authorization: Bearer` and `api_key`. */
  | {
      readonly kind: 'api-key';
      readonly source?: ObjectRef | undefined;
      readonly header?: string | undefined;
      readonly scheme?: string | undefined;
      readonly query?: string | undefined;
    }
  /** Known but not served yet: every request gets 501, and a diagnostic says so. */
  | { readonly kind: 'unsupported'; readonly source: ObjectRef; readonly method: string };

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
  /** Key into `plans`. */
  readonly plan?: string | undefined;
  /** Highest wins; tie: first name in alphabetical order. */
  readonly weight: number;
  /** Absent: every operation. Empty: none. Names of operation sets. */
  readonly operations?: readonly string[] | undefined;
}

export type Bucket = 'subscription' | 'application-api' | 'application';

export interface PlanConfig {
  readonly source: ObjectRef;
  /** Token bucket, refilled at `limit` per `periodMs`. */
  readonly rateLimit?: { readonly limit: number; readonly periodMs: number; readonly bucket: Bucket } | undefined;
  /** Sliding window. */
  readonly quota?: { readonly limit: number; readonly periodMs: number; readonly bucket: Bucket } | undefined;
}
