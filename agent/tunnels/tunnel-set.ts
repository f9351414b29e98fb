import type { Logger } from 'pino';

import type { Link } from '../../shared/agent/api.ts';
import type { BrokerRecord } from '../../shared/control/api.ts';
import type { PreviewEvent } from '../../shared/process/lines.ts';
import { systemClock } from '../../shared/yamux/clock.ts';
import type { Clock } from '../../shared/yamux/clock.ts';
import { ReceiveBudget } from '../../shared/yamux/receive-budget.ts';
import type { YamuxStream } from '../../shared/yamux/types.ts';

import { BrokerLink } from './broker-link.ts';
import type { LinkContext } from './broker-link.ts';
import { chooseBrokers } from './choose-brokers.ts';
import { dialWebSocket, probeTcp } from './dial.ts';
import type { Dial, Probe } from './dial.ts';
import { LeftAlone } from './left-alone.ts';
import type { LinkState } from './link-state.ts';
import { MachineWatch } from './machine-watch.ts';
import { nearerBroker } from './nearer-broker.ts';
import { RoundTrips } from './round-trips.ts';

/** What the sessions of all links together may hold of requests that upstreams read slowly. */
const RECEIVE_BUDGET_BYTES = 128 * 1024 * 1024;
const MAX_LINKS = 8;
/** A broker that stays away this long is replaced, if the directory has another. */
const REPLACE_AFTER_MS = 30_000;
/** How long a broker that was replaced, or that turned out to be one we have, is not chosen again. */
const AVOID_MS = 60_000;
/** Brokers that are not linked are measured anew this often, and a link is moved when one of them is clearly nearer. */
const REMEASURE_MS = 60_000;
/** How long requests on a link that was moved may go on. */
const MOVED_GRACE_MS = 30_000;
/** How long a silent session is kept while no other answers: so long a starving process may be silent. */
const LAST_WAY_MS = 6_000;
const LOAD_EVERY_MS = 5_000;

export interface TunnelSetOptions {
  /** Links to distinct brokers, 1 to 8. */
  readonly wanted: number;
  readonly agentId: string;
  readonly version: string;
  readonly token: () => string;
  readonly hosts: () => readonly string[];
  readonly brokers: () => readonly BrokerRecord[];
  /** Certificates in PEM, trusted besides the public ones. */
  readonly ca?: string | undefined;
  /** Each stream that a broker opens, but for the control stream: a visitor's connection. */
  readonly onStream: (stream: YamuxStream, link: { readonly broker: string; readonly region: string }) => void;
  readonly onEvent: (event: PreviewEvent) => void;
  /** The links are other ones, or in other states. */
  readonly onLinks: (links: Link[]) => void;
  /** A broker refused the token: a new one, and then `update()`, would help. */
  readonly onTokenRefused?: (() => void) | undefined;
  /** Requests that the agent serves now. */
  readonly load?: (() => number) | undefined;
  readonly log: Logger;
  readonly clock?: Clock | undefined;
  /** Milliseconds since the epoch. */
  readonly now?: (() => number) | undefined;
  readonly random?: (() => number) | undefined;
  readonly dial?: Dial | undefined;
  readonly probe?: Probe | undefined;
  /** The addresses of the machine as one text. */
  readonly addresses?: (() => string) | undefined;
}

/**
 * Keeps sessions to `wanted` distinct brokers of the directory, all dialled at once, for ever. Starts by itself; dials
 * nothing while there is no token or no host.
 */
export class TunnelSet {
  readonly #o: TunnelSetOptions;
  readonly #clock: Clock;
  readonly #random: () => number;
  readonly #wanted: number;
  readonly #links = new Set<BrokerLink>();
  /** Dropped, with requests that may still run. */
  readonly #leaving = new Set<BrokerLink>();
  readonly #context: LinkContext;
  readonly #trips: RoundTrips;
  readonly #leftAlone = new LeftAlone();
  readonly #timers = new Set<() => void>();
  /** New links, each with the one that it takes the place of once it is up. */
  readonly #moves = new Map<BrokerLink, BrokerLink>();
  readonly #watch: MachineWatch;
  #generation: number;
  #planned = false;
  #told = '';
  #closed = false;

  constructor(options: TunnelSetOptions) {
    this.#o = options;
    this.#clock = options.clock ?? systemClock;
    this.#random = options.random ?? Math.random;
    // From the time of day, so that the sessions of a restarted agent are newer than those it left behind.
    this.#generation = (options.now ?? Date.now)();
    this.#wanted = Math.max(1, Math.min(MAX_LINKS, options.wanted));
    this.#context = {
      agentId: options.agentId,
      version: options.version,
      ca: options.ca,
      clock: this.#clock,
      random: this.#random,
      dial: options.dial ?? dialWebSocket,
      receiveBudget: new ReceiveBudget(RECEIVE_BUDGET_BYTES),
      log: options.log,
      token: options.token,
      hosts: options.hosts,
      recordOf: (id) => options.brokers().find((record) => record.id === id),
      nextGeneration: () => ++this.#generation,
      isTaken: (broker, by) =>
        [...this.#links].some(
          (link) => link !== by && link !== this.#moves.get(by) && link.broker === broker && hasSession(link.state),
        ),
      onStream: options.onStream,
      onTransition: (link, before, after) => this.#onTransition(link, before, after),
      onSilent: (link, silentMs) => this.#onSilent(link, silentMs),
      onMeasured: (link) => {
        this.#told = '';
        this.#measured(link);
        this.#tellSoon();
      },
      onDuplicate: (link) => this.#drop(link, { strictly: true }),
      onRebalance: (link) => this.#relieve(link),
      onHostRemoved: ({ broker }, host, reason) => options.onEvent({ event: 'host-removed', broker, host, reason }),
    };
    this.#trips = new RoundTrips({
      probe: options.probe ?? probeTcp,
      onSilent: (id) => this.#after(REPLACE_AFTER_MS, () => this.#trips.forgetSilent(id)),
    });
    this.#watch = new MachineWatch({
      clock: this.#clock,
      now: options.now ?? Date.now,
      addresses: options.addresses,
      onChange: (reason) => this.#onMachineChange(reason),
    });
    this.#repeat(REMEASURE_MS, () => this.#remeasure());
    this.#repeat(LOAD_EVERY_MS, () => {
      const inFlight = options.load?.() ?? 0;
      for (const link of this.#links) link.sendLoad(inFlight);
    });
    this.#planSoon();
  }

  /** The token, the hosts or the directory are other ones: sessions get the token, links are made where they lack. */
  update(): void {
    for (const link of this.#links) link.update();
    this.#planSoon();
  }

  links(): Link[] {
    const now = (this.#o.now ?? Date.now)();
    return [...this.#links].flatMap((link) => link.describe(now) ?? []);
  }

  /** Tells the brokers to send nothing new, lets open streams finish for at most `graceMs`, then ends all sessions. */
  async drainAndClose(graceMs: number): Promise<void> {
    this.#closed = true;
    for (const cancel of this.#timers) cancel();
    this.#timers.clear();
    this.#watch.close();
    await Promise.all([...this.#links, ...this.#leaving].map((link) => link.close(graceMs)));
  }

  /** Ends all sessions now. */
  close(): Promise<void> {
    return this.drainAndClose(0);
  }

  #onTransition(link: BrokerLink, before: LinkState, after: LinkState): void {
    const { broker, region, rttMs } = link;
    this.#measured(link);
    if (before.name === 'connecting' && after.name === 'up') {
      this.#o.log.info({ broker, region }, 'session up');
      this.#o.onEvent({
        event: 'session-up',
        broker,
        region,
        ...(rttMs === undefined ? {} : { rttMs: Math.round(rttMs * 100) / 100 }),
      });
    }
    this.#onMove(link, after);
    if (before.name === 'suspect' && after.name === 'up') this.#onHeardAgain(link);
    if (after.name === 'waiting') this.#onAway(link, before, after);
    if (after.name === 'draining' && 'upSince' in before)
      this.#leftAlone.drains(link.record.id, this.#clock.now() - before.upSince);
    if (after.name === 'gone') {
      this.#links.delete(link);
      if (before.name === 'draining' && !this.#closed)
        this.#leaveAlone(link, this.#leftAlone.drainedMs(link.record.id, this.#random), true);
      if (hasSession(before) && before.name !== 'connecting') {
        this.#o.onEvent({
          event: 'session-down',
          broker,
          reason: before.name === 'draining' ? 'drained' : 'closed',
          retryInMs: 0,
        });
      }
    }
    if (!this.#closed) this.#planSoon();
    this.#tellSoon();
  }

  #measured({ record, rttMs }: BrokerLink): void {
    if (rttMs !== undefined) this.#trips.set(record.id, rttMs);
  }

  /**
   * Another link is up: the silent one ends. None is: perhaps it is this machine that starves, and what is silent may
   * speak again; it is kept, and its broker dialled anew beside it.
   */
  #onSilent(link: BrokerLink, silentMs: number): boolean {
    const others = [...this.#links].some((other) => other !== link && other.state.name === 'up');
    if (others || silentMs >= LAST_WAY_MS || link.state.name !== 'suspect') return true;
    if (!this.#closed) this.#move(link, this.#context.recordOf(link.record.id) ?? link.record);
    return false;
  }

  /** What was dialled beside it is not needed. */
  #onHeardAgain(link: BrokerLink): void {
    for (const [newer, older] of this.#moves)
      if (older === link && newer.record.id === link.record.id) {
        this.#moves.delete(newer);
        this.#drop(newer, { strictly: false });
      }
  }

  #onAway(link: BrokerLink, before: LinkState, after: LinkState & { name: 'waiting' }): void {
    const { broker } = link;
    const retryInMs = Math.round(Math.max(0, after.retryAt - this.#clock.now()));
    this.#o.log.warn({ broker, reason: after.error, retryInMs }, 'no session');
    const firstRefusal = after.refused && after.failures === 1;
    if (before.name !== 'connecting' || firstRefusal) {
      this.#o.onEvent({ event: 'session-down', broker, reason: after.error, retryInMs });
    }
    if (after.refused) this.#o.onTokenRefused?.();
    const replaceInMs = after.awaySince + REPLACE_AFTER_MS - this.#clock.now();
    // One more, since a timer may fire a fraction early.
    if (replaceInMs > 0) this.#after(replaceInMs + 1, () => this.#planSoon());
  }

  /** Ends a link for good; its broker is left alone for a while. */
  #drop(link: BrokerLink, { strictly }: { readonly strictly: boolean }, graceMs = 0): void {
    const twin = [...this.#links].some((other) => other !== link && other.record.id === link.record.id);
    if (!twin) this.#leaveAlone(link, AVOID_MS, strictly);
    this.#leaving.add(link);
    link
      .close(graceMs)
      .catch((error: unknown) => this.#o.log.warn({ err: error }, 'a link did not end in order'))
      .finally(() => this.#leaving.delete(link));
  }

  #leaveAlone({ record }: BrokerLink, ms: number, strictly: boolean): void {
    const end = this.#leftAlone.add(record.id, strictly);
    this.#after(ms, () => {
      end();
      this.#planSoon();
    });
  }

  /** Opens a link to `record` that takes the place of `from` once it is up. */
  #move(from: BrokerLink, record: BrokerRecord): void {
    if ([...this.#moves.values()].includes(from)) return;
    this.#o.log.info({ from: from.broker, to: record.id }, 'moving a link');
    const link = new BrokerLink(record, this.#context);
    this.#moves.set(link, from);
    this.#links.add(link);
    this.#tellSoon();
  }

  /** A link that moves: the old one ends when the new one is up; the new one is given up when it fails. */
  #onMove(link: BrokerLink, after: LinkState): void {
    const from = this.#moves.get(link);
    if (from !== undefined && after.name === 'up') {
      this.#moves.delete(link);
      if (this.#links.has(from)) this.#drop(from, { strictly: false }, MOVED_GRACE_MS);
    } else if (from !== undefined && after.name === 'waiting') {
      // While the old one serves; without it the new one is as good as any.
      this.#moves.delete(link);
      if (this.#links.has(from)) this.#drop(link, { strictly: false });
    } else if (after.name === 'gone') {
      this.#moves.delete(link);
      for (const [newer, older] of this.#moves) if (older === link) this.#moves.delete(newer);
    }
  }

  /** The broker of this link asked to be relieved: to the best broker that has no link, if there is one. */
  #relieve(link: BrokerLink): void {
    const free = this.#candidates().filter(({ id, draining }) => !draining && !this.#leftAlone.has(id));
    const regions = [...this.#links].filter((other) => other !== link).map(({ region }) => region);
    const [record] = chooseBrokers(this.#trips.of(free), regions, 1);
    if (record !== undefined && !this.#closed) this.#move(link, record);
  }

  #remeasure(): void {
    if (this.#trips.probing || this.#moves.size > 0) return;
    const free = this.#candidates();
    this.#trips.forget(free.map(({ id }) => id));
    this.#trips.measure(free, () => {
      const links = [...this.#links]
        .filter(({ state }) => state.name === 'up')
        .map((link) => ({ link, region: link.region, rttMs: link.rttMs }));
      const still = this.#candidates().filter(({ id }) => !this.#leftAlone.has(id));
      const better = nearerBroker(links, this.#trips.of(still));
      if (better !== undefined && !this.#closed) this.#move(better.from, better.to);
      this.#planSoon();
    });
  }

  #onMachineChange(reason: string): void {
    this.#o.log.info({ reason }, 'checking all links');
    // Measured from another place.
    this.#trips.clear();
    for (const link of this.#links) link.check(reason);
    this.#planSoon();
  }

  #repeat(ms: number, run: () => void): void {
    this.#after(ms, () => {
      this.#repeat(ms, run);
      run();
    });
  }

  #planSoon(): void {
    if (this.#planned) return;
    this.#planned = true;
    queueMicrotask(() => {
      this.#planned = false;
      this.#plan();
    });
  }

  #plan(): void {
    if (this.#closed || this.#o.token() === '' || this.#o.hosts().length === 0) return;
    const listed = new Set(this.#o.brokers().map(({ id }) => id));
    const known = new Set([...listed, ...[...this.#links].map(({ record }) => record.id)]);
    this.#trips.keepOnly(known);
    this.#leftAlone.keepOnly(known);
    const free = this.#candidates();
    const staying = [...this.#links].filter(
      (link) => !this.#moves.has(link) && link.state.name !== 'draining' && link.state.name !== 'gone',
    );
    // One that the directory no longer names is not waited for.
    const away = staying.filter(
      ({ state, record }) =>
        (state.name === 'waiting' && this.#clock.now() - state.awaySince >= REPLACE_AFTER_MS) ||
        ((state.name === 'waiting' || state.name === 'connecting') && !listed.has(record.id)),
    );
    const lacking = this.#wanted - staying.length;
    const replaced = away.slice(0, Math.max(0, free.length - Math.max(0, lacking)));
    const count = Math.min(free.length, Math.max(0, lacking) + replaced.length);
    if (count === 0) return;
    if (free.length > count && this.#trips.measure(free, () => this.#planSoon())) return;

    for (const link of replaced) this.#drop(link, { strictly: false });
    const regions = staying.filter((link) => !replaced.includes(link)).map(({ region }) => region);
    for (const record of chooseBrokers(this.#trips.of(free), regions, count)) {
      this.#links.add(new BrokerLink(record, this.#context));
    }
    this.#tellSoon();
  }

  /** Records that no link leads to. Those to avoid only where there is nothing else, and never a known duplicate. */
  #candidates(): BrokerRecord[] {
    const taken = new Set([...this.#links].flatMap(({ broker, record }) => [broker, record.id]));
    const free = this.#o.brokers().filter(({ id }) => !taken.has(id) && !this.#leftAlone.isStrict(id));
    const fresh = free.filter(({ id }) => !this.#leftAlone.has(id));
    const linked = [...this.#links].filter(({ state }) => state.name !== 'draining').length;
    return linked + fresh.length >= this.#wanted ? fresh : free;
  }

  #after(ms: number, run: () => void): void {
    if (this.#closed) return;
    const cancel = this.#clock.after(ms, () => {
      this.#timers.delete(cancel);
      run();
    });
    this.#timers.add(cancel);
  }

  #tellSoon(): void {
    queueMicrotask(() => {
      const links = this.links();
      const told = JSON.stringify(links.map(({ rttMs: _changing, ...rest }) => rest));
      if (told === this.#told) return;
      this.#told = told;
      this.#o.onLinks(links);
    });
  }
}

function hasSession(state: LinkState): boolean {
  return state.name === 'up' || state.name === 'suspect' || state.name === 'draining';
}
