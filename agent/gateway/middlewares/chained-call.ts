import type { RequestHead } from '../../../shared/http1/message-head.ts';
import type { ExchangeWatch } from '../../recorder/exchange-watch.ts';
import type { OwnAnswer } from '../own-answer.ts';
import type { UpstreamPool } from '../upstream-pool.ts';
import { putTrace } from '../upstream-request.ts';
import { BodyCollector } from './body-collector.ts';
import { collectAnswer, type CollectedAnswer, type PlainRequest } from './collect-answer.ts';
import { answerWith, type AnswerHead, type AnswerSink, type Call, type Handler } from './handler.ts';
import type { OutgoingRequest } from './outgoing-request.ts';

/** What an exchange does for a chain of middlewares. */
export interface ChainPort extends AnswerSink {
  readonly watch: ExchangeWatch | undefined;
  readonly over: boolean;
  readonly pool: UpstreamPool;
  /** The visitor has sent all of the request. */
  readonly requestDone: boolean;
  /** Sends the request to a server of the service, of the route when absent. `body`: in place of the visitor's. */
  send(request: OutgoingRequest, service: string | undefined, body: Buffer | undefined): void;
  /** What came of the body and has no reader yet; more may come from now on. */
  takeWaiting(): readonly Uint8Array[];
  /** Tells a visitor who waits for it to send the body. */
  continueBody(): void;
  /** Gives back, once, what the call took from its plan. */
  refund(): void;
  hold(): void;
  release(): void;
  breakOff(reason: string): void;
  drop(): void;
}

type BodyDone = (body: Buffer | 'too-large') => void;

/** A request on its way through middlewares that are more than steps. */
export class ChainedCall implements Call {
  readonly request: OutgoingRequest;
  readonly #head: RequestHead;
  readonly #port: ChainPort;
  #sink: AnswerSink;
  #ends: (() => void)[] = [];
  #timers = new Set<NodeJS.Timeout>();
  #unreached = false;
  #collector: BodyCollector | undefined;
  #onBody: BodyDone | undefined;
  #body: Buffer | undefined;

  constructor(request: OutgoingRequest, head: RequestHead, port: ChainPort) {
    this.request = request;
    this.#head = head;
    this.#port = port;
    this.#sink = port;
  }

  get over(): boolean {
    return this.#port.over;
  }

  get unreached(): boolean {
    return this.#unreached;
  }

  get bodyLength(): number | undefined {
    const { kind, length } = this.#head.framing;
    return kind === 'chunked' ? undefined : (length ?? 0);
  }

  /** The body is being read here: it does not wait for an upstream. */
  get reading(): boolean {
    return this.#onBody !== undefined;
  }

  run(handler: Handler): void {
    handler(this, this.#port);
  }

  forward(sink: AnswerSink, other?: { readonly service: string; readonly request: OutgoingRequest }): void {
    if (this.over) return;
    this.#unreached = false;
    this.#sink = sink;
    if (other === undefined) this.#port.send(this.request, undefined, this.#body);
    else this.#port.send(other.request, other.service, Buffer.alloc(0));
  }

  /** An answer from upstream. */
  head(head: AnswerHead): void {
    this.#sink.head(head);
  }

  body(bytes: Buffer): void {
    this.#port.watch?.answerBytes(bytes);
    this.#sink.body(bytes);
  }

  end(): void {
    this.#port.watch?.answerEnded();
    this.#sink.end();
  }

  /** No answer came from upstream: this takes its place. */
  failed(answer: OwnAnswer, unreached: boolean): void {
    this.#unreached = unreached;
    answerWith(this.#sink, answer);
  }

  readBody(maxBytes: number, done: BodyDone): void {
    if (this.#body !== undefined) {
      done(this.#body.length > maxBytes ? 'too-large' : this.#body);
      return;
    }
    // What follows is of another protocol, if the upstream takes it.
    if (this.#head.framing.kind === 'upgrade') {
      done(Buffer.alloc(0));
      return;
    }
    this.#collector = new BodyCollector(maxBytes, this.#head.framing.kind === 'chunked');
    this.#onBody = done;
    if (this.#head.expectContinue) this.#port.continueBody();
    for (const bytes of this.#port.takeWaiting()) this.bodyBytes(bytes);
    if (this.#port.requestDone) this.bodyEnd();
  }

  bodyBytes(bytes: Uint8Array): void {
    if (this.#collector?.push(bytes) === false) this.#bodyDone('too-large');
  }

  bodyEnd(): void {
    const { headers } = this.request;
    const body = this.#collector?.take();
    if (this.#onBody === undefined || body === undefined) return;
    this.#body = body;
    const announced = headers.has('content-length') || headers.has('transfer-encoding');
    headers.removeWhere((name) => name === 'transfer-encoding' || name === 'trailer' || name === 'expect');
    if (announced) headers.set('Content-Length', String(body.length));
    this.#bodyDone(body);
  }

  #bodyDone(body: Buffer | 'too-large'): void {
    const done = this.#onBody;
    this.#onBody = undefined;
    this.#collector = undefined;
    done?.(body);
  }

  ask(request: PlainRequest, done: (answer: CollectedAnswer | Error) => void): void {
    const { watch, pool } = this.#port;
    const { method, target, uri, headers } = request;
    const asked = watch?.ask('AuthRequest', { method, url: `${target.origin}${uri}`, headers });
    if (asked !== undefined) putTrace(headers, asked.fields);
    const cancel = collectAnswer(pool, request, (answer) => {
      if (!(answer instanceof Error)) asked?.answered(answer.status, answer.headers);
      asked?.ended(answer instanceof Error ? answer.message : '');
      done(answer);
    });
    this.atEnd(() => {
      asked?.ended('the visitor went away');
      cancel();
    });
  }

  atEnd(run: () => void): void {
    if (this.over) run();
    else this.#ends.push(run);
  }

  after(ms: number, run: () => void): void {
    if (this.over) return;
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      run();
    }, ms);
    this.#timers.add(timer);
  }

  refund(): void {
    this.#port.refund();
  }

  retried(): void {
    this.#port.watch?.retried();
  }

  hold(): void {
    this.#port.hold();
  }

  release(): void {
    this.#port.release();
  }

  breakOff(reason: string): void {
    this.#port.breakOff(reason);
  }

  drop(): void {
    this.#sink = NOWHERE;
    this.#port.drop();
  }

  /** The exchange is over. */
  finish(): void {
    for (const timer of this.#timers) clearTimeout(timer);
    this.#timers.clear();
    const ends = this.#ends;
    this.#ends = [];
    for (const end of ends) end();
  }
}

const NOWHERE: AnswerSink = { head: () => {}, body: () => {}, end: () => {} };
