import type { QueryValues } from './query-values.ts';

/** What matchers, policy and middlewares look at. `header` names are given in lower case. */
export interface RequestView {
  readonly method: string;
  /** Canonical host that stands in the manifests; null when the preview host stands for any. */
  readonly host: string | null;
  /** For rules: decoded but for reserved characters, `.` and `..` resolved (see `routingPath`). */
  readonly path: string;
  /** Without `?`; empty when there is none. */
  readonly rawQuery: string;
  /** Address of whoever asked the broker: a visitor, or a proxy in front of it, as for Traefik's rules. */
  readonly clientIp: string;
  header(name: string): string | undefined;
  headerValues(name: string): readonly string[];
  query(): QueryValues;
}
