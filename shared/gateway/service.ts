import type { ObjectRef } from '../manifests/types.ts';

/**
 * One share of a route. One of several is chosen by weight, as by a service of kind `weighted` without a cookie; weight 0
 * never is. When none can be, the answer is 503.
 */
export interface BackendConfig {
  /** Key into `services`. */
  readonly service: string;
  readonly weight: number;
  /** The gateway answers this status itself, without a body: what a backendRef of an HTTPRoute that leads nowhere gets. */
  readonly status?: number | undefined;
  /** With `status`: as JSON of this gRPC status, which is what a backendRef of a GRPCRoute gets. */
  readonly grpcStatus?: { readonly code: number; readonly message: string } | undefined;
  /** The status where nothing says where the service runs, when another than 503 is wanted. */
  readonly unknownStatus?: number | undefined;
}

/** What a route or another service sends requests to. Never in a circle. */
export type ServiceConfig = LoadBalancerConfig | WeightedConfig | HighestRandomWeightConfig | MirroringConfig;

export type Strategy = 'wrr' | 'p2c' | 'hrw' | 'leasttime';
export type UpstreamScheme = 'http' | 'https' | 'h2c';

/** Chooses among the servers of a Service port. */
export interface LoadBalancerConfig {
  readonly kind: 'load-balancer';
  /** Traefik's name of it, with provider: `shop-web-80@kubernetescrd`. Default cookie names and cookie values are made of it. */
  readonly name: string;
  /** Key into `upstreams`. */
  readonly upstream: string;
  readonly scheme: UpstreamScheme;
  /** The visitor's `Host` goes upstream; else the server's own. */
  readonly passHostHeader: boolean;
  readonly strategy: Strategy;
  readonly sticky?: StickyConfig | undefined;
  readonly healthCheck?: HealthCheckConfig | undefined;
  readonly passiveHealthCheck?: PassiveHealthCheckConfig | undefined;
  /** Key into `transports`. */
  readonly transport?: string | undefined;
}

/** Smooth weighted round robin over services: n requests split exactly by weight. */
export interface WeightedConfig {
  readonly kind: 'weighted';
  readonly name: string;
  readonly services: readonly WeightedService[];
  readonly sticky?: StickyConfig | undefined;
}

/** The same visitor address gets the same service. */
export interface HighestRandomWeightConfig {
  readonly kind: 'highest-random-weight';
  readonly name: string;
  readonly services: readonly WeightedService[];
}

export interface WeightedService {
  /** Key into `services`. */
  readonly service: string;
  readonly weight: number;
}

/** `service` answers; each mirror gets a copy of `percent` of the requests, and its answer is dropped. */
export interface MirroringConfig {
  readonly kind: 'mirroring';
  readonly name: string;
  readonly service: string;
  readonly mirrors: readonly { readonly service: string; readonly percent: number }[];
  readonly mirrorBody: boolean;
  /** A request with a larger body is not copied; -1: as large as the gateway keeps. */
  readonly maxBodyBytes: number;
}

export interface StickyConfig {
  /** Already as Traefik makes it: cleaned, or its default of five hex digits. */
  readonly cookie: string;
  readonly secure: boolean;
  readonly httpOnly: boolean;
  readonly sameSite?: 'none' | 'lax' | 'strict' | undefined;
  /** Seconds. 0: no `Max-Age`; below 0: `Max-Age=0`. */
  readonly maxAge: number;
  readonly path: string;
  readonly domain?: string | undefined;
}

export interface HealthCheckConfig {
  readonly mode: 'http' | 'grpc';
  readonly scheme?: string | undefined;
  readonly path: string;
  readonly method: string;
  /** Absent: any status from 200 to 399. */
  readonly status?: number | undefined;
  readonly port?: number | undefined;
  readonly hostname?: string | undefined;
  readonly headers: Readonly<Record<string, string>>;
  readonly followRedirects: boolean;
  readonly intervalMs: number;
  readonly unhealthyIntervalMs: number;
  readonly timeoutMs: number;
}

/** A server that failed this often within the window gets nothing for as long as the window. */
export interface PassiveHealthCheckConfig {
  readonly failureWindowMs: number;
  readonly maxFailedAttempts: number;
}

/** A ServersTransport. */
export interface TransportConfig {
  readonly source: ObjectRef;
  /** For SNI and the check of the certificate, in place of the server's name. */
  readonly serverName?: string | undefined;
  readonly insecureSkipVerify: boolean;
  /** PEM. Empty: what the machine trusts. */
  readonly rootCAs: readonly string[];
  /** PEM. The one place of a configuration that holds secrets in clear: they are needed to prove who calls. */
  readonly certificates: readonly { readonly cert: string; readonly key: string }[];
  /** A URI that the server's certificate must carry, in place of a name. */
  readonly peerCertURI?: string | undefined;
  readonly disableHttp2: boolean;
  /** Idle connections kept for a server; 0: the gateway's own bound; below 0: none. */
  readonly maxIdleConnsPerHost: number;
  /** 0: no limit of the transport's own. */
  readonly dialTimeoutMs: number;
  readonly responseHeaderTimeoutMs: number;
  readonly idleConnTimeoutMs: number;
  /** HTTP/2: a ping is sent after this long without a frame, and its answer awaited for `pingTimeoutMs`. 0: never. */
  readonly readIdleTimeoutMs: number;
  readonly pingTimeoutMs: number;
}

/** A Service port: `NAMESPACE/NAME:PORT`, PORT a number or the port's name. */
export interface UpstreamConfig {
  readonly namespace: string;
  readonly service: string;
  readonly port: string;
  /**
   * Where it is reached, when the manifests say so themselves (ExternalName, EndpointSlices); the workspace's `upstreams:`
   * come first. Absent: the manifests do not say. Empty: they say that nothing serves it.
   */
  readonly servers?: readonly ServerConfig[] | undefined;
  /** The Service is not among the files. Traefik makes no route that leads there; the workspace may know better. */
  readonly missing?: true | undefined;
  readonly source: ObjectRef;
}

export interface ServerConfig {
  /** `HOST:PORT`, IPv6 addresses in brackets. */
  readonly address: string;
  /** Terminating: serves those that a cookie leads to it, and no others. */
  readonly fenced?: boolean | undefined;
}
