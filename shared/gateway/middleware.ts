import type { ObjectRef } from '../manifests/types.ts';
import type { FilterConfig } from './filter.ts';

/** A Middleware object, read. Durations are milliseconds, patterns RE2. */
export type MiddlewareConfig =
  | StripPrefixConfig
  | StripPrefixRegexConfig
  | AddPrefixConfig
  | ReplacePathConfig
  | ReplacePathRegexConfig
  | HeadersConfig
  | RedirectSchemeConfig
  | RedirectRegexConfig
  | RateLimitConfig
  | InFlightReqConfig
  | IpAllowListConfig
  | BasicAuthConfig
  | DigestAuthConfig
  | ForwardAuthConfig
  | CompressConfig
  | RetryConfig
  | CircuitBreakerConfig
  | BufferingConfig
  | ErrorsConfig
  | ContentTypeConfig
  | FilterConfig;

interface Middleware<Kind extends string> {
  readonly kind: Kind;
  readonly source: ObjectRef;
}

/** The first prefix that fits is taken off. */
export interface StripPrefixConfig extends Middleware<'strip-prefix'> {
  readonly prefixes: readonly string[];
  readonly forceSlash: boolean;
}

export interface StripPrefixRegexConfig extends Middleware<'strip-prefix-regex'> {
  readonly patterns: readonly string[];
}

export interface AddPrefixConfig extends Middleware<'add-prefix'> {
  readonly prefix: string;
}

export interface ReplacePathConfig extends Middleware<'replace-path'> {
  readonly path: string;
}

export interface ReplacePathRegexConfig extends Middleware<'replace-path-regex'> {
  readonly pattern: string;
  readonly replacement: string;
}

export interface HeadersConfig extends Middleware<'headers'> {
  /** Empty value removes the header. */
  readonly request: Readonly<Record<string, string>>;
  readonly response: Readonly<Record<string, string>>;
  readonly cors?: CorsConfig | undefined;
  readonly secure?: SecureHeadersConfig | undefined;
}

/** The CORS part of Traefik's headers middleware; of an API of the hub too. */
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

export interface SecureHeadersConfig {
  /** Set in every answer. */
  readonly always: Readonly<Record<string, string>>;
  /** Set in answers to visitors that came by TLS. */
  readonly overTls: Readonly<Record<string, string>>;
  /** A header of this name and value tells that the visitor came by TLS. */
  readonly tlsHeaders: Readonly<Record<string, string>>;
  /** Empty: any. */
  readonly allowedHosts: readonly string[];
  /** Headers that may hold the host, the first that is there. */
  readonly hostHeaders: readonly string[];
}

export interface RedirectSchemeConfig extends Middleware<'redirect-scheme'> {
  readonly scheme: string;
  /** Empty: that of the scheme. */
  readonly port: string;
  readonly permanent: boolean;
}

export interface RedirectRegexConfig extends Middleware<'redirect-regex'> {
  readonly pattern: string;
  readonly replacement: string;
  readonly permanent: boolean;
}

/** How the address of a caller is found. */
export type AddressStrategy =
  | { readonly kind: 'peer'; readonly ipv6Subnet?: number | undefined }
  /** Place in X-Forwarded-For, from the right, from 1. */
  | { readonly kind: 'depth'; readonly depth: number; readonly ipv6Subnet?: number | undefined }
  /** The last of X-Forwarded-For that is none of these. */
  | { readonly kind: 'excluded'; readonly addresses: readonly string[] };

/** What tells callers apart. */
export type CallerSource =
  | { readonly kind: 'address'; readonly strategy: AddressStrategy }
  | { readonly kind: 'header'; readonly name: string }
  | { readonly kind: 'host' };

export interface RateLimitConfig extends Middleware<'rate-limit'> {
  /** Calls within the period; 0: no limit. */
  readonly average: number;
  readonly periodMs: number;
  readonly burst: number;
  readonly caller: CallerSource;
}

export interface InFlightReqConfig extends Middleware<'in-flight-req'> {
  readonly amount: number;
  readonly caller: CallerSource;
}

export interface IpAllowListConfig extends Middleware<'ip-allow-list'> {
  readonly ranges: readonly string[];
  readonly strategy: AddressStrategy;
  readonly rejectStatus: number;
}

interface PasswordAuth {
  readonly realm: string;
  readonly removeHeader: boolean;
  readonly headerField?: string | undefined;
}

/** User → digest of the password, as htpasswd writes it: bcrypt, apr1 or `{SHA}`. */
export interface BasicAuthConfig extends Middleware<'basic-auth'>, PasswordAuth {
  readonly users: Readonly<Record<string, string>>;
}

/** `USER:REALM` → MD5 of `USER:REALM:PASSWORD`. */
export interface DigestAuthConfig extends Middleware<'digest-auth'>, PasswordAuth {
  readonly users: Readonly<Record<string, string>>;
}

export interface ForwardAuthConfig extends Middleware<'forward-auth'> {
  readonly address: string;
  /** Key into `services`, when the address is one of the cluster's own. */
  readonly service?: string | undefined;
  readonly trustForwardHeader: boolean;
  readonly responseHeaders: readonly string[];
  readonly responseHeadersPattern?: string | undefined;
  /** Empty: all. */
  readonly requestHeaders: readonly string[];
  readonly responseCookies: readonly string[];
  readonly forwardBody: boolean;
  /** Undefined: as large as the gateway keeps. */
  readonly maxBodyBytes?: number | undefined;
  readonly maxResponseBytes?: number | undefined;
  readonly keepLocation: boolean;
  readonly keepMethod: boolean;
  readonly tls?:
    | {
        readonly insecureSkipVerify: boolean;
        readonly ca?: string | undefined;
        readonly cert?: string | undefined;
        readonly key?: string | undefined;
      }
    | undefined;
}

export type Encoding = 'gzip' | 'br' | 'zstd';

export interface CompressConfig extends Middleware<'compress'> {
  /** The best first. */
  readonly encodings: readonly Encoding[];
  readonly defaultEncoding?: Encoding | undefined;
  readonly minBytes: number;
  /** Media types; at most one of the lists has any. */
  readonly excluded: readonly string[];
  readonly included: readonly string[];
}

export interface RetryConfig extends Middleware<'retry'> {
  readonly attempts: number;
  readonly initialIntervalMs: number;
}

export interface CircuitBreakerConfig extends Middleware<'circuit-breaker'> {
  readonly expression: string;
  readonly checkPeriodMs: number;
  readonly fallbackMs: number;
  readonly recoveryMs: number;
  readonly status: number;
}

export interface BufferingConfig extends Middleware<'buffering'> {
  /** Undefined: as large as the gateway keeps. */
  readonly maxRequestBytes?: number | undefined;
  readonly maxResponseBytes?: number | undefined;
  readonly retryExpression?: string | undefined;
}

export interface ErrorsConfig extends Middleware<'errors'> {
  readonly ranges: readonly StatusRange[];
  readonly rewrites: readonly { readonly from: StatusRange; readonly to: number }[];
  /** Key into `services`. */
  readonly service: string;
  readonly query: string;
}

/** Both ends belong to it. */
export type StatusRange = readonly [low: number, high: number];

/** Finds out the type of an answer that names none. */
export interface ContentTypeConfig extends Middleware<'content-type'> {
  readonly detect: true;
}
