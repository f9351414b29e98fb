/** A server of a service whose servers are watched by health checks, active or passive. */
export interface ServerState {
  /** Traefik's name of the service. */
  readonly service: string;
  readonly url: string;
  /** It gets requests. */
  readonly up: boolean;
}
