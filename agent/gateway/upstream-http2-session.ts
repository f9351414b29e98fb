import type { ClientHttp2Session, ClientHttp2Stream, OutgoingHttpHeaders } from 'node:http2';
import type { Socket } from 'node:net';
import { Bag, type Bagged } from '../../shared/bag.ts';
import type { UpstreamTarget } from './upstream-target.ts';

/** What one stream may have in flight towards us, and all streams of a session together. */
const STREAM_WINDOW = 256 * 1024;
const SESSION_WINDOW = 4 * 1024 * 1024;
/** Streams that a peer is taken to allow until it says so (RFC 9113 §6.5.2 recommends no fewer). */
const STREAMS_AT_FIRST = 100;
/** However many the peer allows. */
const MOST_STREAMS = 250;
/** An upstream that does not close its side is not waited for any longer. */
const FINISH_MS = 5_000;

/** Who has a stream of a session. */
export interface Http2StreamUser extends Bagged {
  /** Nothing more comes from the upstream. */
  onConnectionEnd(): void;
}

/** One HTTP/2 connection to an upstream. Takes no new streams once either side ends it. */
export class UpstreamHttp2Session {
  readonly #session: ClientHttp2Session;
  readonly #socket: Socket;
  readonly #idleMs: number;
  readonly #onEnd: (session: UpstreamHttp2Session) => void;
  readonly #users = new Bag<Http2StreamUser>();
  #used = false;
  #leaving = false;
  #idle: NodeJS.Timeout | undefined;
  #pinger: NodeJS.Timeout | undefined;
  /** Why the connection ended, for streams that end with it. */
  failure: Error | undefined;

  constructor(socket: Socket, target: UpstreamTarget, idleMs: number, onEnd: (session: UpstreamHttp2Session) => void) {
    this.#idleMs = idleMs;
    this.#onEnd = onEnd;
    this.#socket = socket;
    // Most previews never need it, and it is 4 MiB.
    const { connect } = process.getBuiltinModule('node:http2');
    const session = connect(target.origin.replace(/^h2c:/, 'http:'), {
      createConnection: () => socket,
      settings: { enablePush: false, initialWindowSize: STREAM_WINDOW },
      maxSessionMemory: 64,
    });
    this.#session = session;
    session.once('connect', () => session.setLocalWindowSize(SESSION_WINDOW));
    session.on('error', (error: Error) => (this.failure ??= error));
    session.on('goaway', () => this.#close());
    session.once('close', () => this.#leave());
    // The session does not look: the connection was dialled so that half of it may stay open.
    socket.on('end', () => this.#ended());
    const { readIdleTimeoutMs = 0, pingTimeoutMs = 0 } = target.transport ?? {};
    if (readIdleTimeoutMs > 0) this.#pingWhenSilent(readIdleTimeoutMs, pingTimeoutMs);
    this.#rest();
  }

  /** Served a stream before: it may be stale. */
  get used(): boolean {
    return this.#used;
  }

  get hasRoom(): boolean {
    const allowed = this.#session.remoteSettings.maxConcurrentStreams ?? STREAMS_AT_FIRST;
    return !this.#leaving && !this.#session.destroyed && this.#users.size < Math.min(allowed, MOST_STREAMS);
  }

  /** Throws when the session cannot take it. */
  open(
    user: Http2StreamUser,
    headers: OutgoingHttpHeaders,
    options: { endStream: boolean; waitForTrailers: boolean },
  ): ClientHttp2Stream {
    const stream = this.#session.request(headers, options);
    this.#used = true;
    this.#users.add(user);
    clearTimeout(this.#idle);
    stream.once('close', () => {
      this.#users.delete(user);
      if (this.#users.size > 0) return;
      if (this.#leaving) this.#close();
      else this.#rest();
    });
    return stream;
  }

  destroy(): void {
    this.#leave();
    this.#session.destroy();
    this.#socket.destroy();
  }

  #rest(): void {
    clearTimeout(this.#idle);
    this.#idle = setTimeout(() => this.#close(), this.#idleMs).unref();
  }

  /** The upstream's side is closed. What came whole before may still be read. */
  #ended(): void {
    this.#leave();
    for (const user of this.#users) user.onConnectionEnd();
    this.#close();
  }

  /** Ends with its last stream. */
  #close(): void {
    this.#leave();
    this.#session.close();
    // The session ends our side only, and the connection may stay half open.
    if (this.#users.size === 0) setTimeout(() => this.#socket.destroy(), FINISH_MS).unref();
  }

  #leave(): void {
    if (this.#leaving) return;
    this.#leaving = true;
    clearTimeout(this.#idle);
    clearInterval(this.#pinger);
    this.#onEnd(this);
  }

  #pingWhenSilent(everyMs: number, withinMs: number): void {
    let read = 0;
    this.#pinger = setInterval(() => {
      const before = read;
      read = this.#socket.bytesRead;
      if (read !== before || this.#session.destroyed) return;
      const overdue = setTimeout(() => this.#session.destroy(new Error('no answer to a ping')), withinMs).unref();
      this.#session.ping((error) => {
        if (error === null) clearTimeout(overdue);
      });
    }, everyMs).unref();
  }
}
