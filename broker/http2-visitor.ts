import { createHash, randomBytes } from 'node:crypto';
import { constants } from 'node:http2';
import type { IncomingHttpHeaders, ServerHttp2Stream } from 'node:http2';
import type { Bagged } from '../shared/bag.ts';
import { Http1Error } from '../shared/http1/errors.ts';
import { HeaderList } from '../shared/http1/header-list.ts';
import type { RequestHead, ResponseHead } from '../shared/http1/message-head.ts';
import type { MessageHandler } from '../shared/http1/message-parser.ts';
import { ResponseParser } from '../shared/http1/response-parser.ts';
import { BodyPace, mayBeSilent } from './body-pace.ts';
import type { ConnectionFacts } from './connection-facts.ts';
import type { Edge } from './edge.ts';
import type { Entrance } from './entrance.ts';
import { codeOfStatus } from './errors.ts';
import type { BrokerErrorCode } from './errors.ts';
import { Exchange } from './exchange.ts';
import type { ExchangeVisitor } from './exchange-visitor.ts';
import { isForged } from './forged-fields.ts';
import type { Http2Guard } from './http2-guard.ts';
import { http2Request, MisdirectedError } from './http2-request.ts';
import type { Http2Request } from './http2-request.ts';
import { http2Headers } from './http2-response.ts';
import { headLimits } from './options.ts';
import { ownAnswer } from './own-answer.ts';
import { trailerLines } from './trailer-lines.ts';

const WEBSOCKET_GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';
const CRLF = Buffer.from('\r\n');
/** Frames that wait for a visitor who does not read, above which he gets no more interim answers: no window bounds those. */
const MAX_WAITING_FRAMES = 256;

/**
 * One HTTP/2 stream as the visitor of an exchange. The exchange speaks HTTP/1.1: bodies of unknown length go to it in
 * chunks, and what it writes is parsed again, strictly, into header blocks, data and trailers.
 */
export class Http2Visitor implements ExchangeVisitor, MessageHandler<ResponseHead>, Bagged {
  place = -1;
  readonly #edge: Edge;
  readonly #entrance: Entrance;
  readonly #facts: ConnectionFacts;
  readonly #stream: ServerHttp2Stream;
  readonly #guard: Http2Guard;
  readonly #parser: ResponseParser;
  #exchange: Exchange | undefined;
  #chunked = false;
  #webSocketKey: string | undefined;
  #reading: 'body' | 'all' | 'upgraded' = 'body';
  #paused = false;
  #since = performance.now();
  #method = 'GET';
  #accept: string | undefined;
  #requestId: string | undefined;
  #trailers: HeaderList | undefined;
  #requestTrailers: HeaderList | undefined;
  /** A final response head was sent. */
  answered = false;
  /** The answer was 101: what follows belongs to the WebSocket. */
  #switched = false;
  /** The stream asks for trailers once its data are sent; only then may it be told to stop. */
  #withTrailers = false;
  /** Bytes of the answer that the visitor had not taken at the last look. */
  #unsent = 0;
  readonly #bodyPace: BodyPace;
  readonly #readerPace: BodyPace;
  /** The visitor may pause in its body. */
  #silent = false;
  /** Of the request body, and of all that was written. */
  #bodyBytes = 0;
  #written = 0;

  constructor(edge: Edge, entrance: Entrance, facts: ConnectionFacts, stream: ServerHttp2Stream, guard: Http2Guard) {
    this.#edge = edge;
    this.#entrance = entrance;
    this.#facts = facts;
    this.#stream = stream;
    this.#guard = guard;
    this.#parser = new ResponseParser(this, { decode: true });
    this.#bodyPace = new BodyPace(edge.limits.bodyFloorBytes, edge.limits.bodyPaceMs);
    this.#readerPace = new BodyPace(edge.limits.bodyFloorBytes, edge.limits.readerPaceMs);
    stream.on('error', (error) => edge.log.trace({ err: error }, 'HTTP/2 stream failed'));
  }

  get blocked(): boolean {
    return this.#stream.writableNeedDrain;
  }

  /** `raw`: names and values in turn, in their order. `ended`: no body follows. */
  start(headers: IncomingHttpHeaders, raw: readonly string[], ended: boolean): void {
    const stream = this.#stream;
    this.#method = headers[':method'] === 'HEAD' ? 'HEAD' : 'GET';
    this.#accept = headers.accept;
    this.#silent = mayBeSilent(headers['content-type']);
    this.#reading = ended ? 'all' : 'body';
    stream.on('data', (bytes: Buffer) => this.#onData(bytes));
    stream.on('trailers', (_headers: IncomingHttpHeaders, _flags: number, lines: string[]) =>
      this.#onRequestTrailers(lines),
    );
    stream.on('end', () => this.#onEnd());
    stream.on('aborted', () => this.#onAborted());
    stream.on('drain', () => this.#exchange?.visitorDrained());
    stream.on('wantTrailers', () => {
      stream.sendTrailers(http2Headers(this.#trailers ?? new HeaderList(), false));
      if (this.#reading === 'body') setImmediate(() => this.#stopUpload());
    });
    const request = this.#read(raw, ended);
    if (request === undefined) return;
    this.#chunked = request.head.framing.kind === 'chunked';
    this.#webSocketKey = request.webSocketKey;
    this.#admit(request.head, ended);
  }

  /** The stream or its connection is gone. */
  gone(): void {
    this.#exchange?.abort();
    this.#exchange = undefined;
  }

  sayRestart(): void {
    this.#exchange?.sayRestart();
  }

  /** Checks the time limits. */
  tick(now: number): void {
    const exchange = this.#exchange;
    if (exchange === undefined) {
      this.#tickAfterAnswer(now);
      return;
    }
    exchange.tick(now);
    if (this.#readsTooSlowly(now)) {
      exchange.abort();
      this.#exchange = undefined;
      this.#stream.close(constants.NGHTTP2_CANCEL);
      return;
    }
    const waiting = this.#reading === 'body' && !this.#paused && !this.answered && this.#webSocketKey === undefined;
    const slow = this.#bodyPace.tooSlow(now, waiting && !this.#silent, this.#bodyBytes);
    if (slow || (waiting && now - this.#since > this.#edge.limits.bodyIdleTimeoutMs)) {
      exchange.abort();
      this.answer('broker.body-timeout');
    }
  }

  onBurst(): void {}

  write(bytes: Uint8Array): void {
    this.#edge.metrics.sentBytes += bytes.length;
    this.#written += bytes.length;
    this.#guard.answered(bytes.length);
    if (this.#reading === 'upgraded') this.#stream.write(bytes);
    else this.#parser.push(bytes);
  }

  pauseBody(): void {
    this.#paused = true;
    this.#stream.pause();
  }

  resumeBody(): void {
    if (!this.#paused) return;
    this.#paused = false;
    this.#since = performance.now();
    this.#stream.resume();
  }

  /** HTTP/2 has no such header, and no response ends the connection. */
  connectionHeader(): undefined {
    return undefined;
  }

  answer(code: BrokerErrorCode, detail?: string): void {
    this.#exchange = undefined;
    if (this.#stream.destroyed) return;
    this.#edge.metrics.countOwn(code);
    this.#parser.expect(this.#method);
    this.write(
      ownAnswer({
        code,
        detail,
        close: false,
        accept: this.#accept,
        headOnly: this.#method === 'HEAD',
        requestId: this.#requestId,
        toPeer: false,
      }),
    );
    this.#afterAnswer();
  }

  finished(broken: boolean): void {
    this.#exchange = undefined;
    if (broken) this.#stream.close(constants.NGHTTP2_INTERNAL_ERROR);
    else {
      // Ends a response that had no length; anything else has ended.
      this.#parser.end();
      this.#afterAnswer();
    }
  }

  upgraded(): void {
    this.#reading = 'upgraded';
    this.#parser.takeRest();
    if (this.#stream.readableEnded) this.#exchange?.visitorEnded();
    else this.#stream.resume();
  }

  endUpgraded(): void {
    this.#stream.end();
  }

  onHead(head: ResponseHead): void {
    const stream = this.#stream;
    if (stream.destroyed || stream.headersSent) return;
    if (head.status < 200 && head.status !== 101) {
      if ((stream.session?.state.outboundQueueSize ?? 0) < MAX_WAITING_FRAMES)
        stream.additionalHeaders({ ':status': head.status, ...http2Headers(head.headers, false) });
      return;
    }
    this.answered = true;
    const upgraded = head.status === 101;
    this.#switched = upgraded;
    if (head.status > 599 || (upgraded && !this.#isAccepted(head))) {
      this.#edge.log.debug({ requestId: this.#requestId, status: head.status }, 'a response that HTTP/2 cannot carry');
      stream.close(constants.NGHTTP2_INTERNAL_ERROR);
      return;
    }
    // An empty body ends with its head: a gRPC status without a message counts only there ("Trailers-Only").
    const bodiless = head.framing.kind === 'none' || (head.framing.kind === 'length' && head.framing.length === 0);
    this.#withTrailers = head.framing.kind === 'chunked';
    stream.respond(
      { ':status': upgraded ? 200 : head.status, ...http2Headers(head.headers, upgraded) },
      { endStream: bodiless, waitForTrailers: this.#withTrailers },
    );
  }

  onBody(bytes: Buffer): void {
    if (!this.#stream.writableEnded) this.#stream.write(bytes);
  }

  onTrailers(trailers: HeaderList): void {
    trailers.removeWhere(isForged);
    this.#trailers = trailers;
  }

  onComplete(): void {
    if (this.#stream.headersSent && !this.#stream.writableEnded && !this.#switched) this.#stream.end();
  }

  onError(error: Http1Error): void {
    this.#edge.log.debug({ err: error, requestId: this.#requestId }, 'a response that HTTP/2 cannot carry');
    this.#stream.close(constants.NGHTTP2_INTERNAL_ERROR);
  }

  #read(raw: readonly string[], ended: boolean): Http2Request | undefined {
    try {
      return http2Request(raw, ended, headLimits(this.#edge.limits), () => randomBytes(16).toString('base64'));
    } catch (error) {
      if (error instanceof MisdirectedError) this.answer('broker.misdirected');
      else if (error instanceof Http1Error)
        this.answer(codeOfStatus(error.status), `${error.message.charAt(0).toUpperCase()}${error.message.slice(1)}.`);
      else throw error;
      return undefined;
    }
  }

  #admit(head: RequestHead, ended: boolean): void {
    const { metrics, limits } = this.#edge;
    const admission = this.#entrance.admit(head, this.#facts);
    if (admission.kind === 'local') {
      this.answer('broker.not-found');
      return;
    }
    if (admission.kind === 'refuse') {
      this.#requestId = admission.requestId;
      this.answer(admission.code, admission.detail);
      return;
    }
    if (metrics.inFlight >= limits.maxInFlight) {
      this.answer('broker.too-busy');
      return;
    }
    this.#requestId = admission.request.requestId;
    this.#parser.expect(admission.request.head.method);
    const exchange = new Exchange(this.#edge, this, admission.request);
    this.#exchange = exchange;
    if (this.#webSocketKey !== undefined) {
      exchange.sent();
      // What a WebSocket sends before it is accepted is no part of the request: it waits, or is never read.
      this.#stream.pause();
    } else if (ended) exchange.sent();
    exchange.start();
  }

  #onData(bytes: Buffer): void {
    this.#edge.metrics.receivedBytes += bytes.length;
    this.#guard.received(bytes.length);
    const exchange = this.#exchange;
    if (exchange === undefined || bytes.length === 0) return;
    this.#since = performance.now();
    if (!this.#chunked) exchange.send(bytes);
    else exchange.send(Buffer.concat([Buffer.from(`${bytes.length.toString(16)}\r\n`), bytes, CRLF]));
  }

  #onRequestTrailers(lines: readonly string[]): void {
    const trailers = new HeaderList();
    for (let at = 0; at + 1 < lines.length; at += 2) trailers.append(lines[at] ?? '', lines[at + 1] ?? '');
    this.#requestTrailers = trailers;
  }

  #onEnd(): void {
    if (this.#reading === 'upgraded') {
      this.#exchange?.visitorEnded();
      return;
    }
    if (this.#reading === 'all' || this.#webSocketKey !== undefined) return;
    this.#reading = 'all';
    if (this.#chunked) this.#exchange?.send(trailerLines(this.#requestTrailers));
    this.#exchange?.sent();
  }

  /** A reset without an error ends the stream only once all of the body was read, and nothing can be answered meanwhile. */
  #onAborted(): void {
    this.gone();
    this.#stream.resume();
  }

  /** A visitor that goes on sending its body is told to stop (RFC 9113 §8.1). */
  #afterAnswer(): void {
    const stream = this.#stream;
    if (stream.destroyed) return;
    if (!stream.writableEnded && !stream.headersSent) stream.close(constants.NGHTTP2_INTERNAL_ERROR);
    else if (this.#reading === 'body') {
      stream.resume();
      if (this.#withTrailers) return;
      if (stream.writableFinished) this.#stopUpload();
      else stream.once('finish', () => this.#stopUpload());
    }
  }

  /** Once END_STREAM has left: the reset would overtake it, and the answer would not be complete. */
  #stopUpload(): void {
    const stream = this.#stream;
    if (!stream.destroyed && stream.state.localClose === 1) stream.close(constants.NGHTTP2_NO_ERROR);
  }

  /** The answer is made. What the visitor does not take of it, or still sends, may not hold the stream for ever. */
  #tickAfterAnswer(now: number): void {
    const stream = this.#stream;
    if (stream.destroyed) return;
    if (this.#reading === 'body') this.#stopUpload();
    if (this.#readsTooSlowly(now)) {
      this.#giveUp();
      return;
    }
    if (stream.bufferSize !== this.#unsent) {
      this.#unsent = stream.bufferSize;
      this.#since = now;
    } else if (now - this.#since > this.#edge.limits.streamIdleTimeoutMs) this.#giveUp();
  }

  /** Who broke the protocol after a GOAWAY is neither read nor written any more, and a reset would wait for ever. */
  #giveUp(): void {
    const stream = this.#stream;
    if (stream.closed) stream.destroy();
    else stream.close(constants.NGHTTP2_CANCEL);
  }

  #readsTooSlowly(now: number): boolean {
    const queued = this.#stream.bufferSize;
    return this.#readerPace.tooSlow(now, queued > 0, this.#written - queued);
  }

  #isAccepted(head: ResponseHead): boolean {
    const wanted = createHash('sha1').update(`${this.#webSocketKey}${WEBSOCKET_GUID}`).digest('base64');
    return head.headers.get('sec-websocket-accept') === wanted;
  }
}
