import { RateLimiter } from '../shared/limits/rate-limiter.ts';
import type { BrokerLimits } from './options.ts';

/** Addresses of which the use is remembered; beyond them the one unused for longest starts afresh. */
const MAX_ADDRESSES = 50_000;

/** What one address may use of a listener. Tables are bounded: by open connections, and by `MAX_ADDRESSES`. */
export class AddressLimits {
  readonly #maxConnections: number;
  readonly #connections = new Map<string, number>();
  readonly #requests: RateLimiter | undefined;
  readonly #handshakes: RateLimiter | undefined;

  constructor(limits: BrokerLimits) {
    this.#maxConnections = limits.maxConnectionsPerAddress;
    this.#requests = limiter(limits.requestsPerSecondPerAddress, limits.requestBurstPerAddress);
    this.#handshakes = limiter(limits.tlsHandshakesPerSecondPerAddress, limits.tlsHandshakeBurstPerAddress);
  }

  /** Counts a connection until `disconnect`; false when there are too many. */
  connect(group: string): boolean {
    const already = this.#connections.get(group) ?? 0;
    if (already >= this.#maxConnections) return false;
    this.#connections.set(group, already + 1);
    return true;
  }

  disconnect(group: string): void {
    const left = (this.#connections.get(group) ?? 1) - 1;
    if (left > 0) this.#connections.set(group, left);
    else this.#connections.delete(group);
  }

  mayHandshake(group: string): boolean {
    return this.#handshakes === undefined || this.#handshakes.take(group, performance.now()) === 0;
  }

  mayAsk(group: string): boolean {
    return this.#requests === undefined || this.#requests.take(group, performance.now()) === 0;
  }
}

/** 0: no limit. */
function limiter(perSecond: number, burst: number): RateLimiter | undefined {
  return perSecond === 0 ? undefined : new RateLimiter({ perSecond, burst: Math.max(1, burst) }, MAX_ADDRESSES);
}
