import type { PreviewEvent } from '../../shared/process/lines.ts';
import type { Failure } from '../../shared/result/result.ts';
import { AgentError, toAgentError } from '../errors.ts';
import { backoffMs } from '../tunnels/backoff.ts';

import { ControlClient, ControlRefusal } from './control-client.ts';
import { HeldLeases } from './held-leases.ts';
import type { CurrentLease, HeldLeasesOptions } from './held-leases.ts';
import { pause as realPause } from './pause.ts';
import type { Pause } from './pause.ts';
import { Wakeable } from './wakeable.ts';

/** Timers do not run while the machine sleeps: look at the clock at least this often. */
const LOOK_AT_CLOCK_MS = 15_000;
const MIN_WAIT_MS = 100;
/** After an absence, and when a broker refused the token: renewed within this time, not by all agents at once. */
const RENEW_SOON_MS = 5000;
const RENEW_SOON_EVERY_MS = 30_000;
const RETRY = { firstMs: 500, capMs: 15_000 };
/** A stream of brokers that held this long ended by chance. */
const STREAM_HELD_MS = 10_000;
/** What was refused will most likely be refused again. */
const RETRY_REFUSED_MS = 30_000;
/** How long the end waits for what was asked for before, and for what is given back. */
const LAST_CALLS_MS = 2000;

export interface LeaseKeeperOptions extends HeldLeasesOptions {
  /** Certificates in PEM, trusted besides the public ones. */
  readonly ca?: string | undefined;
  /** Hosts, token or brokers are other ones. */
  readonly onChange: (current: CurrentLease) => void;
  readonly onEvent: (event: PreviewEvent) => void;
  /** Milliseconds since the epoch. */
  readonly now?: (() => number) | undefined;
  readonly random?: (() => number) | undefined;
  readonly pause?: Pause | undefined;
}

interface Ends {
  readonly stop: AbortController;
  /** Later than `stop`: nothing is waited for any more. */
  readonly giveUp: AbortController;
}

export interface ControlStatus {
  readonly reachable: boolean;
  /** What went wrong last, until something went right. */
  readonly error?: Failure;
}

/**
 * Keeps a public host for each wanted name: enrols once, leases, renews well before the end, follows the directory of
 * brokers. What it has is on disk, so that neither a restart of the agent nor an absent control plane changes a host.
 */
export class LeaseKeeper {
  readonly #o: LeaseKeeperOptions;
  readonly #now: () => number;
  readonly #random: () => number;
  readonly #pause: Pause;
  readonly #leases: HeldLeases;
  readonly #wake: Wakeable;
  #client: ControlClient | undefined;
  #running: (Ends & { readonly done: Promise<unknown> }) | undefined;
  #names: readonly string[] = [];
  #lookedAt = -Infinity;
  #hurriedAt = -Infinity;
  #published = '';
  #reachable = true;
  #error: AgentError | undefined;
  #waiting: { readonly resolve: () => void; readonly reject: (error: AgentError) => void }[] = [];

  constructor(options: LeaseKeeperOptions) {
    this.#o = options;
    this.#now = options.now ?? Date.now;
    this.#random = options.random ?? Math.random;
    this.#pause = options.pause ?? realPause;
    this.#wake = new Wakeable(this.#pause);
    this.#leases = new HeldLeases(options, this.#now, this.#random);
  }

  /** What serves now; undefined until each wanted name has a host. The token may have expired while control was away. */
  current(): CurrentLease | undefined {
    const lease = this.#leases.current(this.#names);
    return lease?.names.length === this.#names.length ? lease : undefined;
  }

  status(): ControlStatus {
    if (this.#error === undefined) return { reachable: this.#reachable };
    const { code, message, hint } = this.#error;
    return { reachable: this.#reachable, error: { code, message, hint } };
  }

  /**
   * Wants a host for each name from now on; called again, hosts of names that stay are kept. Resolves once all have
   * one, from disk or from the control plane, however long that takes; rejects with `AgentError` when the control plane
   * refuses (it is asked again, slowly) or the state folder cannot be used, and with `lease-stopped`.
   */
  async start(names: readonly string[]): Promise<void> {
    this.#names = [...names];
    this.#running ??= this.#run();
    this.#error = undefined;
    this.#wake.wake();
    return new Promise((resolve, reject) => {
      this.#waiting.push({ resolve, reject });
    });
  }

  /** Ends all of it. The hosts are given back unless `keep`, with which the next start of the agent has them again. */
  async stop({ keep = false }: { readonly keep?: boolean } = {}): Promise<void> {
    const running = this.#running;
    if (running === undefined) return;
    running.stop.abort();
    const late = setTimeout(() => running.giveUp.abort(), LAST_CALLS_MS);
    await running.done;
    this.#settleWaiting(new AgentError('lease-stopped', 'the lease was stopped'));
    if (!keep && this.#client !== undefined) await this.#leases.giveBack(this.#client, running.giveUp.signal);
    clearTimeout(late);
    this.#client?.close();
    this.#client = undefined;
    this.#running = undefined;
    this.#names = [];
    this.#leases.forget();
    this.#published = '';
  }

  /** A broker refused the token, or the control plane is back: a fresh token helps, at most every 30 s. */
  renewSoon(): void {
    const now = this.#now();
    if (now - this.#hurriedAt < RENEW_SOON_EVERY_MS) return;
    this.#hurriedAt = now;
    this.#leases.renewBy(now + this.#random() * RENEW_SOON_MS);
    this.#wake.wake();
  }

  #run(): Ends & { readonly done: Promise<unknown> } {
    const ends = { stop: new AbortController(), giveUp: new AbortController() };
    const { signal } = ends.stop;
    const client = new ControlClient(this.#o.controlUrl, this.#o.ca);
    this.#client = client;
    const done = this.#load().then(() =>
      Promise.all([this.#keep(client, signal, ends.giveUp.signal), this.#follow(client, signal)]),
    );
    return { ...ends, done };
  }

  /** What the last process left; of no use when its token is over, except to renew its leases. */
  async #load(): Promise<void> {
    try {
      await this.#leases.load();
      if (this.#leases.isTokenAlive) this.#publish();
    } catch (error) {
      this.#failed(toAgentError(error, 'state-unwritable'));
    }
  }

  async #keep(client: ControlClient, signal: AbortSignal, giveUp: AbortSignal): Promise<void> {
    let failures = 0;
    while (!signal.aborted) {
      const names = this.#names;
      this.#lookAtClock();
      let waitMs: number;
      try {
        await this.#settle(client, names, signal, giveUp);
        failures = 0;
        this.#error = undefined;
        waitMs = Math.min(LOOK_AT_CLOCK_MS, Math.max(MIN_WAIT_MS, this.#leases.renewInMs));
      } catch (error) {
        if (signal.aborted) return;
        const failure = toAgentError(error, 'control-refused');
        failures++;
        this.#failed(failure);
        waitMs = Math.max(
          backoffMs(failures, RETRY, this.#random),
          failure instanceof ControlRefusal ? failure.retryAfterMs : 0,
          isTransient(failure) ? 0 : RETRY_REFUSED_MS * (0.5 + this.#random() / 2),
        );
      }
      if (names === this.#names) await this.#wake.sleep(waitMs, signal);
    }
  }

  /** One that was set back does not tell when a token of before ends. */
  #lookAtClock(): void {
    const now = this.#now();
    const isBack = now < this.#lookedAt;
    this.#lookedAt = now;
    if (!isBack) return;
    this.#hurriedAt = -Infinity;
    this.#leases.renewAt(now);
  }

  /** Settles what is held for these names, and tells what serves then. Throws when the control plane does not help. */
  async #settle(
    client: ControlClient,
    names: readonly string[],
    signal: AbortSignal,
    giveUp: AbortSignal,
  ): Promise<void> {
    try {
      await this.#leases.settle(client, names, signal, giveUp);
    } finally {
      // What serves needs the newest token, also when another name was refused or the disk is full.
      if (!signal.aborted) this.#publish();
    }
    this.#reached();
  }

  async #follow(client: ControlClient, signal: AbortSignal): Promise<void> {
    /** Ends since a stream was last open. */
    let away = 0;
    /** Streams in a row that did not hold. */
    let failures = 0;
    while (!signal.aborted) {
      const startedAt = performance.now();
      try {
        await client.follow(
          () => {
            away = 0;
            const wasAway = !this.#reachable;
            this.#reached();
            // It may be another one, or one that lost its database: only a renewal tells.
            if (wasAway) this.renewSoon();
          },
          (brokers) => {
            if (this.#leases.takeDirectory(brokers)) this.#publish();
          },
          signal,
        );
      } catch (error) {
        if (signal.aborted) return;
        // A stream that breaks says little; one that cannot be opened says that the control plane is away.
        if (away > 0) this.#failed(toAgentError(error, 'control-unreachable'));
      }
      away++;
      // Not when it is open: one that ends at once, each time, would be asked for without a pause.
      failures = performance.now() - startedAt >= STREAM_HELD_MS ? 1 : failures + 1;
      await this.#pause(backoffMs(failures, RETRY, this.#random), signal);
    }
  }

  #publish(): void {
    const current = this.#leases.current(this.#names);
    if (current === undefined) return;
    if (current.names.length === this.#names.length) this.#settleWaiting();
    const text = JSON.stringify(current);
    if (text === this.#published) return;
    this.#published = text;
    this.#o.onChange(current);
  }

  #reached(): void {
    if (this.#reachable) return;
    this.#reachable = true;
    this.#error = undefined;
    this.#o.onEvent({ event: 'control-reachable' });
  }

  #failed(failure: AgentError): void {
    this.#error = failure;
    this.#o.log.warn({ code: failure.code, err: failure.message }, 'control plane');
    if (failure.code === 'control-unreachable') {
      if (!this.#reachable) return;
      this.#reachable = false;
      this.#o.onEvent({ event: 'control-unreachable', message: failure.message });
    } else if (!isTransient(failure)) {
      this.#settleWaiting(failure);
    }
  }

  #settleWaiting(failure?: AgentError): void {
    for (const { resolve, reject } of this.#waiting.splice(0)) {
      if (failure === undefined) resolve();
      else reject(failure);
    }
  }
}

/** Whether waiting alone may help: nobody there, too many requests, no edge yet, or a secret that is replaced next. */
function isTransient(error: AgentError): boolean {
  if (error.code === 'control-unreachable') return true;
  return error instanceof ControlRefusal && (error.answerStatus >= 500 || [401, 429].includes(error.answerStatus));
}
