import type { Http1Error } from '../shared/http1/errors.ts';
import type { ResponseHead } from '../shared/http1/message-head.ts';
import type { MessageHandler } from '../shared/http1/message-parser.ts';
import { ResponseParser } from '../shared/http1/response-parser.ts';
import type { StreamReceiver } from '../shared/yamux/types.ts';
import type { Target } from './target.ts';
import type { Wire } from './wire.ts';

/** The request that a connection carries now. */
export interface ResponseSink {
  /** True while the visitor takes no more bytes: received bytes are not acknowledged. */
  readonly blocked: boolean;
  /** Around the events of one piece of input, so that what they write leaves together. */
  onBurst(open: boolean): void;
  onResponseHead(head: ResponseHead): void;
  onResponseBody(bytes: Buffer): void;
  /** True when the request was sent whole, so that another may follow it. */
  readonly requestSent: boolean;
  /** The connection has been given back: another request may start at once. */
  onResponseComplete(): void;
  /** Bytes after an upgrade, and their end. */
  onUpgraded(bytes: Buffer): void;
  onUpgradedEnd(): void;
  onUpstreamDrain(): void;
  /** No further event follows. */
  onUpstreamFailed(connection: UpstreamConnection, error: Error | undefined): void;
}

/** One wire to the other side, kept from request to request, with the parser of its responses. */
export class UpstreamConnection implements StreamReceiver, MessageHandler<ResponseHead> {
  readonly target: Target;
  readonly wire: Wire;
  idleSince = 0;
  /** Requests that this wire has carried. */
  uses = 0;
  #sink: ResponseSink | undefined;
  #parser: ResponseParser;
  /** It takes bodies out of their chunks, for a visitor who knows none. */
  readonly #decodes: boolean;
  #upgraded = false;
  #keepAlive = false;
  #unacknowledged = 0;
  #ended = false;
  #pushing = false;
  /** Its response is complete, but perhaps not all that came with it is read. */
  #completed: ResponseSink | undefined;

  constructor(target: Target, decode: boolean) {
    this.target = target;
    this.#decodes = decode;
    this.#parser = new ResponseParser(this, { decode });
    this.wire = target.open();
    this.wire.attach(this);
  }

  /** Sends the head of a request; its body goes to `wire.write`. */
  start(sink: ResponseSink, method: string, head: Buffer): void {
    this.#sink = sink;
    this.uses += 1;
    this.#parser.expect(method);
    this.wire.write(head);
  }

  /** Gives the sink up without an event, and ends the wire: the message on it was not finished. */
  abandon(): void {
    this.#sink = undefined;
    this.wire.reset();
  }

  /** Ends an idle wire. */
  discard(): void {
    this.wire.reset();
  }

  /** The visitor takes bytes again. */
  acknowledge(): void {
    const bytes = this.#unacknowledged;
    this.#unacknowledged = 0;
    if (bytes > 0) this.wire.consumed(bytes);
  }

  onData(bytes: Uint8Array): void {
    const sink = this.#sink;
    if (sink === undefined) {
      // Bytes on an idle wire: it is out of step, whatever they are.
      this.target.forgetIdle(this);
      this.wire.reset();
      return;
    }
    const buffer = Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    sink.onBurst(true);
    if (this.#upgraded) sink.onUpgraded(buffer);
    else {
      this.#pushing = true;
      this.#parser.push(buffer);
      this.#pushing = false;
      if (this.#upgraded) this.#passRest();
      this.#settle();
    }
    sink.onBurst(false);
    this.#unacknowledged += bytes.length;
    if (this.#sink !== sink || !sink.blocked) this.acknowledge();
  }

  onEnd(): void {
    this.#ended = true;
    if (this.#upgraded) this.#sink?.onUpgradedEnd();
    else if (this.#sink === undefined) {
      this.target.forgetIdle(this);
      this.wire.end();
    } else {
      this.#parser.end();
      if (this.#sink !== undefined) this.#fail(undefined);
    }
  }

  onDrain(): void {
    this.#sink?.onUpstreamDrain();
  }

  onClosed(error?: Error): void {
    if (this.#sink === undefined) this.target.forgetIdle(this);
    else if (this.#upgraded && error === undefined) this.#sink.onUpgradedEnd();
    else this.#fail(error);
  }

  onHead(head: ResponseHead): void {
    this.#keepAlive = head.keepAlive;
    this.#upgraded = head.framing.kind === 'upgrade';
    this.#sink?.onResponseHead(head);
  }

  onBody(bytes: Buffer): void {
    this.#sink?.onResponseBody(bytes);
  }

  onComplete(): void {
    const sink = this.#sink;
    if (sink === undefined) return;
    // What followed is passed on once the parser has set it aside.
    if (this.#upgraded) return;
    this.#sink = undefined;
    this.#completed = sink;
    if (!this.#pushing) this.#settle();
  }

  #passRest(): void {
    for (const bytes of this.#parser.takeRest()) this.#sink?.onUpgraded(bytes);
  }

  /** Keeps the wire for another request only when nothing followed the response: it would be taken for the next one. */
  #settle(): void {
    const sink = this.#completed;
    if (sink === undefined) return;
    this.#completed = undefined;
    const isClean = this.#parser.idle && !this.#parser.stopped;
    const isOpen = this.#keepAlive && !this.#ended && !this.wire.closed;
    const keep = isClean && isOpen && sink.requestSent && !this.#decodes;
    this.acknowledge();
    if (!keep) this.wire.reset();
    else {
      this.idleSince = performance.now();
      this.target.keepIdle(this);
    }
    sink.onResponseComplete();
  }

  onError(error: Http1Error): void {
    this.#fail(error);
  }

  #fail(error: Error | undefined): void {
    const sink = this.#sink;
    this.#sink = undefined;
    // Also when it is closed: what nobody will take from it is given up.
    this.wire.reset();
    sink?.onUpstreamFailed(this, error);
  }
}
