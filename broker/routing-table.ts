import type { TunnelSession } from './tunnel-session.ts';

export interface RouteChange {
  readonly added: readonly string[];
  readonly removed: readonly string[];
}

const NONE: readonly TunnelSession[] = [];
/** Hosts that had a session once: a visitor is told to come again rather than that nothing is here. */
const MAX_REMEMBERED = 10_000;

/** Host → sessions. Lists are replaced, never changed, so that a request may hold one. */
export class RoutingTable {
  readonly #routes = new Map<string, readonly TunnelSession[]>();
  readonly #served = new Set<string>();
  readonly #listeners = new Set<(change: RouteChange) => void>();

  sessionsFor(host: string): readonly TunnelSession[] {
    return this.#routes.get(host) ?? NONE;
  }

  get hosts(): readonly string[] {
    return [...this.#routes.keys()];
  }

  get size(): number {
    return this.#routes.size;
  }

  /** Whether each host of the session has another one that answers. */
  hasOtherWay(session: TunnelSession): boolean {
    return [...session.hosts].every((host) =>
      this.sessionsFor(host).some((other) => other !== session && other.usable),
    );
  }

  wasServed(host: string): boolean {
    return this.#served.has(host);
  }

  onChange(listener: (change: RouteChange) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Makes `hosts` those that the session serves; an empty list removes it. */
  assign(session: TunnelSession, hosts: ReadonlySet<string>): void {
    const added: string[] = [];
    const removed: string[] = [];
    for (const [host, sessions] of this.#routes) {
      if (hosts.has(host) || !sessions.includes(session)) continue;
      const left = sessions.filter((other) => other !== session);
      if (left.length > 0) this.#routes.set(host, left);
      else {
        this.#routes.delete(host);
        removed.push(host);
      }
    }
    for (const host of hosts) {
      const sessions = this.#routes.get(host);
      if (sessions === undefined) added.push(host);
      if (sessions?.includes(session) !== true) this.#routes.set(host, [...(sessions ?? []), session]);
      this.#remember(host);
    }
    if (added.length > 0 || removed.length > 0) for (const listener of this.#listeners) listener({ added, removed });
  }

  #remember(host: string): void {
    this.#served.delete(host);
    this.#served.add(host);
    if (this.#served.size <= MAX_REMEMBERED) return;
    const [oldest] = this.#served;
    if (oldest !== undefined) this.#served.delete(oldest);
  }
}
