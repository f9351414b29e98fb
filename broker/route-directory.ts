import type { Logger } from 'pino';
import { PeerFollower } from './peer-follower.ts';

/** doubted: silent, its connection stands · trusted: heard again. */
export type PeerState = 'up' | 'down' | 'changed' | 'doubted' | 'trusted';

/** Which peers serve a host. Another implementation can follow a shared table instead of each peer. */
export interface RouteDirectory {
  /** `HOST:PORT` of the peer listeners; the list is replaced when it changes, never changed. */
  peersFor(host: string): readonly string[];
  wasServed(host: string): boolean;
  /** Peers that are followed now. */
  readonly followed: number;
  /** Hosts that some peer serves. */
  readonly size: number;
  /** A request found the peer dead: it serves nothing until it is heard again. */
  suspect(peer: string, reason: string): void;
  onChange(listener: (peer: string, state: PeerState) => void): () => void;
  close(): void;
}

const NONE: readonly string[] = [];
const MAX_REMEMBERED = 10_000;

/** A fixed list of peers, each followed by server-sent events. */
export class StaticRouteDirectory implements RouteDirectory {
  readonly #routes = new Map<string, readonly string[]>();
  readonly #served = new Set<string>();
  readonly #followers = new Map<string, PeerFollower>();
  readonly #listeners = new Set<(peer: string, state: PeerState) => void>();

  constructor(peers: readonly string[], secret: string, log: Logger) {
    for (const peer of new Set(peers)) {
      const follower = new PeerFollower(peer, secret, log, {
        onHosts: (added, removed) => this.#change(peer, added, removed),
        onUp: () => this.#tell(peer, 'up'),
        onDoubt: (doubted) => this.#tell(peer, doubted ? 'doubted' : 'trusted'),
        onDown: () => {
          this.#change(peer, [], [...this.#routes.keys()]);
          this.#tell(peer, 'down');
        },
      });
      this.#followers.set(peer, follower);
      follower.start();
    }
  }

  peersFor(host: string): readonly string[] {
    return this.#routes.get(host) ?? NONE;
  }

  wasServed(host: string): boolean {
    return this.#served.has(host);
  }

  get followed(): number {
    let up = 0;
    for (const follower of this.#followers.values()) if (follower.up) up += 1;
    return up;
  }

  get size(): number {
    return this.#routes.size;
  }

  suspect(peer: string, reason: string): void {
    this.#followers.get(peer)?.restart(reason);
  }

  onChange(listener: (peer: string, state: PeerState) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  close(): void {
    for (const follower of this.#followers.values()) follower.stop();
    this.#routes.clear();
  }

  #change(peer: string, added: readonly string[], removed: readonly string[]): void {
    for (const host of removed) {
      const peers = this.#routes.get(host);
      if (peers?.includes(peer) !== true) continue;
      if (peers.length === 1) this.#routes.delete(host);
      else
        this.#routes.set(
          host,
          peers.filter((other) => other !== peer),
        );
    }
    for (const host of added) {
      const peers = this.#routes.get(host) ?? NONE;
      if (!peers.includes(peer)) this.#routes.set(host, [...peers, peer]);
      this.#served.delete(host);
      this.#served.add(host);
    }
    for (const host of this.#served) {
      if (this.#served.size <= MAX_REMEMBERED) break;
      this.#served.delete(host);
    }
    if (added.length > 0 || removed.length > 0) this.#tell(peer, 'changed');
  }

  #tell(peer: string, state: PeerState): void {
    for (const listener of this.#listeners) listener(peer, state);
  }
}
