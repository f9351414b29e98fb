import { Bag, type Bagged } from '../shared/bag.ts';
import type { UpstreamConnection } from './upstream-connection.ts';
import type { Wire } from './wire.ts';

/** What a running try is told by its target. */
export interface RunningTry extends Bagged {
  readonly host: string;
  /** The target may be gone: go elsewhere if that is safe. */
  onTargetSuspect(): void;
  /** The host was taken from the target: nothing of it may go on there. */
  onHostTaken(): void;
}

/** What a target needs of its owner. */
export interface TargetLimits {
  readonly maxIdleStreams: number;
  readonly idleStreamMs: number;
  readonly maxInFlightPerTarget: number;
}

/** Share of a new sample in the average. */
const LATENCY_WEIGHT = 0.1;
/** An average without a new sample counts half after this time: a target that was slow once is tried again. */
const LATENCY_HALF_LIFE_MS = 1_000;
/** Below it latencies are taken for equal. */
const LATENCY_FLOOR_MS = 2;
/** The other choice must be cheaper by this factor, so that targets that are nearly equal share the load. */
const CLEARLY_CHEAPER = 1.5;

/** Where a request can go: a session of an agent, or a peer. Keeps idle connections and what balancing needs to know. */
export abstract class Target {
  abstract readonly kind: 'session' | 'peer';
  /** For logs. */
  abstract readonly name: string;
  readonly #running = new Bag<RunningTry>();
  readonly #whenIdle: (() => void)[] = [];
  readonly #idle: UpstreamConnection[] = [];
  readonly #limits: TargetLimits;
  #latencyMs = 0;
  #sampledAt = 0;

  constructor(limits: TargetLimits) {
    this.#limits = limits;
  }

  /** Whether a new request may go here. */
  abstract get usable(): boolean;
  /** Doubted, but not gone: better than nothing. */
  abstract get lastResort(): boolean;
  /** Trusted, and without room for a moment. */
  abstract get crowded(): boolean;
  /** A fresh wire; throws when there is none to be had, in which case nothing was delivered. */
  abstract open(): Wire;
  /** True when the peer certainly never saw the request that was written to this fresh wire. */
  abstract neverDelivered(wire: Wire, error: Error | undefined): boolean;
  /** A request got a response head. */
  succeeded(): void {}
  /** A wire ended before its response head. */
  failed(_error: Error | undefined): void {}

  begin(one: RunningTry): void {
    this.#running.add(one);
  }

  finish(one: RunningTry): void {
    this.#running.delete(one);
    if (this.#running.size > 0) return;
    for (const resolve of this.#whenIdle.splice(0)) resolve();
  }

  /** Resolves when no request runs. */
  idle(): Promise<void> {
    if (this.#running.size === 0) return Promise.resolve();
    return new Promise((resolve) => this.#whenIdle.push(resolve));
  }

  get inFlight(): number {
    return this.#running.size;
  }

  get full(): boolean {
    return this.#running.size >= this.#limits.maxInFlightPerTarget;
  }

  /** Lower is better. */
  cost(now: number): number {
    const latency = this.#latencyMs * 2 ** -(Math.max(0, now - this.#sampledAt) / LATENCY_HALF_LIFE_MS);
    return (this.#running.size + 1) * (latency + LATENCY_FLOOR_MS);
  }

  sampleLatency(latencyMs: number, now: number): void {
    this.#latencyMs += this.#sampledAt === 0 ? latencyMs : (latencyMs - this.#latencyMs) * LATENCY_WEIGHT;
    this.#sampledAt = now;
  }

  /** What was measured no longer tells anything. */
  protected forgetLatency(): void {
    this.#latencyMs = 0;
    this.#sampledAt = 0;
  }

  /** The idle connection used last, when it is young enough. */
  takeIdle(now: number): UpstreamConnection | undefined {
    const connection = this.#idle.at(-1);
    if (connection === undefined || now - connection.idleSince > this.#limits.idleStreamMs) return undefined;
    this.#idle.pop();
    return connection;
  }

  keepIdle(connection: UpstreamConnection): void {
    if (this.#idle.length >= this.#limits.maxIdleStreams || !this.usable) connection.discard();
    else this.#idle.push(connection);
  }

  forgetIdle(connection: UpstreamConnection): void {
    const at = this.#idle.indexOf(connection);
    if (at >= 0) this.#idle.splice(at, 1);
  }

  get idleConnections(): number {
    return this.#idle.length;
  }

  /** Ends idle connections that are too old, or all. */
  sweepIdle(now: number, all = false): void {
    let keepFrom = 0;
    for (const connection of this.#idle) {
      if (!all && now - connection.idleSince <= this.#limits.idleStreamMs) break;
      keepFrom += 1;
    }
    for (const connection of this.#idle.splice(0, keepFrom)) connection.discard();
  }

  protected endRunning(isTaken: (host: string) => boolean): void {
    for (const one of this.#running) if (isTaken(one.host)) one.onHostTaken();
  }

  protected tellSuspect(): void {
    for (const one of this.#running) one.onTargetSuspect();
  }
}

/** One that is doubted, when there is nothing better: the one with the least to do. */
export function lastResort<T extends Target>(
  targets: readonly T[],
  refused: ReadonlySet<Target> | undefined,
): T | undefined {
  return targets
    .filter((target) => target.lastResort && !target.full && refused?.has(target) !== true)
    .toSorted((a, b) => a.inFlight - b.inFlight)[0];
}

/**
 * Power of two random choices: two usable targets at random, the clearly cheaper one. `refused` are those that this request
 * must not be sent to again.
 */
export function chooseTarget<T extends Target>(
  targets: readonly T[],
  refused: ReadonlySet<Target> | undefined,
  now: number,
): T | undefined {
  const [only] = targets;
  if (targets.length === 1 && only !== undefined) return isFree(only, refused) ? only : undefined;
  let free = 0;
  for (const target of targets) if (isFree(target, refused)) free += 1;
  if (free === 0) return undefined;
  const first = nthFree(targets, refused, Math.floor(Math.random() * free));
  if (free === 1 || first === undefined) return first;
  let other = Math.floor(Math.random() * (free - 1));
  if (nthFree(targets, refused, other) === first) other = free - 1;
  const second = nthFree(targets, refused, other);
  return second !== undefined && second.cost(now) * CLEARLY_CHEAPER < first.cost(now) ? second : first;
}

function isFree(target: Target, refused: ReadonlySet<Target> | undefined): boolean {
  return target.usable && !target.full && refused?.has(target) !== true;
}

function nthFree<T extends Target>(
  targets: readonly T[],
  refused: ReadonlySet<Target> | undefined,
  index: number,
): T | undefined {
  let seen = 0;
  for (const target of targets) {
    if (!isFree(target, refused)) continue;
    if (seen === index) return target;
    seen += 1;
  }
  return undefined;
}
