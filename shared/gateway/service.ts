import type { ObjectRef } from '../manifests/types.ts';

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
