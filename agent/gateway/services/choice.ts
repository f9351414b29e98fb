import type { OwnAnswer } from '../own-answer.ts';
import type { UpstreamTarget } from '../upstream-target.ts';

/** What routes and other services send requests to. */
export interface Service {
  /** Chooses for one request; a request that is tried again is chosen for again. */
  choose(basis: ChoiceBasis): Choice | Refusal;
}

/** What a choice depends on. */
export interface ChoiceBasis {
  /** Address of the visitor as the broker saw it. */
  readonly clientIp: string;
  /** The name in lower case. */
  headerValues(name: string): readonly string[];
}

/** The server that gets a request. */
export interface Choice {
  readonly kind: 'server';
  /** Traefik's name of the service that has the server. */
  readonly service: string;
  readonly target: UpstreamTarget;
  readonly passHostHeader: boolean;
  /** Values of `Set-Cookie`, for before those of the upstream. */
  readonly cookies: readonly string[];
  /** Who gets a copy of the request, once it was answered. */
  readonly mirrors: readonly Mirror[];
  /** Every request gets this very choice, so that what it came to may be kept. */
  readonly constant: boolean;
}

/** No server: the answer is the gateway's own. */
export interface Refusal {
  readonly kind: 'refused';
  readonly answer: OwnAnswer;
  readonly cookies: readonly string[];
}

export interface Mirror {
  readonly service: Service;
  readonly mirrorBody: boolean;
  /** A request with a larger body is not copied. */
  readonly maxBodyBytes: number;
}

export const NO_COOKIES: readonly string[] = [];
export const NO_MIRRORS: readonly Mirror[] = [];
