/** What one call asks of a plan. Keys name what consumes, never the plan: a new plan goes on from what was consumed. */
export interface Demand {
  readonly rate?: KeyedLimit | undefined;
  readonly quota?: KeyedLimit | undefined;
}

export interface Limit {
  readonly limit: number;
  readonly periodMs: number;
}

export interface KeyedLimit extends Limit {
  readonly key: string;
}

export type Verdict =
  | {
      readonly kind: 'allowed';
      /** The call waits for its token. */
      readonly delayMs: number;
      readonly rateLeft?: number | undefined;
      readonly quotaLeft?: number | undefined;
    }
  /** Nothing was consumed. */
  | { readonly kind: 'spent'; readonly by: 'rate' | 'quota'; readonly retryAfterMs: number }
  /** It is not known what was consumed. */
  | { readonly kind: 'away'; readonly reason: string; readonly refuse: boolean };

/** Where consumption is counted. A promise never rejects. */
export interface PlanStore {
  take(demand: Demand): Verdict | Promise<Verdict>;
  /** Gives back what a call took that went nowhere. */
  refund(demand: Demand): void;
}

/**
 * For how long a call may wait for its token, as Traefik's rate limit lets it: half the time of a token, and no longer than
 * half a second.
 */
export function longestDelayMs({ limit, periodMs }: Limit): number {
  const perSecond = (limit * 1000) / periodMs;
  return perSecond < 1 ? 500 : 1000 / (Math.floor(perSecond) * 2);
}
