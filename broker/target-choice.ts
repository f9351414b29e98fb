import type { Edge } from './edge.ts';
import type { ExchangeRequest } from './exchange.ts';
import { chooseTarget, lastResort } from './target.ts';
import type { Target } from './target.ts';

/** For how long a request waits for a way that may be there in a moment. */
const PARKED_MS = 6_000;
/** For how long a broker holds an edge's request on a session that is silent, before the edge may think anew. */
const STUCK_MS = 1_000;
/** How often those that had only a doubted session are asked again. */
const MAX_ROUNDS = 2;

/** Where one request may go: the usable targets first, and what is doubted before giving up. */
export class TargetChoice {
  readonly #edge: Edge;
  readonly #request: ExchangeRequest;
  /** Not to be tried again, and those left alone while there are others. */
  #refused: Set<Target> | undefined;
  #doubted: Set<Target> | undefined;
  #told = false;
  #rounds = 0;
  /** Tries that delivered nothing. */
  declined = 0;

  constructor(edge: Edge, request: ExchangeRequest) {
    this.#edge = edge;
    this.#request = request;
  }

  /** The next to try. */
  next(now: number): Target | undefined {
    const best = this.best(now);
    // Whoever knows of no other way waits for the one that is doubted: it may have had no processor for a second.
    const mayWait = this.#request.relayed ? this.#request.othersElsewhere !== true : this.#edge.relays;
    if (best !== undefined || !mayWait) return best;
    const { host, relayed } = this.#request;
    const last =
      lastResort(this.#edge.sessionsFor(host), this.#refused) ??
      (relayed ? undefined : lastResort(this.#edge.peersFor(host), this.#refused));
    if (last !== undefined || this.#doubted === undefined || this.#rounds >= MAX_ROUNDS) return last;
    this.#rounds += 1;
    for (const target of this.#doubted) this.#refused?.delete(target);
    this.#doubted = undefined;
    return this.next(now);
  }

  /** One that is not doubted. */
  best(now: number): Target | undefined {
    const { host, relayed } = this.#request;
    const session = chooseTarget(this.#edge.sessionsFor(host), this.#refused, now);
    return session ?? (relayed ? undefined : chooseTarget(this.#edge.peersFor(host), this.#refused, now));
  }

  /**
   * Whether the request may wait for a better moment, in which all that refused it are asked again: a session has no
   * room, or all are doubted. Nobody waits for a host that has no session any more.
   */
  park(startedAt: number, now: number): boolean {
    const { host, relayed, othersElsewhere } = this.#request;
    if (now - startedAt > PARKED_MS) return false;
    const ways = [...this.#edge.sessionsFor(host), ...(relayed ? [] : this.#edge.peersFor(host))];
    const mayCome = ways.some((way) => way.crowded || (othersElsewhere !== true && (way.usable || way.lastResort)));
    if (!mayCome || (!relayed && !this.#edge.relays && !ways.some((way) => way.crowded))) return false;
    this.#refused = undefined;
    this.#doubted = undefined;
    this.#rounds = 0;
    return true;
  }

  /** Whether `target` is to be told that there are others: it answers at once then rather than wait. */
  othersBeside(target: Target): boolean {
    this.#told = this.#edge
      .peersFor(this.#request.host)
      .some((other) => other !== target && other.usable && this.#refused?.has(other) !== true);
    return this.#told;
  }

  /** Whether the edge should be asked again: one of those that it passed over may answer by now. */
  isStuck(target: Target, sinceMs: number): boolean {
    return this.#request.relayed && sinceMs > STUCK_MS && !target.usable && target.lastResort;
  }

  /** `undelivered`: it was certainly not sent the request. */
  refuse(target: Target, undelivered = false): void {
    if (undelivered) this.declined += 1;
    this.#refused ??= new Set();
    this.#refused.add(target);
  }

  /** Others are better; it may be tried again when they are not. */
  doubt(target: Target): void {
    this.refuse(target);
    this.#doubted ??= new Set();
    this.#doubted.add(target);
  }

  /** The last one tried answered by itself; `undelivered`: and passed nothing on. */
  decline(target: Target, undelivered: boolean): void {
    this.refuse(target, undelivered);
    if (this.#told) this.doubt(target);
  }
}
