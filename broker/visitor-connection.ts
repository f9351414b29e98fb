import type { Socket } from 'node:net';
import type { Http1Error } from '../shared/http1/errors.ts';
import type { HeaderList } from '../shared/http1/header-list.ts';
import type { RequestHead } from '../shared/http1/message-head.ts';
import type { MessageHandler } from '../shared/http1/message-parser.ts';
import { RequestParser } from '../shared/http1/request-parser.ts';
import { adoptReads } from '../shared/sockets/adopt-reads.ts';
import type { ConnectionFacts } from './connection-facts.ts';
import type { Edge } from './edge.ts';
import type { Entrance, LocalResponse } from './entrance.ts';
import { BodyPace, mayBeSilent } from './body-pace.ts';
import { BurstWriter } from './burst-writer.ts';
import { codeOfStatus } from './errors.ts';
import type { BrokerErrorCode } from './errors.ts';
import { Exchange } from './exchange.ts';
import type { ExchangeVisitor } from './exchange-visitor.ts';
import { isForged } from './forged-fields.ts';
import { HalfClosed } from './half-closed.ts';
import { localResponse } from './local-response.ts';
import { headLimits } from './options.ts';
import { ownAnswer } from './own-answer.ts';
import { ReaderHold } from './reader-hold.ts';

/** Bytes of later requests that may wait while one is answered. */
const MAX_WAITING_BYTES = 64 * 1024;
/** After an answer to an unfinished request: what is still read and dropped, so that the visitor can read the answer. */
const LINGER_BYTES = 64 * 1024 * 1024;
const LINGER_MS = 5_000;

/** One connection of a visitor or a peer: requests one after the other, answered in their order. */
export class VisitorConnection implements ExchangeVisitor, MessageHandler<RequestHead> {
  readonly #edge: Edge;
  readonly #entrance: Entrance;
  readonly #socket: Socket;
  readonly #facts: ConnectionFacts;
  /** The TCP connection, below TLS. */
  readonly #carrier: Socket;
  readonly #parser: RequestParser;
  readonly #out: BurstWriter;
  #exchange: Exchange | undefined;
  /** `idle` between requests, `body` while one is read, `answer` when only its answer is missing. */
  #reading: 'idle' | 'body' | 'answer' | 'upgraded' | 'linger' = 'idle';
  #since = performance.now();
  /** When the first byte of a head came; the connection itself counts as one. */
  #headSince = performance.now();
  #keepAlive = true;
  #version: '1.0' | '1.1' = '1.1';
  #closing = false;
  #visitorEnded = false;
  #halfClosed: HalfClosed | undefined;
  #bodyPaused = false;
  #waitingBytes = 0;
  #lingered = 0;
  #headers: HeaderList | undefined;
  #method = 'GET';
  #requestId: string | undefined;
  #streamClosed: (() => void) | undefined;
  #nextOnDrain = false;
  readonly #bodyPace: BodyPace;
  readonly #readerPace: BodyPace;
  readonly #hold = new ReaderHold();
  /** Of request bodies. */
  #bodyBytes = 0;

  constructor(edge: Edge, entrance: Entrance, socket: Socket, facts: ConnectionFacts, carrier = socket) {
    this.#edge = edge;
    this.#entrance = entrance;
    this.#socket = socket;
    this.#facts = facts;
    this.#carrier = carrier;
    const { limits } = edge;
    this.#parser = new RequestParser(this, {
      limits: headLimits(limits, entrance.toPeer),
      refusesTrailer: isForged,
    });
    this.#bodyPace = new BodyPace(limits.bodyFloorBytes, limits.bodyPaceMs);
    this.#readerPace = new BodyPace(limits.bodyFloorBytes, limits.readerPaceMs);
    this.#out = new BurstWriter(socket, () => this.#onRoom());
    const onData = (bytes: Buffer): void => this.#onData(bytes);
    if (!adoptReads(socket, onData)) socket.on('data', onData);
    socket.on('end', () => this.#onEnd());
    socket.on('drain', () => this.#onDrain());
    socket.on('error', (error) =>
      this.#edge.log.trace({ err: error, visitor: this.#facts.remoteAddress }, 'visitor connection failed'),
    );
    socket.on('finish', () => {
      this.#since = performance.now();
    });
    socket.on('close', () => this.#onClose());
  }

  get blocked(): boolean {
    return this.#socket.writableNeedDrain || this.#out.holds || this.#hold.isHeld;
  }

  /** No request is being read or answered. */
  get idle(): boolean {
    return this.#exchange === undefined && this.#streamClosed === undefined && this.#reading === 'idle';
  }

  onBurst(open: boolean): void {
    if (open) this.#out.open();
    else this.#out.close();
  }

  write(bytes: Uint8Array): void {
    this.#edge.metrics.sentBytes += bytes.length;
    this.#out.write(bytes);
  }

  pauseBody(): void {
    this.#bodyPaused = true;
    this.#socket.pause();
    if (this.#reading === 'body') this.#parser.pause();
  }

  resumeBody(): void {
    if (!this.#bodyPaused) return;
    this.#bodyPaused = false;
    this.#since = performance.now();
    if (this.#reading === 'body') this.#parser.resume();
    if (!this.#isBodyPaused()) this.#socket.resume();
  }

  connectionHeader(closing: boolean): string | undefined {
    const isLast = this.#visitorEnded && this.#parser.idle;
    if (closing || !this.#keepAlive || isLast || this.#edge.draining) {
      this.#closing = true;
      return 'close';
    }
    return this.#version === '1.0' ? 'keep-alive' : undefined;
  }

  answer(code: BrokerErrorCode, detail?: string): void {
    this.#exchange = undefined;
    const close = this.connectionHeader(this.#reading === 'body') === 'close';
    this.#edge.metrics.countOwn(code);
    this.write(
      ownAnswer({
        code,
        detail,
        close,
        accept: this.#headers?.get('accept'),
        headOnly: this.#method === 'HEAD',
        requestId: this.#requestId,
        toPeer: this.#entrance.toPeer,
      }),
    );
    this.#next();
  }

  finished(broken: boolean): void {
    this.#exchange = undefined;
    this.#out.flush();
    if (broken) this.#reset();
    else this.#next();
  }

  upgraded(): void {
    this.#reading = 'upgraded';
    this.#closing = true;
    const exchange = this.#exchange;
    for (const bytes of this.#parser.takeRest()) exchange?.send(bytes);
    if (this.#visitorEnded) exchange?.visitorEnded();
    else if (!this.#bodyPaused) this.#socket.resume();
  }

  endUpgraded(): void {
    this.#out.flush();
    this.#watchHalf();
    this.#socket.end();
  }

  onHead(head: RequestHead): void {
    this.#since = performance.now();
    this.#headSince = 0;
    this.#keepAlive = head.keepAlive;
    this.#version = head.version;
    this.#method = head.method;
    this.#headers = head.headers;
    this.#requestId = undefined;
    const { framing } = head;
    const bodiless = framing.kind === 'none' || framing.kind === 'upgrade' || framing.length === 0;
    this.#reading = bodiless ? 'answer' : 'body';
    const admission = this.#entrance.admit(head, this.#facts);
    if (admission.kind === 'local') admission.respond(this.#local());
    else if (admission.kind === 'refuse') {
      this.#requestId = admission.requestId;
      // Behind a proxy the next request may be of another visitor.
      this.#closing = admission.code !== 'broker.too-many-requests';
      this.answer(admission.code, admission.detail);
    } else if (this.#edge.metrics.inFlight >= this.#edge.limits.maxInFlight) this.answer('broker.too-busy');
    else {
      this.#requestId = admission.request.requestId;
      const exchange = new Exchange(this.#edge, this, admission.request);
      this.#exchange = exchange;
      if (bodiless) exchange.sent();
      exchange.start();
    }
  }

  onBody(bytes: Buffer): void {
    this.#since = performance.now();
    this.#bodyBytes += bytes.length;
    this.#exchange?.send(bytes);
  }

  onComplete(): void {
    if (this.#exchange === undefined) {
      // Answered already; after a refused upgrade the parser waits to be told.
      if (this.#reading === 'idle') this.#parser.resume();
      return;
    }
    this.#reading = 'answer';
    this.#exchange.sent();
    this.#parser.pause();
  }

  onError(error: Http1Error): void {
    this.#closing = true;
    const exchange = this.#exchange;
    if (exchange !== undefined && exchange.responding) {
      exchange.abort();
      this.finished(true);
      return;
    }
    exchange?.abort();
    if (this.#reading === 'linger') return;
    if (error.code === 'http1.truncated') {
      this.#exchange = undefined;
      this.#end();
      return;
    }
    this.#reading = 'body';
    this.answer(codeOfStatus(error.status), `${error.message.charAt(0).toUpperCase()}${error.message.slice(1)}.`);
  }

  /** Checks the time limits. */
  tick(now: number): void {
    const { limits } = this.#edge;
    this.#exchange?.tick(now);
    // An answer that has not begun has a limit of its own.
    const mayGiveUp = this.#exchange?.responding === true || this.#reading === 'upgraded';
    if (this.#halfClosed?.isQuiet(now, this.#hold.isHeld) === true && mayGiveUp) {
      this.#exchange?.abort();
      // What left before its end in order may still be on its way.
      if (this.#socket.writableEnded) this.#socket.destroy();
      else this.#reset();
      return;
    }
    const queued = this.#socket.writableLength + (this.#hold.isHeld ? this.#hold.unreadBytes : 0);
    if (this.#readerPace.tooSlow(now, queued > 0, queued > 0 ? this.#socket.bytesWritten - queued : 0)) {
      this.#reset();
    } else if (this.#reading === 'linger') {
      const limitMs = this.#socket.writableLength > 0 ? limits.streamIdleTimeoutMs : LINGER_MS;
      if (now - this.#since > limitMs) this.#socket.destroy();
    } else if (this.#nextOnDrain) {
      if (now - this.#since > limits.streamIdleTimeoutMs) this.#socket.destroy();
    } else if (this.#reading === 'idle' && this.#streamClosed === undefined) {
      if (this.#headSince > 0 && now - this.#headSince > limits.headTimeoutMs) this.#headTimeout();
      else if (this.#headSince === 0 && now - this.#since > limits.keepAliveTimeoutMs) this.#socket.destroy();
    } else if (this.#isBodyTooSlow(now)) {
      if (this.#exchange?.responding === true) {
        this.#exchange.abort();
        this.#socket.destroy();
        return;
      }
      this.#exchange?.abort();
      this.#closing = true;
      this.answer('broker.body-timeout');
    }
  }

  unread(bytes: number, now: number): void {
    const { isHeld } = this.#hold;
    this.#hold.see(bytes, this.#socket.bytesWritten - this.#socket.writableLength, now);
    if (isHeld) this.#onRoom();
  }

  /** Ends the connection at once when it is idle, else after the answer to what runs, or has begun to come. */
  drain(): void {
    this.#closing = true;
    // A request that crosses the end on its way is not served (RFC 9112 §9.6): its answer could not leave any more.
    if (this.idle && this.#parser.idle) this.#end();
  }

  /** An upgraded WebSocket is told that the broker restarts. */
  sayRestart(): void {
    this.#exchange?.sayRestart();
  }

  destroy(): void {
    this.#socket.destroy();
  }

  #isBodyTooSlow(now: number): boolean {
    const { limits } = this.#edge;
    const reading = this.#reading === 'body' && !this.#bodyPaused;
    const paced = reading && this.#exchange?.responding !== true && !mayBeSilent(this.#headers?.get('content-type'));
    return (
      this.#bodyPace.tooSlow(now, paced, this.#bodyBytes) || (reading && now - this.#since > limits.bodyIdleTimeoutMs)
    );
  }

  /** Cuts the connection so that the visitor sees it: below TLS, an end without a reset could pass for the end of a response. */
  #reset(): void {
    if (!this.#carrier.destroyed) this.#carrier.resetAndDestroy();
  }

  #watchHalf(): void {
    this.#halfClosed ??= new HalfClosed(this.#socket, this.#carrier, this.#edge.limits.halfClosedIdleMs);
  }

  #isBodyPaused(): boolean {
    return this.#bodyPaused;
  }

  #headTimeout(): void {
    if (this.#parser.idle) {
      this.#socket.destroy();
      return;
    }
    this.#closing = true;
    this.#reading = 'body';
    this.answer('broker.head-timeout');
  }

  #onData(bytes: Buffer): void {
    this.#edge.metrics.receivedBytes += bytes.length;
    if (this.#reading === 'upgraded') {
      this.#exchange?.send(bytes);
      return;
    }
    if (this.#reading === 'linger') {
      this.#lingered += bytes.length;
      if (this.#lingered > LINGER_BYTES) this.#socket.destroy();
      return;
    }
    if (this.#parser.paused) {
      this.#waitingBytes += bytes.length;
      if (this.#waitingBytes > MAX_WAITING_BYTES) this.#socket.pause();
    }
    this.#parser.push(bytes);
    if (this.#reading === 'idle' && this.#headSince === 0 && !this.#parser.idle) this.#headSince = performance.now();
  }

  /** Neither ends a request nor says that the visitor waits for no answer (RFC 9112 §9.6). */
  #onEnd(): void {
    this.#visitorEnded = true;
    this.#watchHalf();
    if (this.#reading === 'upgraded') this.#exchange?.visitorEnded();
    else if (this.#streamClosed !== undefined || (this.#entrance.toPeer && this.#exchange !== undefined)) {
      // An edge never ends its side alone: it is gone, and with it the visitor.
      this.#socket.destroy();
    } else if (this.#reading !== 'linger') {
      this.#parser.end();
      if (this.idle) this.#end();
    }
  }

  #onDrain(): void {
    if (this.#exchange === undefined && this.#nextOnDrain) this.#next();
    else this.#onRoom();
  }

  #onRoom(): void {
    if (!this.blocked) this.#exchange?.visitorDrained();
  }

  #onClose(): void {
    this.#exchange?.abort();
    this.#exchange = undefined;
    this.#parser.takeRest();
    this.#streamClosed?.();
    this.#streamClosed = undefined;
  }

  /** The answer is written: the next request, once the visitor has taken it, or the end of the connection. */
  #next(): void {
    this.#nextOnDrain = false;
    this.#out.flush();
    if (this.#socket.destroyed) return;
    this.#since = performance.now();
    if (this.#closing || !this.#keepAlive) {
      this.#end();
      return;
    }
    if (this.#socket.writableNeedDrain) {
      this.#nextOnDrain = true;
      // Else requests that are answered at once would be read and answered without end.
      this.#parser.pause();
      return;
    }
    this.#reading = 'idle';
    this.#method = 'GET';
    this.#headers = undefined;
    this.#requestId = undefined;
    this.#bodyPaused = false;
    this.#waitingBytes = 0;
    this.#parser.resume();
    if (!this.#parser.paused && this.#socket.isPaused()) this.#socket.resume();
    if (this.#reading === 'idle' && !this.#parser.idle) this.#headSince = performance.now();
    if (this.#visitorEnded && this.#parser.stopped && this.idle) this.#end();
  }

  /** What was written still leaves; what comes is dropped. */
  #end(): void {
    this.#reading = 'linger';
    this.#since = performance.now();
    this.#parser.takeRest();
    this.#socket.end();
    if (!this.#visitorEnded) this.#socket.resume();
  }

  #local(): LocalResponse {
    this.#closing = true;
    return localResponse({
      socket: this.#socket,
      write: (bytes) => this.write(bytes),
      done: () => this.#next(),
      streams: (closed) => {
        this.#streamClosed = closed;
      },
    });
  }
}
