import type { Logger } from 'pino';
import type { BrokerEvent } from './options.ts';
import type { RoutingTable } from './routing-table.ts';
import type { TunnelSession } from './tunnel-session.ts';

const REPLACED_GRACE_MS = 10_000;
/** One that serves, those that it replaced and that finish what runs, and those that have said nothing yet. */
const MAX_SESSIONS_PER_AGENT = 32;
const SWEEP_MS = 1_000;
/** Share of the most sessions above which agents are asked to move. */
const CROWDED = 0.9;
const ASK_AGAIN_MS = 60_000;

/** All sessions of this broker: one live session an agent, the newest generation wins. */
export class SessionRegistry {
  readonly #table: RoutingTable;
  readonly #log: Logger;
  readonly #onEvent: (event: BrokerEvent) => void;
  readonly #sessions = new Set<TunnelSession>();
  /** By agent: the one that has the hosts. */
  readonly #current = new Map<string, TunnelSession>();
  readonly #counts = new Map<string, number>();
  readonly #askedAt = new WeakMap<TunnelSession, number>();
  readonly #crowdedAbove: number;
  readonly #sweeper: NodeJS.Timeout;

  constructor(table: RoutingTable, maxSessions: number, log: Logger, onEvent: (event: BrokerEvent) => void) {
    this.#crowdedAbove = Math.max(1, maxSessions * CROWDED);
    this.#table = table;
    this.#log = log;
    this.#onEvent = onEvent;
    this.#sweeper = setInterval(() => this.#sweep(), SWEEP_MS);
    this.#sweeper.unref();
  }

  get size(): number {
    return this.#sessions.size;
  }

  get live(): number {
    return this.#current.size;
  }

  get streams(): number {
    let streams = 0;
    for (const session of this.#sessions) streams += session.streams;
    return streams;
  }

  add(session: TunnelSession): void {
    this.#sessions.add(session);
    this.#counts.set(session.agent, (this.#counts.get(session.agent) ?? 0) + 1);
  }

  /** The agent has as many sessions here as one may: others need room as well. */
  hasAll(agent: string): boolean {
    return (this.#counts.get(agent) ?? 0) >= MAX_SESSIONS_PER_AGENT;
  }

  /** True when the session may serve: it is at least as new as the one that its agent has here. */
  greet(session: TunnelSession): boolean {
    const current = this.#current.get(session.agent);
    if (current !== undefined && current !== session) {
      // A stale session may still hold the name: it must not shut out the one that answers. One without room is not stale.
      if ((current.usable || current.crowded) && current.generation > session.generation) {
        session.dismiss('a newer session of this agent is connected');
        return false;
      }
      const replayed = current.tokenId === session.tokenId && current.remoteAddress !== session.remoteAddress;
      if (replayed)
        this.#log.warn(
          { agent: session.agent, token: session.tokenId, was: current.remoteAddress, is: session.remoteAddress },
          'one token from two addresses',
        );
      current.leave(
        REPLACED_GRACE_MS,
        replayed
          ? `its token was used by a newer session from ${session.remoteAddress}`
          : 'replaced by a newer session of this agent',
      );
      void current.close(REPLACED_GRACE_MS);
    }
    this.#current.set(session.agent, session);
    return true;
  }

  hostsChanged(session: TunnelSession): void {
    this.#table.assign(session, session.hosts);
    if (session.live && session.hosts.size > 0)
      this.#onEvent({ type: 'session-up', agent: session.agent, session: session.id, hosts: [...session.hosts] });
  }

  remove(session: TunnelSession, reason: string): void {
    if (!this.#sessions.delete(session)) return;
    const left = (this.#counts.get(session.agent) ?? 1) - 1;
    if (left > 0) this.#counts.set(session.agent, left);
    else this.#counts.delete(session.agent);
    // By identity: the agent's next session may be here already.
    if (this.#current.get(session.agent) === session) this.#current.delete(session.agent);
    this.#log.info({ agent: session.agent, session: session.id, reason }, 'session ended');
    this.#onEvent({ type: 'session-down', agent: session.agent, session: session.id, reason });
  }

  /** Something was revoked. */
  recheck(): void {
    for (const session of this.#sessions) session.recheck();
  }

  leave(graceMs: number, reason: string): void {
    for (const session of this.#sessions) session.leave(graceMs, reason);
  }

  async close(graceMs: number): Promise<void> {
    await Promise.all([...this.#sessions].map((session) => session.close(graceMs)));
  }

  stop(): void {
    clearInterval(this.#sweeper);
    for (const session of this.#sessions) session.end('the broker stops');
  }

  #sweep(): void {
    const now = performance.now();
    const wall = Date.now();
    for (const session of this.#sessions) {
      session.sweepIdle(now);
      session.checkExpiry(wall);
    }
    if (this.#sessions.size > this.#crowdedAbove) this.#relieve(now);
  }

  /** Asks the session with the least to do, of those not asked lately, to move: one a second, so that none flees in vain. */
  #relieve(now: number): void {
    let chosen: TunnelSession | undefined;
    for (const session of this.#sessions) {
      if (!session.live || now - (this.#askedAt.get(session) ?? -Infinity) < ASK_AGAIN_MS) continue;
      if (chosen === undefined || session.inFlight < chosen.inFlight) chosen = session;
    }
    if (chosen === undefined) return;
    this.#askedAt.set(chosen, now);
    chosen.askToMove('the broker has nearly as many sessions as it takes');
  }
}
