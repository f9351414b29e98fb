import { AgentError } from '../errors.ts';
import { dialUpstream, type Dial } from './dial-upstream.ts';
import { Http1Connection, type UpstreamConnection } from './upstream-connection.ts';
import { UpstreamHttp2Session } from './upstream-http2-session.ts';
import { UpstreamHttp2Stream } from './upstream-http2-stream.ts';
import type { UpstreamTarget } from './upstream-target.ts';
import { Watching } from './upstream-watching.ts';

interface Options {
  readonly connectTimeoutMs: number;
  readonly idleMs: number;
}

type Done = (result: UpstreamConnection | AgentError) => void;

/** One that waits for a connection to a target. */
interface Waiter {
  readonly target: UpstreamTarget;
  readonly done: Done;
  readonly watching: Watching | undefined;
}

/** A dial under way; who wants the same target meanwhile waits for what will be agreed. */
interface Dialling {
  dial: Dial | undefined;
  readonly waiters: Set<Waiter>;
}

/** Targets whose server is known to take HTTP/1.1 only; forgotten when there are more. */
const MOST_KNOWN = 1000;

/** HTTP/2 sessions by target, shared by many exchanges; dials for targets that may speak it. */
export class Http2Sessions {
  readonly #options: Options;
  readonly #sessions = new Map<string, UpstreamHttp2Session[]>();
  readonly #dialling = new Map<string, Dialling>();
  readonly #http1Only = new Set<string>();
  #closed = false;

  constructor(options: Options) {
    this.#options = options;
  }

  /** A stream of a session that is there. */
  take(target: UpstreamTarget): UpstreamHttp2Stream | undefined {
    const session = this.#sessions.get(target.key)?.find(({ hasRoom }) => hasRoom);
    return session === undefined ? undefined : this.#stream(session, { target, watching: watchingOf(target) });
  }

  dial(target: UpstreamTarget, done: Done): Dial {
    const { key } = target;
    const waiter: Waiter = { target, done, watching: watchingOf(target) };
    const known = this.#http1Only.has(key) ? undefined : this.#dialling.get(key);
    const dialling: Dialling = known ?? { dial: undefined, waiters: new Set() };
    dialling.waiters.add(waiter);
    if (known === undefined) {
      if (!this.#http1Only.has(key)) this.#dialling.set(key, dialling);
      this.#start(target, dialling);
    }
    return {
      cancel: () => {
        if (!dialling.waiters.delete(waiter)) return;
        waiter.watching?.ended();
        if (dialling.waiters.size > 0) return;
        dialling.dial?.cancel();
        this.#forget(key, dialling);
      },
    };
  }

  close(): void {
    this.#closed = true;
    for (const { dial } of this.#dialling.values()) dial?.cancel();
    this.#dialling.clear();
    for (const list of this.#sessions.values()) for (const session of list) session.destroy();
    this.#sessions.clear();
  }

  #start(target: UpstreamTarget, dialling: Dialling): void {
    const { key } = target;
    dialling.dial = dialUpstream(target, this.#options.connectTimeoutMs, (result) => {
      this.#forget(key, dialling);
      const waiters = [...dialling.waiters];
      dialling.waiters.clear();
      if (result instanceof AgentError) {
        for (const { watching, done } of waiters) {
          watching?.failed();
          done(result);
        }
      } else if (result.http2) {
        const session = this.#keep(target, result.socket);
        for (const waiter of waiters) {
          if (session.hasRoom) waiter.done(this.#stream(session, waiter));
          else this.#again(waiter);
        }
      } else {
        if (this.#http1Only.size >= MOST_KNOWN) this.#http1Only.clear();
        this.#http1Only.add(key);
        const [first, ...others] = waiters;
        if (first === undefined) result.socket.destroy();
        else first.done(http1(result.socket, first));
        for (const waiter of others) this.#again(waiter);
      }
    });
  }

  /** The one connection was not enough: another, for one that could not share it. */
  #again(waiter: Waiter): void {
    waiter.watching?.ended();
    const session = this.take(waiter.target);
    if (session === undefined) this.dial(waiter.target, waiter.done);
    else waiter.done(session);
  }

  #forget(key: string, dialling: Dialling): void {
    if (this.#dialling.get(key) === dialling) this.#dialling.delete(key);
  }

  #keep(target: UpstreamTarget, socket: ConstructorParameters<typeof UpstreamHttp2Session>[0]): UpstreamHttp2Session {
    const { key, transport } = target;
    this.#http1Only.delete(key);
    const idleMs = Math.min(transport?.idleConnTimeoutMs || Infinity, this.#options.idleMs);
    const session = new UpstreamHttp2Session(socket, target, idleMs, (ended) => {
      const list = (this.#sessions.get(key) ?? []).filter((each) => each !== ended);
      if (list.length === 0) this.#sessions.delete(key);
      else this.#sessions.set(key, list);
    });
    if (this.#closed) session.destroy();
    else this.#sessions.set(key, [...(this.#sessions.get(key) ?? []), session]);
    return session;
  }

  #stream(
    session: UpstreamHttp2Session,
    { target, watching }: Pick<Waiter, 'target' | 'watching'>,
  ): UpstreamHttp2Stream {
    const another = (done: (result: UpstreamHttp2Session | AgentError) => void): Dial => this.#another(target, done);
    return new UpstreamHttp2Stream(session, target, watching, another);
  }

  /** For a stream that its first session did not take. */
  #another(target: UpstreamTarget, done: (result: UpstreamHttp2Session | AgentError) => void): Dial {
    const ready = this.#sessions.get(target.key)?.find(({ hasRoom }) => hasRoom);
    if (ready !== undefined) {
      done(ready);
      return { cancel: () => {} };
    }
    return dialUpstream(target, this.#options.connectTimeoutMs, (result) => {
      if (result instanceof AgentError) done(result);
      else if (result.http2) done(this.#keep(target, result.socket));
      else {
        result.socket.destroy();
        done(new AgentError('upstream-stream-reset', `${target.origin}: the server takes HTTP/2 no longer.`));
      }
    });
  }
}

function watchingOf({ watch }: UpstreamTarget): Watching | undefined {
  return watch === undefined ? undefined : new Watching(watch);
}

function http1(
  socket: ConstructorParameters<typeof Http1Connection>[0],
  { target, watching }: Waiter,
): Http1Connection {
  const connection = new Http1Connection(socket, target);
  connection.watching = watching;
  return connection;
}
