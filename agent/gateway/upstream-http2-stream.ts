import type { ClientHttp2Stream, OutgoingHttpHeaders } from 'node:http2';
import { HeaderList, type HeaderPair } from '../../shared/http1/header-list.ts';
import type { Http1Error } from '../../shared/http1/errors.ts';
import { DEFAULT_HTTP1_LIMITS } from '../../shared/http1/limits.ts';
import type { RequestHead } from '../../shared/http1/message-head.ts';
import type { MessageHandler } from '../../shared/http1/message-parser.ts';
import { RequestParser } from '../../shared/http1/request-parser.ts';
import { AgentError } from '../errors.ts';
import { chunkFrame, lastChunk } from './chunk-frame.ts';
import type { Dial } from './dial-upstream.ts';
import { http2RequestHeaders, http2Trailers } from './http2-request-headers.ts';
import { http1ResponseHead, trailerSection } from './http2-response-head.ts';
import type { ResponseSink, UpstreamConnection } from './upstream-connection.ts';
import type { Http2StreamUser, UpstreamHttp2Session } from './upstream-http2-session.ts';
import type { UpstreamTarget } from './upstream-target.ts';
import type { Watching } from './upstream-watching.ts';

/** The broker has judged the head; middlewares may have added to it. */
const LIMITS = {
  ...DEFAULT_HTTP1_LIMITS,
  maxHeadBytes: 4 * DEFAULT_HTTP1_LIMITS.maxHeadBytes,
  maxHeaders: 4 * DEFAULT_HTTP1_LIMITS.maxHeaders,
};
/** RFC 9113 §6.1 and §7; to take them from `node:http2` would load it. */
const FLAG_END_STREAM = 0x1;
const NO_ERROR = 0x0;
const REFUSED_STREAM = 0x7;
const CANCEL = 0x8;
/** A request with more than this is not sent again when its stream was refused. */
const MAX_REPLAY_BYTES = 64 * 1024;
const MAX_TRIES = 3;

/**
 * One request on an HTTP/2 session, with the face of an HTTP/1.1 connection: the head and the framed body that come are
 * read, and what comes back is framed again, with trailers in the chunked form's own place. A request that the server
 * says it did not look at (REFUSED_STREAM, or above the last stream of a GOAWAY) goes out again on another session.
 */
export class UpstreamHttp2Stream implements UpstreamConnection, MessageHandler<RequestHead>, Http2StreamUser {
  place = -1;
  readonly target: UpstreamTarget;
  readonly reused: boolean;
  #session: UpstreamHttp2Session;
  readonly #watching: Watching | undefined;
  readonly #another: (done: (result: UpstreamHttp2Session | AgentError) => void) => Dial;
  readonly #parser = new RequestParser(this, { decode: true, limits: LIMITS });
  #sink: ResponseSink | undefined;
  #stream: ClientHttp2Stream | undefined;
  #dial: Dial | undefined;
  #method = '';
  #headers: OutgoingHttpHeaders | undefined;
  #bodiless = false;
  /** What was sent, for as long as it may have to be sent again; undefined when that is too much. */
  #sent: Buffer[] | undefined = [];
  #sentBytes = 0;
  #complete = false;
  #trailers: OutgoingHttpHeaders = {};
  #tries = 1;
  #answered = false;
  #chunking = false;
  #answerTrailers: readonly HeaderPair[] = [];
  #paused = false;
  #headTimer: NodeJS.Timeout | undefined;

  constructor(
    session: UpstreamHttp2Session,
    target: UpstreamTarget,
    watching: Watching | undefined,
    another: (done: (result: UpstreamHttp2Session | AgentError) => void) => Dial,
  ) {
    this.#session = session;
    this.target = target;
    this.reused = session.used;
    this.#watching = watching;
    this.#another = another;
  }

  begin(method: string, head: Buffer, sink: ResponseSink): boolean {
    this.#sink = sink;
    this.#method = method;
    this.#parser.push(head);
    const limit = this.target.transport?.responseHeaderTimeoutMs ?? 0;
    if (limit > 0 && this.#sink !== undefined) {
      const overdue = (): void => this.#fail('upstream-timeout', `no response head within ${limit} ms`);
      this.#headTimer = setTimeout(overdue, limit);
    }
    return this.#hasRoom;
  }

  write(bytes: Uint8Array): boolean {
    this.#headTimer?.refresh();
    this.#parser.push(bytes);
    return this.#hasRoom;
  }

  /** HTTP/2 has no upgrades. */
  end(): void {}

  finish(): void {
    this.destroy();
  }

  pause(): void {
    this.#paused = true;
    this.#stream?.pause();
  }

  resume(): void {
    this.#paused = false;
    this.#stream?.resume();
  }

  takeOver(): Buffer[] {
    return [];
  }

  destroy(): void {
    this.#leave();
    this.#watching?.ended();
  }

  onConnectionEnd(): void {
    const stream = this.#stream;
    // One that is closed already, as a refused one, tells by its own `close`; one that came whole is read to its end.
    if (stream === undefined || stream.closed || stream.state.remoteClose === 1) return;
    this.#fail('upstream-reset', 'the upstream ended the connection');
  }

  /** Of the request. */
  onHead(head: RequestHead): void {
    const { framing } = head;
    if (framing.kind === 'upgrade') {
      this.#fail('upstream-stream-reset', 'an HTTP/2 server takes no upgrades');
      return;
    }
    this.#headers = http2RequestHeaders(head, this.target.secure);
    this.#bodiless = framing.kind === 'none' || (framing.kind === 'length' && framing.length === 0);
    this.#open();
  }

  onBody(bytes: Buffer): void {
    if (this.#sent !== undefined) {
      this.#sentBytes += bytes.length;
      // A copy: what came as a small part of a large buffer must not hold all of it.
      if (this.#sentBytes <= MAX_REPLAY_BYTES) this.#sent.push(Buffer.from(bytes));
      else this.#sent = undefined;
    }
    this.#stream?.write(bytes);
  }

  onTrailers(trailers: HeaderList): void {
    this.#trailers = http2Trailers(trailers);
  }

  onComplete(): void {
    this.#complete = true;
    if (!this.#bodiless) this.#stream?.end();
  }

  onError(error: Http1Error): void {
    this.#fail('bad-request', error.message);
  }

  get #hasRoom(): boolean {
    return this.#stream !== undefined && !this.#stream.writableNeedDrain;
  }

  #open(): void {
    const headers = this.#headers ?? {};
    let stream: ClientHttp2Stream;
    try {
      stream = this.#session.open(this, headers, { endStream: this.#bodiless, waitForTrailers: !this.#bodiless });
    } catch (error) {
      // The session ended since it was chosen; nothing was sent.
      this.#tryAgain(error instanceof Error ? error.message : String(error));
      return;
    }
    this.#stream = stream;
    stream.on('wantTrailers', () => stream.sendTrailers(this.#trailers));
    stream.on('headers', (_, __, raw: string[]) => this.#onInterim(raw));
    stream.on('response', (_, flags: number, raw: string[]) => this.#onResponse(raw, flags));
    stream.on('trailers', (_, __, raw: string[]) => (this.#answerTrailers = trailerSection(raw)));
    stream.on('data', (bytes: Buffer) => this.#sink?.onBody(this.#chunking ? chunkFrame(bytes) : bytes));
    stream.on('drain', () => this.#sink?.onDrain());
    stream.on('end', () => this.#onEnd());
    stream.on('error', (error: Error) => (this.#session.failure ??= error));
    stream.once('close', () => this.#onClose(stream));
    if (this.#paused) stream.pause();
    for (const bytes of this.#sent ?? []) stream.write(bytes);
    if (this.#complete && !this.#bodiless) stream.end();
  }

  #onInterim(raw: readonly string[]): void {
    const head = http1ResponseHead(raw, this.#method, false);
    if (head !== undefined) this.#sink?.onHead(head);
  }

  #onResponse(raw: readonly string[], flags: number): void {
    const head = http1ResponseHead(raw, this.#method, (flags & FLAG_END_STREAM) !== 0);
    if (head === undefined) {
      this.#fail('upstream-malformed', 'its head cannot be written as HTTP/1.1');
      return;
    }
    this.#answered = true;
    this.#sent = undefined;
    clearTimeout(this.#headTimer);
    this.#watching?.answered(head.status);
    this.#chunking = head.framing.kind === 'chunked';
    this.#sink?.onHead(head);
  }

  #onEnd(): void {
    const sink = this.#sink;
    // Node ends what can be read also when the stream was reset: that is for `close` to tell.
    if (sink === undefined || !this.#answered || this.#stream?.rstCode !== NO_ERROR) return;
    if (this.#chunking) {
      sink.onBody(lastChunk(new HeaderList(this.#answerTrailers)));
    }
    this.#sink = undefined;
    // With both directions at their end there is nothing to take back.
    if (this.#complete) this.#stream = undefined;
    this.#watching?.ended();
    sink.onEnd(false);
  }

  /** After an answer that was read whole, nobody listens any more. */
  #onClose(stream: ClientHttp2Stream): void {
    if (this.#sink === undefined || this.#stream !== stream) return;
    const { rstCode } = stream;
    this.#stream = undefined;
    if (!this.#answered && rstCode === REFUSED_STREAM) {
      this.#tryAgain('the server refused the stream');
      return;
    }
    const { failure } = this.#session;
    if (
      failure !== undefined &&
      'code' in failure &&
      typeof failure.code === 'string' &&
      !failure.code.includes('HTTP2')
    )
      this.#fail('upstream-reset', failure.message);
    else if (rstCode === NO_ERROR || rstCode === CANCEL)
      this.#fail('upstream-reset', 'the upstream ended the connection');
    else this.#fail('upstream-stream-reset', `the stream was ended with code ${rstCode}`);
  }

  #tryAgain(reason: string): void {
    if (this.#tries >= MAX_TRIES || this.#sent === undefined) {
      this.#fail('upstream-stream-reset', reason);
      return;
    }
    this.#tries += 1;
    this.#dial = this.#another((result) => {
      this.#dial = undefined;
      if (this.#sink === undefined) return;
      if (result instanceof AgentError) {
        this.#fail(result.code, result.message);
        return;
      }
      this.#session = result;
      this.#open();
      if (this.#hasRoom) this.#sink?.onDrain();
    });
  }

  #fail(code: AgentError['code'], reason: string): void {
    const sink = this.#sink;
    this.#leave();
    this.#watching?.failed();
    sink?.onFailed(new AgentError(code, `${this.target.origin}: ${reason}.`), this.#answered);
  }

  #leave(): void {
    this.#sink = undefined;
    clearTimeout(this.#headTimer);
    this.#dial?.cancel();
    this.#dial = undefined;
    const stream = this.#stream;
    this.#stream = undefined;
    // The other side learns that nobody waits for the rest (RFC 9113 §8.1).
    if (stream !== undefined && !stream.closed) stream.close(CANCEL);
    stream?.resume();
  }
}
