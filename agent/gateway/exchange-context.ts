import type { HeaderPair } from '../../shared/http1/header-list.ts';
import type { Recorder } from '../recorder/recorder.ts';
import type { OutgoingRequest } from './middlewares/outgoing-request.ts';
import type { Routed } from './route-request.ts';
import type { Choice } from './services/choice.ts';
import type { Copies } from './services/copies.ts';
import type { Serving } from './serving.ts';
import type { UpstreamPool } from './upstream-pool.ts';

export interface ExchangeContext {
  readonly serving: Serving | undefined;
  /** Why there is no `serving`. */
  readonly idleReason: string;
  readonly pool: UpstreamPool;
  readonly copies: Copies;
  readonly recorder: Recorder;
  readonly broker: string;
  readonly responseTimeoutMs: number;
  /** By the fields of requests that come again and again on a stream: what they came to under this configuration. */
  readonly known: WeakMap<readonly HeaderPair[], KnownRequest>;
  newId(): string;
}

export interface KnownRequest {
  readonly method: string;
  readonly target: string;
  readonly routed: Routed;
  /** The head for the upstream. */
  readonly head: Buffer;
  readonly choice: Choice;
  readonly outgoing: OutgoingRequest;
}

/** The visitor's side of an exchange: one stream of a tunnel. */
export interface Visitor {
  /** False: the visitor is slower; wait for `visitorDrained`. */
  write(bytes: Uint8Array): boolean;
  /** The upstream takes more of the request again. */
  more(): void;
  /** The response is complete. */
  done(): void;
  /** The answer cannot be completed. */
  reset(): void;
  /** The stream carries another protocol from now on; what the visitor sent already comes through `requestBody`. */
  upgraded(): void;
  /** The upstream ended its direction of the other protocol. */
  endUpgraded(): void;
}
