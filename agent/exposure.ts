import { isDeepStrictEqual } from 'node:util';
import type { Logger } from 'pino';
import type { Link } from '../shared/agent/api.ts';
import type { PreviewEvent } from '../shared/process/lines.ts';
import type { YamuxStream } from '../shared/yamux/types.ts';
import { AgentError, toAgentError } from './errors.ts';
import type { StreamLink } from './gateway/gateway.ts';
import type { CurrentLease } from './lease/held-leases.ts';
import { LeaseKeeper, type ControlStatus } from './lease/lease-keeper.ts';
import { TokenExpiry } from './lease/token-expiry.ts';
import { TunnelSet } from './tunnels/tunnel-set.ts';

export interface ExposureOptions {
  readonly control: { readonly url: string; readonly enrolmentKey?: string | undefined };
  readonly stateDir: string;
  readonly agentName: string;
  readonly version: string;
  readonly wanted: number;
  readonly ca?: string | undefined;
  /** Requests that are served now. */
  readonly load: () => number;
  readonly log: Logger;
  readonly onStream: (stream: YamuxStream, link: StreamLink) => void;
  readonly onEvent: (event: PreviewEvent) => void;
  /** The leased hosts are others: what is served must know them before a broker sends for one. */
  readonly onPlaces: () => void;
  /** Hosts, links or the control plane's state are other ones. */
  readonly onChange: () => void;
}

/** How the agent is reached from outside: leased hosts, and the links that serve them. */
export class Exposure {
  #options: ExposureOptions;
  #keeper: LeaseKeeper;
  #tunnels: TunnelSet | undefined;
  #names: readonly string[] = [];
  /** Leased place by name; names that are wanted anew keep theirs until the lease is another. */
  #places: ReadonlyMap<string, { readonly host: string; readonly url: string }> = new Map();
  #lease: CurrentLease | undefined;
  #error: AgentError | undefined;
  #closed = false;
  readonly #expiry = new TokenExpiry((at) => this.#onExpired(at));

  constructor(options: ExposureOptions) {
    this.#options = options;
    this.#keeper = new LeaseKeeper({
      controlUrl: options.control.url,
      enrolmentKey: options.control.enrolmentKey,
      agentName: options.agentName,
      stateDir: options.stateDir,
      ca: options.ca,
      log: options.log,
      onChange: (current) => this.#onLease(current),
      onEvent: (event) => {
        options.onEvent(event);
        options.onChange();
      },
    });
  }

  get places(): ReadonlyMap<string, { readonly host: string; readonly url: string }> {
    return this.#places;
  }

  get links(): Link[] {
    return this.#tunnels?.links() ?? [];
  }

  get expiresAt(): string | undefined {
    return this.#lease?.expiresAt;
  }

  get control(): ControlStatus {
    return this.#keeper.status();
  }

  /** Why nothing is served: the control plane refused a lease, or the token has expired. */
  get error(): AgentError | undefined {
    return this.#error;
  }

  /** One host for each name from now on; hosts of names that stay are kept. Names are distinct. */
  want(names: readonly string[]): void {
    if (names.length === this.#names.length && names.every((name, at) => name === this.#names[at])) return;
    this.#names = names;
    this.#keeper.start(names).then(
      () => this.#settled(undefined),
      (error: unknown) => this.#settled(toAgentError(error, 'control-refused')),
    );
  }

  /** Ends the links after the exchanges on them, and the lease. `keep`: the next start has the same hosts. */
  async close(graceMs: number, { keep }: { keep: boolean }): Promise<void> {
    this.#closed = true;
    const tunnels = this.#tunnels;
    this.#tunnels = undefined;
    this.#expiry.stop();
    await tunnels?.drainAndClose(graceMs);
    await this.#keeper.stop({ keep });
    this.#names = [];
    this.#places = new Map();
    this.#lease = undefined;
    this.#error = undefined;
  }

  #onLease(current: CurrentLease): void {
    // The lease outlives the links: a newer session would take the place of one on which exchanges end.
    if (this.#closed) return;
    if (current.token !== this.#lease?.token) this.#error = undefined;
    this.#lease = current;
    this.#expiry.watch(current.token, current.tokenExpiresAt);
    const places = new Map<string, { host: string; url: string }>();
    for (const [at, name] of current.names.entries()) {
      const host = current.hosts[at];
      const url = current.urls[at];
      if (host !== undefined && url !== undefined) places.set(name, { host, url });
    }
    // What brokers tell of themselves comes every few seconds, and to place hosts is to compile all routes.
    const moved = !isDeepStrictEqual(places, this.#places);
    this.#places = places;
    if (moved) this.#options.onPlaces();
    this.#options.onChange();
    if (this.#tunnels === undefined) this.#tunnels = this.#dial(current.agentId);
    else this.#tunnels.update();
  }

  #dial(agentId: string): TunnelSet {
    const { wanted, version, ca, load, log, onStream, onEvent, onChange } = this.#options;
    return new TunnelSet({
      wanted,
      agentId,
      version,
      ca,
      load,
      log,
      token: () => this.#lease?.token ?? '',
      hosts: () => this.#lease?.hosts ?? [],
      brokers: () => this.#lease?.brokers ?? [],
      onStream,
      onEvent,
      onLinks: onChange,
      onTokenRefused: () => this.#keeper.renewSoon(),
    });
  }

  /** The brokers end the sessions now; the keeper goes on asking for another token. */
  #onExpired(at: Date): void {
    const why = this.#keeper.status().error?.message;
    this.#error = new AgentError(
      'token-expired',
      `the tunnel token expired at ${at.toISOString()} and was not renewed${why === undefined ? '' : `: ${why}`}`,
    );
    this.#options.log.error({ err: this.#error.message }, 'token');
    this.#options.onEvent({ event: 'token-expired', at: at.toISOString(), message: this.#error.message });
    this.#options.onChange();
  }

  #settled(error: AgentError | undefined): void {
    if (error?.code === 'lease-stopped') return;
    this.#error = error;
    this.#options.onChange();
  }
}
