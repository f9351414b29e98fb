import type { Ask } from './exchange.ts';

/** Manifests, and what is asked of both gateways while they are applied. */
export interface ConformanceCase {
  /** What it shows; unique. Its part before the colon groups the document. */
  readonly name: string;
  /** `${PORT}` is the Services' port, `${ENTRYPOINT}` Traefik's; `${PREFIX}` goes before the targets of what is stateful. */
  readonly manifests: string;
  readonly asks: readonly Ask[];
  /** Headers that may differ in this case, with the reason. */
  readonly allowed?: { readonly headers: readonly string[]; readonly why: string };
  /**
   * Asking changes what is answered. `turns`: one request again and again, answered by services in turn; how often each
   * answers is compared, as Traefik shuffles them anew at each start and sums fractions of turns.
   */
  readonly stateful?: 'counted' | 'turns';
}
