import type { Bagged } from '../../shared/bag.ts';
import type { Http1Error } from '../../shared/http1/errors.ts';
import type { RequestHead } from '../../shared/http1/message-head.ts';
import type { MessageHandler } from '../../shared/http1/message-parser.ts';
import { RequestParser } from '../../shared/http1/request-parser.ts';
import { INTERNAL_HEADER_PREFIX } from '../../shared/tunnel/protocol.ts';
import type { StreamReceiver, YamuxStream } from '../../shared/yamux/types.ts';
import { Exchange } from './exchange.ts';
import type { ExchangeContext, Visitor } from './exchange-context.ts';
import { problemAnswer, writeAnswer } from './own-answer.ts';

/** A broker's own limits may be raised, and it adds fields: what it lets through is not refused here. */
const LIMITS = {
  maxTargetBytes: 64 * 1024,
  maxHeadBytes: 256 * 1024,
  maxHeaders: 1024,
};

/** What the broker adds is for us, and no visitor's. */
function isInternal(lowerName: string): boolean {
  return lowerName.startsWith(INTERNAL_HEADER_PREFIX);
}

export interface StreamHost {
  /** For each request anew, so that it gets the configuration of its time. */
  context(): ExchangeContext;
  onIdle(): void;
  onClosed(server: StreamServer): void;
}

/**
 * Serves the requests of one stream, one after the other; the broker keeps streams for many. Credit goes back to the
 * peer only for bytes that were passed on, so a slow upstream slows its visitor and nobody else.
 */
export class StreamServer implements StreamReceiver, MessageHandler<RequestHead>, Visitor, Bagged {
  place = -1;
  readonly #stream: YamuxStream;
  readonly #host: StreamHost;
  readonly #parser = new RequestParser(this, { apart: isInternal, limits: LIMITS });
  #exchange: Exchange | undefined;
  #requestDone = false;
  #peerEnded = false;
  #keepAlive = true;
  #tunnel = false;
  #closing = false;
  /** Received and not yet credited. */
  #owed = 0;

  constructor(stream: YamuxStream, host: StreamHost) {
    this.#stream = stream;
    this.#host = host;
  }

  get idle(): boolean {
    return this.#exchange === undefined;
  }

  tick(now: number): void {
    this.#exchange?.tick(now);
  }

  /** Ends the stream now when idle, else after the exchange that runs. */
  closeWhenIdle(): void {
    this.#closing = true;
    if (this.idle) this.#stream.end();
  }

  destroy(): void {
    this.#exchange?.abort('the agent stopped');
    this.#exchange = undefined;
    this.#stream.reset();
  }

  onData(bytes: Uint8Array): void {
    this.#owed += bytes.length;
    if (this.#tunnel) this.#exchange?.requestBody(bytes);
    else this.#parser.push(bytes);
    this.#credit();
  }

  onEnd(): void {
    this.#peerEnded = true;
    if (this.#tunnel) {
      this.#exchange?.requestEnd();
      return;
    }
    if (this.#exchange === undefined) this.#stream.end();
    else if (!this.#requestDone) this.#parser.end();
  }

  onDrain(): void {
    this.#exchange?.visitorDrained();
  }

  onClosed(error?: Error): void {
    const exchange = this.#exchange;
    this.#exchange = undefined;
    exchange?.abort(error === undefined ? 'the visitor closed the stream' : `the visitor went away: ${error.message}`);
    // Dropped with the exchange: the session counts them until it is told.
    const owed = this.#owed;
    this.#owed = 0;
    if (owed > 0) this.#stream.consumed(owed);
    this.#host.onClosed(this);
  }

  onHead(head: RequestHead): void {
    this.#requestDone = false;
    this.#keepAlive = head.keepAlive;
    const exchange = new Exchange(head, this.#host.context(), this);
    this.#exchange = exchange;
    exchange.start();
  }

  onBody(bytes: Buffer): void {
    this.#exchange?.requestBody(bytes);
  }

  onComplete(): void {
    this.#requestDone = true;
    const exchange = this.#exchange;
    if (exchange === undefined || exchange.over) {
      this.#next();
      return;
    }
    exchange.requestEnd();
    // The next request waits for this answer; an early end of the exchange has resumed already.
    if (this.#exchange === exchange && !exchange.over) this.#parser.pause();
  }

  onError(error: Http1Error): void {
    const exchange = this.#exchange;
    this.#exchange = undefined;
    if (exchange !== undefined && !exchange.over) {
      exchange.abort(`the request is malformed: ${error.message}`);
      this.#stream.reset();
      return;
    }
    const { bytes } = writeAnswer(problemAnswer('bad-request', `${error.message}.`), 'GET', (headers) =>
      headers.set('Connection', 'close'),
    );
    this.#stream.write(bytes);
    this.#stream.end();
  }

  write(bytes: Uint8Array): boolean {
    return this.#stream.write(bytes);
  }

  more(): void {
    this.#credit();
  }

  done(): void {
    if (this.#tunnel) return;
    if (this.#requestDone) this.#next();
    // Else: the rest of the request is read and dropped, then comes the next.
  }

  reset(): void {
    this.#exchange = undefined;
    this.#stream.reset();
  }

  upgraded(): void {
    this.#tunnel = true;
    for (const bytes of this.#parser.takeRest()) this.#exchange?.requestBody(bytes);
    if (this.#peerEnded) this.#exchange?.requestEnd();
  }

  endUpgraded(): void {
    this.#stream.end();
  }

  #next(): void {
    this.#exchange = undefined;
    this.#requestDone = false;
    if (!this.#keepAlive || this.#closing || this.#peerEnded) {
      this.#parser.takeRest();
      this.#stream.end();
      this.#host.onIdle();
      return;
    }
    this.#host.onIdle();
    this.#parser.resume();
    this.#credit();
  }

  #credit(): void {
    if (this.#owed === 0 || this.#exchange?.blocked === true || (this.#parser.paused && !this.#tunnel)) return;
    const owed = this.#owed;
    this.#owed = 0;
    this.#stream.consumed(owed);
  }
}
