import type { Logger } from 'pino';
import type { BrokerMetrics } from './metrics.ts';
import type { BrokerLimits } from './options.ts';
import type { Target } from './target.ts';

/** Where the hosts are: what a request needs of the rest of the broker. */
export interface Edge {
  readonly limits: BrokerLimits;
  readonly log: Logger;
  readonly metrics: BrokerMetrics;
  readonly peerSecret: string | undefined;
  readonly draining: boolean;
  /** Knows all ways to a host there are; a pure tunnel broker knows its own only. */
  readonly relays: boolean;
  /** Live sessions that may serve the host. */
  sessionsFor(host: string): readonly Target[];
  /** Peers that say they serve it; empty when this broker is no edge. */
  peersFor(host: string): readonly Target[];
  /** True when the host was served not long ago: 503 instead of 404. */
  wasServed(host: string): boolean;
}
