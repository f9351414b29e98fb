import type { OwnAnswer } from '../own-answer.ts';
import type { RequestView } from '../request-view.ts';
import type { UpstreamTarget } from '../upstream-target.ts';

/** What routes and other services send requests to. */
export interface Service {
  /** Chooses for one request; a request that is tried again is chosen for again. */
  choose(request: RequestView): Choice | Refusal;
}

/** The server that gets a request. */
export interface Choice {
  readonly kind: 'server';
  readonly target: UpstreamTarget;
  readonly passHostHeader: boolean;
  /** Values of `Set-Cookie`, for before those of the upstream. */
  readonly cookies: readonly string[];
  /** Every request gets this very choice, so that what it came to may be kept. */
  readonly constant: boolean;
}

/** No server: the answer is the gateway's own. */
export interface Refusal {
  readonly kind: 'refused';
  readonly answer: OwnAnswer;
}
