import { splitAddress } from './peer-follower.ts';
import type { RouteDirectory } from './route-directory.ts';
import { SocketWire } from './socket-wire.ts';
import { Target } from './target.ts';
import type { TargetLimits } from './target.ts';
import type { Wire } from './wire.ts';

const SWEEP_MS = 1_000;

/** Another broker's peer listener, reached by kept HTTP/1.1 connections. */
export class PeerTarget extends Target {
  readonly kind = 'peer';
  readonly name: string;
  readonly #address: { readonly host: string; readonly port: number };
  readonly #onDead: (reason: string) => void;
  /** `probing` after it was away: one request at a time until one succeeds. */
  #state: 'good' | 'probing' | 'away' = 'good';
  #doubted = false;

  constructor(peer: string, limits: TargetLimits, onDead: (reason: string) => void) {
    super(limits);
    this.name = peer;
    this.#address = splitAddress(peer);
    this.#onDead = onDead;
  }

  get usable(): boolean {
    return !this.#doubted && (this.#state === 'good' || (this.#state === 'probing' && this.inFlight === 0));
  }

  get crowded(): boolean {
    return this.#state === 'probing' && !this.#doubted;
  }

  get lastResort(): boolean {
    return this.#state !== 'away';
  }

  open(): Wire {
    return new SocketWire(this.#address.host, this.#address.port);
  }

  /** Without a connection nothing can have arrived. */
  neverDelivered(wire: Wire): boolean {
    return !wire.accepted;
  }

  override succeeded(): void {
    if (this.#state === 'probing') this.#state = 'good';
  }

  override failed(error: Error | undefined): void {
    this.#onDead(error?.message ?? 'its connection ended');
  }

  /** It is silent, or was heard again. Requests that can safely go to a better one do so now. */
  doubt(doubted: boolean): void {
    this.#doubted = doubted;
    if (doubted) this.tellSuspect();
  }

  /** Its routes are known again. */
  back(): void {
    if (this.#state !== 'away') return;
    this.#state = 'probing';
    this.forgetLatency();
  }

  /** Requests that can safely go elsewhere do so now. */
  away(): void {
    this.#state = 'away';
    this.#doubted = false;
    this.sweepIdle(0, true);
    this.tellSuspect();
  }
}

const NONE: readonly PeerTarget[] = [];

/** The peers as targets of requests, kept in step with the directory. */
export class Relay {
  readonly #directory: RouteDirectory;
  readonly #limits: TargetLimits;
  readonly #targets = new Map<string, PeerTarget>();
  /** By the directory's own list, which is replaced when it changes. */
  readonly #lists = new WeakMap<readonly string[], readonly PeerTarget[]>();
  readonly #sweeper: NodeJS.Timeout;
  readonly #stopFollowing: () => void;

  constructor(directory: RouteDirectory, limits: TargetLimits) {
    this.#directory = directory;
    this.#limits = limits;
    this.#stopFollowing = directory.onChange((peer, state) => {
      if (state === 'down') this.#targets.get(peer)?.away();
      else if (state === 'up') this.#targets.get(peer)?.back();
      else if (state === 'doubted' || state === 'trusted') this.#targets.get(peer)?.doubt(state === 'doubted');
    });
    this.#sweeper = setInterval(() => {
      const now = performance.now();
      for (const target of this.#targets.values()) target.sweepIdle(now);
    }, SWEEP_MS);
    this.#sweeper.unref();
  }

  peersFor(host: string): readonly PeerTarget[] {
    const peers = this.#directory.peersFor(host);
    if (peers.length === 0) return NONE;
    let list = this.#lists.get(peers);
    if (list === undefined) {
      list = peers.map((peer) => this.#target(peer));
      this.#lists.set(peers, list);
    }
    return list;
  }

  close(): void {
    clearInterval(this.#sweeper);
    this.#stopFollowing();
    for (const target of this.#targets.values()) target.sweepIdle(0, true);
  }

  #target(peer: string): PeerTarget {
    const known = this.#targets.get(peer);
    if (known !== undefined) return known;
    const target = new PeerTarget(peer, this.#limits, (reason) => this.#directory.suspect(peer, reason));
    this.#targets.set(peer, target);
    return target;
  }
}
