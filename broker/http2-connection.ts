import { constants, performServerHandshake } from 'node:http2';
import type { IncomingHttpHeaders, ServerHttp2Session, ServerHttp2Stream } from 'node:http2';
import type { TLSSocket } from 'node:tls';
import type { ConnectionFacts } from './connection-facts.ts';
import { Bag } from '../shared/bag.ts';
import type { Edge } from './edge.ts';
import type { Entrance } from './entrance.ts';
import { Http2Guard } from './http2-guard.ts';
import { Http2Visitor } from './http2-visitor.ts';

/** Above the limits, so that a head can be refused with 431; beyond it nghttp2 resets the stream. */
const HEADROOM = 2;
const WINDOW_BYTES = 256 * 1024;
const CONNECTION_WINDOW_BYTES = 1024 * 1024;
/** Frames that break the protocol but not the connection (closed streams, refused streams). */
const MAX_BAD_FRAMES = 128;
/** Megabytes that one connection may hold in nghttp2. */
const MAX_SESSION_MEMORY = 8;
/** Pings that wait for their answer. */
const MAX_WAITING = 16;
/** Streams that a visitor resets, also answered ones: so many at once, and then so many a second. */
const RESET_BURST = 1_000;
const RESETS_PER_SECOND = 100;
const LAST_POSSIBLE_STREAM = 2 ** 31 - 1;

/** One HTTP/2 connection of a visitor (RFC 9113); each of its streams is an exchange in HTTP/1.1. */
export class Http2Connection {
  readonly #edge: Edge;
  readonly #entrance: Entrance;
  readonly #facts: ConnectionFacts;
  readonly #session: ServerHttp2Session;
  readonly #socket: TLSSocket;
  readonly #guard: Http2Guard;
  readonly #visitors = new Bag<Http2Visitor>();
  readonly #openedAt = performance.now();
  #idleSince = this.#openedAt;
  /** The visitor's preface and settings have come. */
  #greeted = false;
  #draining = false;
  /** When the session was first seen to be over. */
  #overSince: number | undefined;

  constructor(edge: Edge, entrance: Entrance, socket: TLSSocket, facts: ConnectionFacts) {
    this.#edge = edge;
    this.#entrance = entrance;
    this.#facts = facts;
    this.#socket = socket;
    this.#guard = new Http2Guard(socket, this.#openedAt);
    const { maxHeadBytes, maxHeaders } = edge.limits;
    const session = performServerHandshake(socket, {
      maxSessionMemory: MAX_SESSION_MEMORY,
      maxHeaderListPairs: HEADROOM * maxHeaders,
      maxSendHeaderBlockLength: 4 * maxHeadBytes,
      maxOutstandingPings: MAX_WAITING,
      maxSessionInvalidFrames: MAX_BAD_FRAMES,
      maxSessionRejectedStreams: MAX_BAD_FRAMES,
      strictSingleValueFields: false,
      // Strict, it drops a field that has white space around its value and serves the request without; we refuse it.
      strictFieldWhitespaceValidation: false,
      streamResetBurst: RESET_BURST,
      streamResetRate: RESETS_PER_SECOND,
      settings: {
        maxConcurrentStreams: edge.limits.maxStreamsPerConnection,
        maxHeaderListSize: HEADROOM * maxHeadBytes,
        initialWindowSize: WINDOW_BYTES,
        enablePush: false,
        enableConnectProtocol: true,
      },
    });
    this.#session = session;
    session.setLocalWindowSize(CONNECTION_WINDOW_BYTES);
    session.on('stream', (stream: ServerHttp2Stream, headers: IncomingHttpHeaders, flags: number, raw: string[]) =>
      this.#onStream(stream, headers, flags, raw),
    );
    session.on('remoteSettings', () => {
      this.#greeted = true;
      if (!this.#guard.asked(performance.now())) this.#calm('settings');
    });
    session.on('ping', () => {
      if (!this.#guard.asked(performance.now())) this.#calm('pings');
    });
    session.on('error', (error) =>
      edge.log.trace({ err: error, visitor: facts.remoteAddress }, 'HTTP/2 connection failed'),
    );
    // Without its side no stream of a visitor can go on, and the session does not look: the listener leaves it half open.
    socket.on('end', () => session.destroy());
    session.on('close', () => {
      for (const visitor of this.#visitors) visitor.gone();
      this.#visitors.clear();
      socket.destroy();
    });
  }

  /** Checks the time limits. */
  tick(now: number): void {
    const { limits } = this.#edge;
    for (const visitor of this.#visitors) visitor.tick(now);
    if (this.#session.destroyed) this.#tickAfterSession(now);
    else if (!this.#guard.bytesFit(now)) this.#calm('frames');
    else if (!this.#greeted && now - this.#openedAt > limits.headTimeoutMs) this.#session.destroy();
    else if (this.#visitors.size === 0 && now - this.#idleSince > limits.keepAliveTimeoutMs) this.#session.close();
    else if (this.#session.closed && this.#visitors.size === 0 && now - this.#idleSince > limits.headTimeoutMs)
      this.#session.destroy();
  }

  /** The session has ended our side alone: one who does not read, or does not end his own, may not hold the connection. */
  #tickAfterSession(now: number): void {
    const { headTimeoutMs, streamIdleTimeoutMs } = this.#edge.limits;
    this.#overSince ??= now;
    if (now - this.#overSince > (this.#socket.writableFinished ? headTimeoutMs : streamIdleTimeoutMs))
      this.#socket.destroy();
  }

  /** RFC 9113 §6.8: first a notice, so that what is on its way here is still served, then the end. */
  drain(): void {
    if (this.#draining || this.#session.closed || this.#session.destroyed) return;
    this.#draining = true;
    const session = this.#session;
    session.goaway(constants.NGHTTP2_NO_ERROR, LAST_POSSIBLE_STREAM);
    const close = (): void => {
      if (!session.closed && !session.destroyed) session.close();
    };
    if (!session.ping(close)) close();
  }

  sayRestart(): void {
    for (const visitor of this.#visitors) visitor.sayRestart();
  }

  #onStream(stream: ServerHttp2Stream, headers: IncomingHttpHeaders, flags: number, raw: string[]): void {
    const ended = (flags & constants.NGHTTP2_FLAG_END_STREAM) !== 0;
    const visitor = new Http2Visitor(this.#edge, this.#entrance, this.#facts, stream, this.#guard);
    this.#visitors.add(visitor);
    this.#guard.opened(raw);
    stream.on('close', () => {
      this.#visitors.delete(visitor);
      this.#idleSince = performance.now();
      visitor.gone();
      // What counts is work that was started for nothing, not how the visitor made the stream end.
      if (!visitor.answered && !this.#session.destroyed && !this.#guard.wasted(this.#idleSince)) this.#calm('resets');
    });
    visitor.start(headers, raw, ended);
  }

  /** Ends a connection that costs more than it asks for. */
  #calm(what: string): void {
    if (this.#session.destroyed) return;
    this.#edge.metrics.refusedConnections += 1;
    this.#edge.log.debug({ visitor: this.#facts.remoteAddress, what }, 'HTTP/2 connection closed: too many of them');
    this.#session.destroy(new Error(`too many ${what}`), constants.NGHTTP2_ENHANCE_YOUR_CALM);
    this.#socket.destroySoon();
  }
}
