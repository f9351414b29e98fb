import type { Logger } from 'pino';

import type { Link } from '../../shared/agent/api.ts';
import type { BrokerRecord } from '../../shared/control/api.ts';
import type { BrokerMessage } from '../../shared/tunnel/protocol.ts';
import type { Clock } from '../../shared/yamux/clock.ts';
import type { ReceiveBudget } from '../../shared/yamux/receive-budget.ts';
import { OWN_PEER_SHARE_BYTES } from '../../shared/yamux/limits.ts';
import { Session } from '../../shared/yamux/session.ts';
import type { ByteChannel, YamuxStream } from '../../shared/yamux/types.ts';

import { answerWithin } from './answer-within.ts';
import { ControlStream } from './control-stream.ts';
import { DialRefused } from './dial.ts';
import type { Dial } from './dial.ts';
import { firstState, transition } from './link-state.ts';
import type { LinkEvent, LinkState } from './link-state.ts';
import { tokenSubject } from './token-subject.ts';

/** A broker that accepted the WebSocket and says nothing is as good as none. */
const HELLO_TIMEOUT_MS = 5_000;
/** A broker that drains ends the session itself; this is for one that forgets. */
const DRAIN_SLACK_MS = 1_000;
const IDLE_CHECK_MS = 20;
/** A silence is suspect after at most 1.4 s and deadly after at most 2.4 s. */
const KEEP_ALIVE = { intervalMs: 400, missMs: 1_000 };
/** After a change of the machine's state a broker must answer within this time. */
const CHECK_TIMEOUT_MS = 1_000;

export interface LinkContext {
  readonly agentId: string;
  readonly version: string;
  readonly ca: string | undefined;
  readonly clock: Clock;
  readonly random: () => number;
  readonly dial: Dial;
  /** Shared by the sessions of all links. */
  readonly receiveBudget: ReceiveBudget;
  readonly log: Logger;
  token(): string;
  hosts(): readonly string[];
  /** The newest record of the broker: it may have moved. */
  recordOf(id: string): BrokerRecord | undefined;
  /** Rises with each call. */
  nextGeneration(): number;
  /** Whether another link leads to this broker already. */
  isTaken(broker: string, by: BrokerLink): boolean;
  onStream(stream: YamuxStream, link: { readonly broker: string; readonly region: string }): void;
  onTransition(link: BrokerLink, before: LinkState, after: LinkState): void;
  /** The session missed two pings or more; false keeps it for now. */
  onSilent(link: BrokerLink, silentMs: number): boolean;
  /** The round trip of a new session is known. */
  onMeasured(link: BrokerLink): void;
  onDuplicate(link: BrokerLink): void;
  /** The broker asks that this link be moved to another broker. */
  onRebalance(link: BrokerLink, reason: string): void;
  /** The broker does not serve a host that we want served. */
  onHostRemoved(link: BrokerLink, host: string, reason: string): void;
}

interface LiveSession {
  readonly generation: number;
  readonly session: Session;
  control: ControlStream | undefined;
  sentToken: string;
  sentLoad: number;
}

/** The effects of one link: dials, holds the session, speaks on the control stream. `link-state.ts` decides. */
export class BrokerLink {
  /** As the directory says until the hello, then as the broker says. */
  broker: string;
  region: string;
  record: BrokerRecord;
  readonly #c: LinkContext;
  #state: LinkState;
  #live: LiveSession | undefined;
  #dialling: AbortController | undefined;
  #cancelTimer: (() => void) | undefined;
  #rttMs: number | undefined;
  #refusedToken = '';
  #endsAt = Infinity;
  #ending: Promise<void> | undefined;

  constructor(record: BrokerRecord, context: LinkContext) {
    this.record = record;
    this.broker = record.id;
    this.region = record.region;
    this.#c = context;
    const generation = context.nextGeneration();
    this.#state = firstState(generation, context.clock.now());
    this.#dial(generation);
  }

  get state(): LinkState {
    return this.#state;
  }

  /** Last measured, also of a session that is over. */
  get rttMs(): number | undefined {
    const live = this.#live?.session.rttMs ?? 0;
    return live > 0 ? live : this.#rttMs;
  }

  /** `wallNow` and the clock's now name the same moment. */
  describe(wallNow: number): Link | undefined {
    const state = this.#state;
    if (state.name === 'gone') return undefined;
    const { broker, region, rttMs, record } = this;
    return {
      broker,
      region,
      tunnel: record.tunnel,
      address: record.address,
      state: state.name,
      ...(rttMs === undefined ? {} : { rttMs: Math.round(rttMs * 100) / 100 }),
      ...(state.name === 'waiting'
        ? {
            retryAt: new Date(wallNow + Math.max(0, state.retryAt - this.#c.clock.now())).toISOString(),
            error: state.error,
          }
        : {}),
    };
  }

  /** The token, the hosts or the directory may be other ones. */
  update(): void {
    const live = this.#live;
    const token = this.#c.token();
    if (live?.control !== undefined && token !== '' && live.sentToken !== token) {
      const sameAgent = tokenSubject(token) === tokenSubject(live.sentToken);
      live.sentToken = token;
      // The broker would refuse another agent's token for this session; only a new one serves its hosts.
      if (sameAgent) live.control.send({ type: 'renew', token });
      else live.session.destroy(new Error('the agent was enrolled anew'));
    }
    const moved = this.#c.recordOf(this.record.id)?.tunnel;
    const state = this.#state;
    if (state.name !== 'waiting') return;
    if ((moved !== undefined && moved !== this.record.tunnel) || (state.refused && token !== this.#refusedToken))
      this.#redial();
  }

  /** The machine slept, or its addresses changed: what is dead is found out now, and what waits is dialled now. */
  check(reason: string): void {
    if (this.#state.name === 'waiting') {
      this.#redial();
      return;
    }
    const session = this.#live?.session;
    if (session === undefined) return;
    answerWithin(session, CHECK_TIMEOUT_MS, this.#c.clock, () => {
      session.destroy(new Error(`no answer within ${CHECK_TIMEOUT_MS} ms after ${reason}`));
    });
  }

  /** Tells the broker how many requests the agent serves now, when it is another number than last time. */
  sendLoad(inFlight: number): void {
    const live = this.#live;
    if (live?.control === undefined || live.sentLoad === inFlight || !hasHello(this.#state)) return;
    live.sentLoad = inFlight;
    live.control.send({ type: 'load', inFlight });
  }

  /** GoAway; waits until the open streams have ended, at most `graceMs` (the shortest that was asked for); then ends the link. */
  close(graceMs: number): Promise<void> {
    this.#endsAt = Math.min(this.#endsAt, this.#c.clock.now() + graceMs);
    this.#ending ??= this.#end();
    return this.#ending;
  }

  async #end(): Promise<void> {
    const live = this.#live;
    this.#apply({ type: 'abandoned' });
    if (live === undefined) return;
    live.session.goAway();
    const { clock } = this.#c;
    // The control stream is open for as long as the session is; a session has no event for "only that one is left".
    while (live.session.streams > 1 && clock.now() < this.#endsAt) {
      await new Promise<void>((resolve) => {
        clock.after(IDLE_CHECK_MS, resolve);
      });
    }
    await live.session.close(0);
  }

  #apply(event: LinkEvent): void {
    const before = this.#state;
    const after = transition(before, event);
    if (after === before) return;
    this.#state = after;
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
    const { clock } = this.#c;
    if (after.name === 'waiting') {
      this.#cancelTimer = clock.after(Math.max(0, after.retryAt - clock.now()), () => this.#redial());
    } else if (after.name === 'draining') {
      const session = this.#live?.session;
      this.#cancelTimer = clock.after(Math.max(0, after.endsAt - clock.now()), () => void session?.close(0));
    } else if (after.name === 'gone') {
      this.#dialling?.abort();
      this.#live = undefined;
    }
    this.#c.onTransition(this, before, after);
  }

  #redial(): void {
    if (this.#state.name !== 'waiting') return;
    this.record = this.#c.recordOf(this.record.id) ?? this.record;
    const generation = this.#c.nextGeneration();
    this.#apply({ type: 'dialled', generation, now: this.#c.clock.now() });
    this.#dial(generation);
  }

  #dial(generation: number): void {
    const dialling = new AbortController();
    this.#dialling = dialling;
    const token = this.#c.token();
    this.#c.dial({ url: this.record.tunnel, token, ca: this.#c.ca, signal: dialling.signal }).then(
      (channel) => {
        if (dialling.signal.aborted) channel.destroy();
        else this.#open(generation, channel, token);
      },
      (error: unknown) => {
        // A token that was renewed meanwhile was not refused yet.
        const refused = isRefusal(error) && this.#c.token() === token;
        if (refused) this.#refusedToken = token;
        this.#closed(generation, error, refused);
      },
    );
  }

  #open(generation: number, channel: ByteChannel, token: string): void {
    // What came with the handshake is delivered while the session is being made.
    const early: YamuxStream[] = [];
    const now: { live?: LiveSession; ended?: { readonly error: Error | undefined }; cancelHello?: () => void } = {};
    const onClosed = (error: Error | undefined): void => {
      now.cancelHello?.();
      const rttMs = now.live?.session.rttMs ?? 0;
      if (rttMs > 0) this.#rttMs = rttMs;
      this.#closed(generation, error ?? new Error('the broker ended the session'));
    };
    const session: Session = new Session(channel, {
      role: 'client',
      flushAfter: 'poll',
      budget: this.#c.receiveBudget,
      limits: { untakenShareBytes: OWN_PEER_SHARE_BYTES },
      keepAlive: KEEP_ALIVE,
      onStream: (stream) => {
        if (now.live === undefined) early.push(stream);
        else this.#onStream(now.live, stream);
      },
      onSuspect: (suspect) => this.#apply({ type: 'suspected', generation, suspect }),
      onSilent: (silentMs) => this.#c.onSilent(this, silentMs),
      onClosed: (error) => {
        if (now.live === undefined) now.ended = { error };
        else onClosed(error);
      },
    });
    const live: LiveSession = { generation, session, control: undefined, sentToken: token, sentLoad: 0 };
    now.live = live;
    this.#live = live;
    if (now.ended !== undefined) {
      onClosed(now.ended.error);
      return;
    }
    now.cancelHello = this.#c.clock.after(HELLO_TIMEOUT_MS, () => {
      if (this.#state.name === 'connecting' && this.#state.generation === generation) {
        session.destroy(new Error(`the broker sent no hello within ${HELLO_TIMEOUT_MS} ms`));
      }
    });
    for (const stream of early) this.#onStream(live, stream);
  }

  /** The first stream is the control stream, each other one a visitor's connection. */
  #onStream(live: LiveSession, stream: YamuxStream): void {
    if (live.control === undefined) this.#startControl(live, stream);
    else this.#c.onStream(stream, { broker: this.broker, region: this.region });
  }

  #startControl(live: LiveSession, stream: YamuxStream): void {
    live.control = new ControlStream(stream, {
      onMessage: (message, from) => {
        live.control = from;
        this.#message(live, message);
      },
      onEnd: (reason) => live.session.destroy(new Error(reason)),
    });
  }

  /** Only to a broker that is not linked yet: it ends whatever session the agent has there for this newer one. */
  #sayHello({ control, generation }: LiveSession): void {
    const { agentId: agent, version } = this.#c;
    control?.send({ type: 'hello', agent, version, generation, hosts: [...this.#c.hosts()] });
    // It may have been renewed while the dial was under way.
    this.update();
  }

  #message(live: LiveSession, message: BrokerMessage): void {
    const { clock, log } = this.#c;
    const { generation, session } = live;
    switch (message.type) {
      case 'hello':
        if (this.#state.name !== 'connecting' || this.#state.generation !== generation) return;
        this.broker = message.broker;
        this.region = message.region;
        if (this.#c.isTaken(message.broker, this)) {
          this.#c.onDuplicate(this);
          return;
        }
        this.#sayHello(live);
        session
          .ping(AbortSignal.timeout(HELLO_TIMEOUT_MS))
          .catch((error: unknown) => log.debug({ err: error }, 'first ping'));
        this.#apply({ type: 'hello', generation, now: clock.now() });
        return;
      case 'drain':
        log.info({ broker: this.broker, reason: message.reason, graceMs: message.graceMs }, 'the broker drains');
        this.#apply({ type: 'drained', generation, endsAt: clock.now() + message.graceMs + DRAIN_SLACK_MS });
        return;
      case 'host-added':
        log.debug({ broker: this.broker, host: message.host }, 'the broker serves the host');
        return;
      case 'host-removed':
        log.warn(
          { broker: this.broker, host: message.host, reason: message.reason },
          'the broker no longer serves the host',
        );
        if (this.#c.hosts().includes(message.host)) this.#c.onHostRemoved(this, message.host, message.reason);
        return;
      case 'rebalance':
        log.info({ broker: this.broker, reason: message.reason }, 'the broker asks to be relieved');
        this.#c.onRebalance(this, message.reason);
    }
  }

  #closed(generation: number, error: unknown, refused = false): void {
    if (this.#live?.generation === generation) this.#live = undefined;
    this.#apply({
      type: 'closed',
      generation,
      now: this.#c.clock.now(),
      error: error instanceof Error ? error.message || String(error) : String(error),
      refused,
      retryAfterMs: error instanceof DialRefused ? error.retryAfterMs : 0,
      jitter: this.#c.random(),
    });
  }
}

/** The broker does not take the token. */
function isRefusal(error: unknown): boolean {
  return error instanceof DialRefused && (error.status === 401 || error.status === 403);
}

function hasHello(state: LinkState): boolean {
  return state.name === 'up' || state.name === 'suspect' || state.name === 'draining';
}
