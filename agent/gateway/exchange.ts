import { STATUS_CODES } from 'node:http';
import type { HeaderList } from '../../shared/http1/header-list.ts';
import { removeHopByHop } from '../../shared/http1/hop-by-hop.ts';
import type { RequestHead, ResponseHead } from '../../shared/http1/message-head.ts';
import { writeResponseHead } from '../../shared/http1/write-head.ts';
import { AgentError, toAgentError } from '../errors.ts';
import type { ExchangeRecord } from '../recorder/exchange-record.ts';
import { callerOf } from './auth/caller-note.ts';
import { beginRecord } from './begin-record.ts';
import { chunkFrame, LAST_CHUNK } from './chunk-frame.ts';
import type { Dial } from './dial-upstream.ts';
import type { ExchangeContext, KnownRequest, Visitor } from './exchange-context.ts';
import { chainHandler } from './middlewares/chain.ts';
import { ChainedCall, type ChainPort } from './middlewares/chained-call.ts';
import type { AnswerHead } from './middlewares/handler.ts';
import type { OutgoingRequest } from './middlewares/outgoing-request.ts';
import { failureAnswer, isBodiless, writeAnswer, type OwnAnswer } from './own-answer.ts';
import { cleanResponse, responseHead, type Decorator } from './response-head.ts';
import { routeRequest, type Forward, type Routed } from './route-request.ts';
import { NO_COOKIES, type Choice } from './services/choice.ts';
import { RequestCopy } from './services/request-copy.ts';
import { putCookiesFirst } from './services/put-cookies-first.ts';
import type { ResponseSink, UpstreamConnection } from './upstream-connection.ts';
import { outgoingRequest, writeOutgoing } from './upstream-request.ts';
import { withoutHttp2 } from './upstream-target.ts';

const NONE: readonly Uint8Array[] = [];
const CONTINUE = Buffer.from('HTTP/1.1 100 Continue\r\n\r\n');
const IDEMPOTENT: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE', 'PUT', 'DELETE']);

/** A kept connection that rested no longer is safe enough for a request that cannot be sent twice. */
const FRESH_MS = 1000;

type Phase = 'connecting' | 'sending' | 'responding' | 'upgraded' | 'over';

/** One request of a visitor, from its head to the end of the answer. */
export class Exchange implements ResponseSink, ChainPort, Decorator {
  readonly #head: RequestHead;
  readonly #context: ExchangeContext;
  readonly #visitor: Visitor;
  #phase: Phase = 'connecting';
  #routed: Routed;
  #record: ExchangeRecord;
  #outgoing: OutgoingRequest | undefined;
  #choice: Choice | undefined;
  /** For mirrors. */
  #copy: RequestCopy | undefined;
  #cookies: readonly string[] = NO_COOKIES;
  /** The head that went upstream, and the method in it. */
  #sent: Buffer | undefined;
  #method: string;
  /** How many steps of the chain, from the outermost, see the answer. */
  #depth = Infinity;
  /** Set for a route whose middlewares are more than steps. */
  #chained: ChainedCall | undefined;
  /** Sent in place of the visitor's body. */
  #body: Buffer | undefined;
  #connection: UpstreamConnection | undefined;
  #dial: Dial | undefined;
  #retried = false;
  #requestDone = false;
  /** The visitor ended his direction of an upgraded stream. */
  #visitorEnded = false;
  #upstreamEnded = false;
  /** Body that came before the connection; the visitor gets no credit for it, so his window bounds it. */
  #waiting: readonly Uint8Array[] = NONE;
  #upstreamFull = false;
  #visitorFull = false;
  #holds = 0;
  #chunking = false;
  /** Of an answer through a chain: whatever middlewares write, no body goes out. */
  #bodiless = false;
  /** Of the answer under way, when the gateway gives it itself. */
  #verdict: Pick<OwnAnswer, 'verdict' | 'detail'> | undefined;
  #known: KnownRequest | undefined;
  /** `waiting` for the response head since some moment before this; 0: the next tick looks at the clock. */
  #waitsSince = 0;
  #waits = false;

  constructor(head: RequestHead, context: ExchangeContext, visitor: Visitor) {
    this.#head = head;
    this.#method = head.method;
    this.#context = context;
    this.#visitor = visitor;
    const known = head.headers.recurring ? context.known.get(head.headers.pairs) : undefined;
    if (known !== undefined && known.method === head.method && known.target === head.target) this.#known = known;
    this.#routed = this.#known?.routed ?? routeRequest(head, context.serving, context.idleReason);
    this.#record = beginRecord(head, this.#routed, context);
  }

  /** The request's bytes should wait: the upstream is not there yet, or slower. */
  get blocked(): boolean {
    if (this.#phase === 'connecting') return this.#chained?.reading !== true;
    return this.#phase !== 'over' && this.#upstreamFull;
  }

  get over(): boolean {
    return this.#phase === 'over';
  }

  get requestDone(): boolean {
    return this.#requestDone;
  }

  get pool(): ExchangeContext['pool'] {
    return this.#context.pool;
  }

  start(): void {
    const { next } = this.#routed;
    if (next.kind === 'answer') {
      this.#answer(next.answer);
      return;
    }
    try {
      const known = this.#known;
      if (known === undefined) this.#begin(next);
      else {
        this.#outgoing = known.outgoing;
        this.#sendTo(known.choice, known.head);
      }
    } catch (error) {
      this.#answerError(toAgentError(error, 'bad-request'));
    }
  }

  #begin(next: Forward): void {
    const request = outgoingRequest(this.#head, next);
    this.#outgoing = request;
    const { steps } = next.chain;
    const handler = next.gate === undefined ? next.chain.handler : next.gate(chainHandler(next.chain));
    if (handler !== undefined) {
      this.#chained = new ChainedCall(request, this.#head, this);
      this.#chained.run(handler);
      return;
    }
    for (let at = 0; at < steps.length; at++) {
      const answer = steps[at]?.request?.(request);
      if (answer === undefined) continue;
      this.#depth = at;
      this.#answer(answer);
      return;
    }
    const choice = this.#context.serving?.pick(next.route.id, request);
    if (choice === undefined) return;
    if (choice.kind === 'refused') {
      this.#cookies = choice.cookies;
      this.#answer(choice.answer);
      return;
    }
    const upgrade = this.#upgradeTo();
    const head = writeOutgoing(request, choice, upgrade);
    const { headers, method, target } = this.#head;
    const routed = this.#routed;
    if (headers.recurring && routed.stable && choice.constant && upgrade === undefined)
      this.#context.known.set(headers.pairs, { method, target, routed, head, choice, outgoing: request });
    this.#copyFor(choice, request);
    this.#sendTo(choice, head);
  }

  /** For the chain: sends its request. */
  send(request: OutgoingRequest, service: string | undefined, body: Buffer | undefined): void {
    const { next } = this.#routed;
    const { serving } = this.#context;
    if (next.kind !== 'forward' || serving === undefined) return;
    this.#phase = 'connecting';
    this.#retried = false;
    this.#body = body;
    this.#method = request.method;
    try {
      const choice =
        service === undefined ? serving.pick(next.route.id, request) : serving.service(service).choose(request);
      if (choice.kind === 'refused') {
        this.#chained?.failed(choice.answer, false);
        return;
      }
      this.#copyFor(choice, request);
      this.#sendTo(choice, writeOutgoing(request, choice, body === undefined ? this.#upgradeTo() : undefined));
    } catch (error) {
      this.#chained?.failed(failureAnswer(toAgentError(error, 'bad-request')), false);
    }
  }

  #copyFor({ mirrors }: Choice, request: OutgoingRequest): void {
    if (mirrors.length === 0 || this.#head.framing.kind === 'upgrade') return;
    this.#copy = new RequestCopy(request, mirrors, this.#head.framing.kind === 'chunked', this.#body);
  }

  #sendTo(choice: Choice, head: Buffer): void {
    this.#choice = choice;
    this.#cookies = choice.cookies;
    this.#sent = head;
    this.#record.upstream(`${choice.target.origin}${choice.target.basePath}`);
    this.#connect(choice, head, false);
  }

  /** Checks the time limit. */
  tick(now: number): void {
    if (!this.#waits) return;
    const { responseTimeoutMs } = this.#context;
    if (this.#waitsSince === 0) this.#waitsSince = now;
    else if (now - this.#waitsSince > responseTimeoutMs)
      this.#failUpstream(new AgentError('upstream-timeout', `No response head within ${responseTimeoutMs} ms.`));
  }

  requestBody(bytes: Uint8Array): void {
    if (this.#phase === 'over') return;
    this.#record.requestBytes(bytes);
    if (this.#chained?.reading === true) {
      this.#chained.bodyBytes(bytes);
      return;
    }
    if (this.#body !== undefined) return;
    this.#copy?.bodyBytes(bytes);
    if (this.#connection === undefined) this.#waiting = [...this.#waiting, bytes];
    else if (!this.#connection.write(bytes)) this.#upstreamFull = true;
  }

  /** The request is complete; after an upgrade: the visitor ended his direction. */
  requestEnd(): void {
    if (this.#phase === 'upgraded') {
      this.#visitorEnded = true;
      if (this.#upstreamEnded) this.#endUpgraded();
      else this.#connection?.end();
      return;
    }
    this.#requestDone = true;
    if (this.#chained?.reading === true) this.#chained.bodyEnd();
    else if (this.#phase === 'sending') this.#awaitHead();
  }

  visitorDrained(): void {
    this.#visitorFull = false;
    if (this.#holds === 0) this.#connection?.resume();
  }

  /** The visitor went away. */
  abort(reason: string): void {
    if (this.#phase === 'over') return;
    this.#copy = undefined;
    this.#over();
    this.#record.finish({ error: reason });
  }

  onHead(head: ResponseHead): void {
    if (this.#phase === 'over') return;
    if (head.status < 200 && head.status !== 101) {
      removeHopByHop(head.headers);
      this.#visitor.write(writeResponseHead(head));
      return;
    }
    this.#waits = false;
    if (head.status === 101) {
      this.#onSwitch(head);
      return;
    }
    this.#phase = 'responding';
    if (this.#chained !== undefined) {
      this.#toChain(this.#chained, head);
      return;
    }
    this.#chunking = head.framing.kind === 'until-close';
    const { bytes, headers } = responseHead(head, this.#sameForAll(), this.#chunking, this);
    this.#record.responseHead(head.status, headers);
    this.#send(bytes);
  }

  #toChain(chain: ChainedCall, head: ResponseHead): void {
    const { status, reason, headers, framing } = head;
    cleanResponse(headers, status);
    putCookiesFirst(headers, this.#cookies);
    chain.head({ status, reason, headers, framing: framing.kind === 'upgrade' ? 'none' : framing.kind });
  }

  /** The route, when every answer of it is changed in the same way. */
  #sameForAll(): Forward['route'] | undefined {
    const { next, stable } = this.#routed;
    return stable && next.kind === 'forward' && !next.chain.varies && this.#choice?.constant === true
      ? next.route
      : undefined;
  }

  /** What cookies, middlewares and policy change in an answer. */
  decorate(headers: HeaderList): void {
    putCookiesFirst(headers, this.#cookies);
    const { next } = this.#routed;
    const request = this.#outgoing;
    if (request !== undefined && next.kind === 'forward') {
      const { steps } = next.chain;
      for (let at = Math.min(this.#depth, steps.length) - 1; at >= 0; at--) steps[at]?.response?.(headers, request);
    }
    this.#routed.decorate(headers);
  }

  #onSwitch(head: ResponseHead): void {
    if (this.#upgradeTo() === undefined) {
      this.#failUpstream(
        new AgentError('upstream-malformed', 'The upstream answered 101 to a request without Upgrade.'),
      );
      return;
    }
    const { headers } = head;
    const upgrade = headers.get('upgrade') ?? '';
    // Traefik's middlewares do not see this answer.
    cleanResponse(headers, head.status);
    putCookiesFirst(headers, this.#cookies);
    this.#routed.decorate(headers);
    headers.set('Connection', 'Upgrade');
    headers.set('Upgrade', upgrade);
    const bytes = writeResponseHead(head);
    this.#phase = 'responding';
    this.#record.responseHead(head.status, headers);
    this.#send(bytes);
    this.#upgrade();
  }

  onBody(bytes: Buffer): void {
    if (this.#chained === undefined) this.body(bytes);
    else this.#chained.body(bytes);
  }

  onEnd(reusable: boolean): void {
    if (this.#phase === 'over') return;
    const connection = this.#connection;
    this.#connection = undefined;
    if (connection !== undefined) {
      const sent = this.#requestDone || this.#body !== undefined;
      if (reusable && sent && !this.#upstreamFull) this.#context.pool.giveBack(connection);
      else connection.destroy();
    }
    if (this.#chained === undefined) this.end();
    else this.#chained.end();
  }

  /** Of the chain: the head of the answer for the visitor. */
  head(head: AnswerHead): void {
    if (this.#phase === 'over') return;
    const { status, headers, framing, reason, verdict, detail } = head;
    this.#phase = 'responding';
    if (verdict !== undefined) {
      this.#verdict = { verdict, detail };
      if (verdict.startsWith('openapi-')) this.#routed.refund?.();
    }
    this.#routed.decorate(headers);
    this.#bodiless = this.#head.method === 'HEAD' || isBodiless(status);
    if (isBodiless(status)) headers.removeWhere((name) => name === 'content-length' || name === 'transfer-encoding');
    this.#chunking = framing === 'until-close' && !isBodiless(status);
    if (this.#chunking) headers.set('Transfer-Encoding', 'chunked');
    const bytes = writeResponseHead({ status, reason: reason === '' ? (STATUS_CODES[status] ?? '') : reason, headers });
    this.#record.responseHead(status, headers);
    this.#send(bytes);
  }

  body(bytes: Buffer): void {
    if (this.#bodiless) return;
    const framed = this.#chunking ? chunkFrame(bytes) : bytes;
    this.#record.responseBytes(framed);
    this.#send(framed);
  }

  end(): void {
    if (this.#phase === 'over') return;
    if (this.#chunking && !this.#bodiless) this.#visitor.write(LAST_CHUNK);
    this.#over();
    const { verdict, detail } = this.#verdict ?? {};
    this.#record.finish({ verdict, error: verdict === undefined ? undefined : detail });
    this.#visitor.done();
  }

  takeWaiting(): readonly Uint8Array[] {
    const waiting = this.#waiting;
    this.#waiting = NONE;
    this.#visitor.more();
    return waiting;
  }

  continueBody(): void {
    this.#visitor.write(CONTINUE);
  }

  hold(): void {
    this.#holds += 1;
    this.#connection?.pause();
  }

  release(): void {
    this.#holds -= 1;
    if (this.#holds === 0 && !this.#visitorFull) this.#connection?.resume();
  }

  breakOff(reason: string): void {
    if (this.#phase === 'over') return;
    this.#over();
    this.#record.finish({ error: reason });
    this.#visitor.reset();
  }

  drop(): void {
    this.#dial?.cancel();
    this.#connection?.destroy();
    this.#dial = undefined;
    this.#connection = undefined;
    this.#waits = false;
  }

  onDrain(): void {
    this.#upstreamFull = false;
    this.#visitor.more();
  }

  onRaw(bytes: Buffer): void {
    this.#record.responseBytes(bytes);
    this.#send(bytes);
  }

  onRawEnd(): void {
    this.#upstreamEnded = true;
    this.#visitor.endUpgraded();
    if (this.#visitorEnded) this.#endUpgraded();
  }

  onFailed(error: AgentError, answered: boolean): void {
    const stale = this.#connection?.reused === true && !answered;
    this.#connection = undefined;
    if (this.#phase === 'over') return;
    if (stale && !this.#retried && this.#repeatable() && this.#choice !== undefined && this.#sent !== undefined) {
      // The upstream had closed the kept connection when the request was on its way: once more, on a fresh one.
      this.#retried = true;
      this.#waits = false;
      this.#phase = 'connecting';
      this.#connect(this.#choice, this.#sent, true);
    } else {
      this.#failUpstream(error);
    }
  }

  #connect(choice: Choice, head: Buffer, fresh: boolean): void {
    const target = this.#upgradeTo() === undefined ? choice.target : withoutHttp2(choice.target);
    const kept = fresh ? undefined : this.#context.pool.take(target, this.#repeatable() ? Infinity : FRESH_MS);
    if (kept !== undefined) {
      this.#use(kept, head);
      return;
    }
    this.#dial = this.#context.pool.dial(target, (result) => {
      this.#dial = undefined;
      if (result instanceof AgentError) this.#failUpstream(result, true);
      else this.#use(result, head);
    });
  }

  #use(connection: UpstreamConnection, head: Buffer): void {
    this.#connection = connection;
    this.#phase = 'sending';
    let room = connection.begin(this.#method, head, this);
    if (this.#holds > 0) connection.pause();
    if (this.#body !== undefined) {
      if (this.#body.length > 0) room = connection.write(this.#body);
    } else if (this.#waiting !== NONE) {
      const waiting = this.#waiting;
      this.#waiting = NONE;
      for (const bytes of waiting) room = connection.write(bytes);
    }
    this.#upstreamFull = !room;
    if (this.#requestDone || this.#body !== undefined) this.#awaitHead();
    if (room) this.#visitor.more();
  }

  #awaitHead(): void {
    this.#waits = true;
    this.#waitsSince = 0;
  }

  #upgrade(): void {
    const connection = this.#connection;
    if (connection === undefined) return;
    this.#phase = 'upgraded';
    this.#visitor.upgraded();
    // The parser is inside the head's event now: what followed it is read once the event is over.
    queueMicrotask(() => {
      for (const bytes of connection.takeOver()) this.onRaw(bytes);
    });
  }

  #send(bytes: Uint8Array): void {
    if (this.#phase === 'over' || this.#visitor.write(bytes)) return;
    this.#visitorFull = true;
    this.#connection?.pause();
  }

  #repeatable(): boolean {
    const { framing } = this.#head;
    const empty = this.#body === undefined ? framing.kind === 'none' || framing.length === 0 : this.#body.length === 0;
    return empty && IDEMPOTENT.has(this.#method);
  }

  #endUpgraded(): void {
    const connection = this.#connection;
    this.#connection = undefined;
    connection?.finish();
    this.#over();
    this.#record.finish();
  }

  #upgradeTo(): string | undefined {
    const wanted = this.#head.framing.kind === 'upgrade' ? (this.#head.headers.get('upgrade') ?? '') : undefined;
    return wanted?.toLowerCase() === 'h2c' ? undefined : wanted;
  }

  /** `unreached`: nothing of the request was sent. */
  #failUpstream(error: AgentError, unreached = false): void {
    if (this.#phase === 'responding' || this.#phase === 'upgraded') {
      this.breakOff(error.message);
    } else if (this.#phase !== 'over' && this.#chained === undefined) {
      this.#answerError(error);
    } else if (this.#phase !== 'over') {
      this.drop();
      this.#phase = 'connecting';
      this.#chained?.failed(failureAnswer(error), unreached);
    }
  }

  #answerError(error: AgentError): void {
    this.#answer(failureAnswer(error));
  }

  #answer(answer: OwnAnswer): void {
    const { bytes, headers, body } = writeAnswer(answer, this.#head.method, (list) => this.decorate(list));
    this.#record.responseHead(answer.status, headers);
    if (body.length > 0) this.#record.responseBytes(body);
    this.#over();
    this.#record.finish({ verdict: answer.verdict, error: answer.verdict === undefined ? undefined : answer.detail });
    this.#visitor.write(bytes);
    this.#visitor.done();
  }

  #over(): void {
    this.#phase = 'over';
    this.drop();
    this.#waiting = NONE;
    this.#chained?.finish();
    if (this.#copy !== undefined && (this.#requestDone || this.#body !== undefined))
      this.#copy.send(this.#context.copies);
    this.#copy = undefined;
    const caller = this.#outgoing === undefined ? undefined : callerOf(this.#outgoing);
    if (caller !== undefined) this.#record.caller(caller);
  }
}
