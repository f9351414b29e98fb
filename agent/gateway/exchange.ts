import { STATUS_CODES } from 'node:http';
import type { HeaderList, HeaderPair } from '../../shared/http1/header-list.ts';
import { removeHopByHop } from '../../shared/http1/hop-by-hop.ts';
import type { RequestHead, ResponseHead } from '../../shared/http1/message-head.ts';
import { writeResponseHead } from '../../shared/http1/write-head.ts';
import { AgentError, toAgentError } from '../errors.ts';
import type { ExchangeRecord } from '../recorder/exchange-record.ts';
import type { ExchangeWatch } from '../recorder/exchange-watch.ts';
import { callerOf, type CallerNote } from './auth/caller-note.ts';
import { beginRecord } from './begin-record.ts';
import { chunkFrame, LAST_CHUNK } from './chunk-frame.ts';
import type { ExchangeContext, KnownRequest, Visitor } from './exchange-context.ts';
import { chainHandler } from './middlewares/chain.ts';
import { ChainedCall, type ChainPort } from './middlewares/chained-call.ts';
import type { AnswerHead, Wrap } from './middlewares/handler.ts';
import type { OutgoingRequest } from './middlewares/outgoing-request.ts';
import { failureAnswer, isBodiless, writeAnswer, type OwnAnswer } from './own-answer.ts';
import { planGate } from './plans/plan-gate.ts';
import type { Allowed, Decision } from './policy.ts';
import { cleanResponse, responseHead, type Decorator } from './response-head.ts';
import { refusal, routeRequest, type Forward, type Routed } from './route-request.ts';
import { NO_COOKIES, type Choice } from './services/choice.ts';
import { RequestCopy } from './services/request-copy.ts';
import { putCookiesFirst } from './services/put-cookies-first.ts';
import { outgoingRequest, withTrace, writeOutgoing } from './upstream-request.ts';
import { NONE, UpstreamSide } from './upstream-side.ts';

const NO_PAIRS: readonly HeaderPair[] = [];

/** One request of a visitor, from its head to the end of the answer. */
export class Exchange extends UpstreamSide implements ChainPort, Decorator {
  readonly #record: ExchangeRecord;
  #routed: Routed;
  #outgoing: OutgoingRequest | undefined;
  /** For mirrors. */
  #copy: RequestCopy | undefined;
  #cookies: readonly string[] = NO_COOKIES;
  /** How many steps of the chain, from the outermost, see the answer. */
  #depth = Infinity;
  /** Set for a route whose middlewares are more than steps. */
  #chained: ChainedCall | undefined;
  /** The visitor ended his direction of an upgraded stream. */
  #visitorEnded = false;
  #upstreamEnded = false;
  #chunking = false;
  /** Of an answer through a chain: whatever middlewares write, no body goes out. */
  #bodiless = false;
  /** Of the answer under way, when the gateway gives it itself. */
  #verdict: Pick<OwnAnswer, 'verdict' | 'detail'> | undefined;
  #known: KnownRequest | undefined;
  /** What the plan says of this call, where no guard asks it on the way. */
  #decision: Decision | undefined;
  #refunded = false;

  constructor(head: RequestHead, context: ExchangeContext, visitor: Visitor) {
    super(head, context, visitor);
    const known = head.headers.recurring ? context.known.get(head.headers.pairs) : undefined;
    if (known !== undefined && known.method === head.method && known.target === head.target) this.#known = known;
    this.#routed = this.#known?.routed ?? routeRequest(head, context.serving, context.idleReason);
    this.#record = beginRecord(head, this.#routed, context);
  }

  get watch(): ExchangeWatch | undefined {
    return this.#record.watch;
  }

  /** The request's bytes should wait: the upstream is not there yet, or slower. */
  get blocked(): boolean {
    if (this.phase === 'connecting') return this.#chained?.reading !== true;
    return this.phase !== 'over' && this.upstreamFull;
  }

  start(): void {
    const { next, take } = this.#routed;
    if (next.kind === 'answer') {
      this.#answer(next.answer);
      return;
    }
    const decision = take?.();
    this.#decision = decision;
    if (decision?.allowed === false) {
      this.#answer(refusal(decision));
      return;
    }
    try {
      const known = this.#known;
      if (known === undefined || decision?.wait !== undefined) this.#begin(next);
      else {
        this.#outgoing = known.outgoing;
        this.#sendTo(known.choice, known.head);
      }
    } catch (error) {
      this.refund();
      this.#answerError(toAgentError(error, 'bad-request'));
    }
  }

  #begin(next: Forward): void {
    const request = outgoingRequest(this.request, next);
    this.#outgoing = request;
    const { steps } = next.chain;
    const gate = this.#gate(next);
    const handler = gate === undefined ? next.chain.handler : gate(chainHandler(next.chain));
    if (handler !== undefined) {
      this.#chained = new ChainedCall(request, this.request, this);
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
    const choice = this.context.serving?.pick(next.route.id, request);
    if (choice === undefined) return;
    if (choice.kind === 'refused') {
      this.#cookies = choice.cookies;
      this.#answer(choice.answer);
      return;
    }
    const upgrade = this.upgradeTo();
    const head = writeOutgoing(request, choice, upgrade);
    const { headers, method, target } = this.request;
    const routed = this.#routed;
    if (headers.recurring && routed.stable && choice.constant && upgrade === undefined)
      this.context.known.set(headers.pairs, { method, target, routed, head, choice, outgoing: request });
    this.#copyFor(choice, request);
    this.#sendTo(choice, head);
  }

  #gate({ gate }: Forward): Wrap | undefined {
    const decision = this.#decision;
    if (decision?.allowed !== true || decision.wait === undefined) return gate;
    return planGate(decision, (settled) => (this.#decision = settled));
  }

  /** For the chain: sends its request. */
  send(request: OutgoingRequest, service: string | undefined, body: Buffer | undefined): void {
    const { next } = this.#routed;
    const { serving } = this.context;
    if (next.kind !== 'forward' || serving === undefined) return;
    this.phase = 'connecting';
    this.retried = false;
    this.madeBody = body;
    this.method = request.method;
    try {
      const choice =
        service === undefined ? serving.pick(next.route.id, request) : serving.service(service).choose(request);
      if (choice.kind === 'refused') {
        this.#chained?.failed(choice.answer, false);
        return;
      }
      this.#copyFor(choice, request);
      this.#sendTo(choice, writeOutgoing(request, choice, body === undefined ? this.upgradeTo() : undefined));
    } catch (error) {
      this.#chained?.failed(failureAnswer(toAgentError(error, 'bad-request')), false);
    }
  }

  #copyFor({ mirrors }: Choice, request: OutgoingRequest): void {
    if (mirrors.length === 0 || this.request.framing.kind === 'upgrade') return;
    this.#copy = new RequestCopy(request, mirrors, this.request.framing.kind === 'chunked', this.madeBody);
    // What came while middlewares held the request, or another try had it.
    for (const bytes of this.waiting ?? NONE) this.#copy.bodyBytes(bytes);
  }

  #sendTo(choice: Choice, head: Buffer): void {
    this.choice = choice;
    this.#cookies = choice.cookies;
    const { origin, basePath } = choice.target;
    const url = `${origin}${basePath}`;
    this.#record.upstream(url);
    const trace = this.watch?.sent({ service: choice.service, origin, url }, this.method, head);
    this.sent = trace === undefined ? head : withTrace(head, trace);
    this.connect(choice, this.sent, false);
  }

  requestBody(bytes: Uint8Array): void {
    if (this.phase === 'over') return;
    this.#record.requestBytes(bytes);
    if (this.#chained?.reading === true) {
      this.#chained.bodyBytes(bytes);
      return;
    }
    if (this.madeBody !== undefined) return;
    this.#copy?.bodyBytes(bytes);
    if (this.connection === undefined) (this.waiting ??= []).push(bytes);
    else if (!this.connection.write(bytes)) this.upstreamFull = true;
  }

  /** The request is complete; after an upgrade: the visitor ended his direction. */
  requestEnd(): void {
    if (this.phase === 'upgraded') {
      this.#visitorEnded = true;
      if (this.#upstreamEnded) this.#endUpgraded();
      else this.connection?.end();
      return;
    }
    this.requestDone = true;
    if (this.#chained?.reading === true) this.#chained.bodyEnd();
    else if (this.phase === 'sending') this.awaitHead();
  }

  /** The visitor went away. */
  abort(reason: string): void {
    if (this.phase === 'over') return;
    this.#copy = undefined;
    this.#over();
    this.#record.finish({ error: reason });
  }

  onHead(head: ResponseHead): void {
    if (this.phase === 'over') return;
    if (head.status < 200 && head.status !== 101) {
      removeHopByHop(head.headers);
      this.write(writeResponseHead(head));
      return;
    }
    this.waits = false;
    this.watch?.answered(head.status, head.headers);
    if (head.status === 101) {
      this.#onSwitch(head);
      return;
    }
    this.phase = 'responding';
    if (this.#chained !== undefined) {
      this.#toChain(this.#chained, head);
      return;
    }
    this.#chunking = head.framing.kind === 'until-close';
    const { bytes, headers } = responseHead(head, this.#sameForAll(), this.#chunking, this, this.#left);
    this.#record.responseHead(head.status, headers);
    this.write(bytes);
  }

  #toChain(chain: ChainedCall, head: ResponseHead): void {
    const { status, reason, headers, framing } = head;
    cleanResponse(headers, status);
    putCookiesFirst(headers, this.#cookies);
    chain.head({ status, reason, headers, framing: framing.kind === 'upgrade' ? 'none' : framing.kind });
  }

  /** What the call took from its plan. */
  get #taken(): Allowed | undefined {
    if (this.#refunded) return undefined;
    const decision = this.#decision ?? this.#caller?.decision;
    return decision?.allowed === true ? decision : undefined;
  }

  /** What guards found out about the caller. */
  get #caller(): CallerNote | undefined {
    return this.#outgoing === undefined ? undefined : callerOf(this.#outgoing);
  }

  /** What is left of the plan, for the answer. */
  get #left(): readonly HeaderPair[] {
    return this.#taken?.headers ?? NO_PAIRS;
  }

  /** The route, when every answer of it is changed in the same way, but for what is left of a plan. */
  #sameForAll(): Forward['route'] | undefined {
    const { next, stable, decorate } = this.#routed;
    return stable &&
      decorate === undefined &&
      next.kind === 'forward' &&
      !next.chain.varies &&
      this.choice?.constant === true
      ? next.route
      : undefined;
  }

  /** What cookies, middlewares and CORS change in an answer. */
  decorate(headers: HeaderList): void {
    putCookiesFirst(headers, this.#cookies);
    const { next } = this.#routed;
    const request = this.#outgoing;
    if (request !== undefined && next.kind === 'forward') {
      const { steps } = next.chain;
      for (let at = Math.min(this.#depth, steps.length) - 1; at >= 0; at--) steps[at]?.response?.(headers, request);
    }
    this.#routed.decorate?.(headers);
  }

  /** As `decorate`, for an answer that no middleware sees. */
  #decorateBare(headers: HeaderList): void {
    for (const [name, value] of this.#left) headers.set(name, value);
    this.#routed.decorate?.(headers);
  }

  #onSwitch(head: ResponseHead): void {
    if (this.upgradeTo() === undefined) {
      this.failUpstream(
        new AgentError('upstream-malformed', 'The upstream answered 101 to a request without Upgrade.'),
      );
      return;
    }
    const { headers } = head;
    const upgrade = headers.get('upgrade') ?? '';
    // Traefik's middlewares do not see this answer.
    cleanResponse(headers, head.status);
    putCookiesFirst(headers, this.#cookies);
    this.#decorateBare(headers);
    headers.set('Connection', 'Upgrade');
    headers.set('Upgrade', upgrade);
    const bytes = writeResponseHead(head);
    this.phase = 'responding';
    this.#record.responseHead(head.status, headers);
    this.write(bytes);
    this.#upgrade();
  }

  onBody(bytes: Buffer): void {
    if (this.#chained === undefined) this.body(bytes);
    else this.#chained.body(bytes);
  }

  onEnd(reusable: boolean): void {
    if (this.phase === 'over') return;
    const connection = this.connection;
    this.connection = undefined;
    if (connection !== undefined) {
      const sent = this.requestDone || this.madeBody !== undefined;
      if (reusable && sent && !this.upstreamFull) this.context.pool.giveBack(connection);
      else connection.destroy();
    }
    if (this.#chained === undefined) this.end();
    else this.#chained.end();
  }

  /** Of the chain: the head of the answer for the visitor. */
  head(head: AnswerHead): void {
    if (this.phase === 'over') return;
    const { status, headers, framing, reason, verdict, detail } = head;
    this.phase = 'responding';
    if (verdict !== undefined) {
      this.#verdict = { verdict, detail };
    }
    this.#decorateBare(headers);
    this.#bodiless = this.request.method === 'HEAD' || isBodiless(status);
    if (isBodiless(status)) headers.removeWhere((name) => name === 'content-length' || name === 'transfer-encoding');
    this.#chunking = framing === 'until-close' && !isBodiless(status);
    if (this.#chunking) headers.set('Transfer-Encoding', 'chunked');
    const bytes = writeResponseHead({ status, reason: reason === '' ? (STATUS_CODES[status] ?? '') : reason, headers });
    this.#record.responseHead(status, headers);
    this.write(bytes);
  }

  body(bytes: Buffer): void {
    if (this.#bodiless) return;
    const framed = this.#chunking ? chunkFrame(bytes) : bytes;
    this.#record.responseBytes(framed);
    this.write(framed);
  }

  end(): void {
    if (this.phase === 'over') return;
    if (this.#chunking && !this.#bodiless) this.visitor.write(LAST_CHUNK);
    this.#over();
    const { verdict, detail } = this.#verdict ?? {};
    this.#record.finish({ verdict, error: verdict === undefined ? undefined : detail });
    this.visitor.done();
  }

  breakOff(reason: string): void {
    if (this.phase === 'over') return;
    this.#over();
    this.#record.finish({ error: reason });
    this.visitor.reset();
  }

  onRaw(bytes: Buffer): void {
    this.#record.responseBytes(bytes);
    this.write(bytes);
  }

  onRawEnd(): void {
    this.#upstreamEnded = true;
    this.visitor.endUpgraded();
    if (this.#visitorEnded) this.#endUpgraded();
  }

  #upgrade(): void {
    const connection = this.connection;
    if (connection === undefined) return;
    this.phase = 'upgraded';
    this.visitor.upgraded();
    // The parser is inside the head's event now: what followed it is read once the event is over.
    queueMicrotask(() => {
      for (const bytes of connection.takeOver()) this.onRaw(bytes);
    });
  }

  #endUpgraded(): void {
    const connection = this.connection;
    this.connection = undefined;
    connection?.finish();
    this.#over();
    this.#record.finish();
  }

  /** `unreached`: nothing of the request was sent. */
  protected override failUpstream(error: AgentError, unreached = false): void {
    if (this.phase === 'over') return;
    if (this.phase === 'responding' || this.phase === 'upgraded') {
      this.breakOff(error.message);
      return;
    }
    this.watch?.failed(error.status, error.message);
    if (this.#chained === undefined) {
      this.#answerError(error);
      return;
    }
    this.drop();
    this.phase = 'connecting';
    this.#chained.failed(failureAnswer(error), unreached);
  }

  #answerError(error: AgentError): void {
    this.#answer(failureAnswer(error));
  }

  #answer(answer: OwnAnswer): void {
    const { bytes, headers, body } = writeAnswer(answer, this.request.method, (list) => {
      this.decorate(list);
      for (const [name, value] of this.#left) list.set(name, value);
    });
    this.#record.responseHead(answer.status, headers);
    if (body.length > 0) this.#record.responseBytes(body);
    this.#over();
    this.#record.finish({ verdict: answer.verdict, error: answer.verdict === undefined ? undefined : answer.detail });
    this.visitor.write(bytes);
    this.visitor.done();
  }

  /** For the chain: a call that is refused behind its plan costs nothing. */
  refund(): void {
    const taken = this.#taken;
    this.#refunded = true;
    taken?.refund?.();
  }

  #over(): void {
    this.phase = 'over';
    this.drop();
    this.waiting = undefined;
    this.#chained?.finish();
    if (this.#copy !== undefined && (this.requestDone || this.madeBody !== undefined))
      this.#copy.send(this.context.copies, this.watch);
    this.#copy = undefined;
    const caller = this.#caller;
    if (caller !== undefined) this.#record.caller(caller);
  }
}
