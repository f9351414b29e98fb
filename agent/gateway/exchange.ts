import type { HeaderList } from '../../shared/http1/header-list.ts';
import { removeHopByHop } from '../../shared/http1/hop-by-hop.ts';
import type { RequestHead, ResponseHead } from '../../shared/http1/message-head.ts';
import { writeResponseHead } from '../../shared/http1/write-head.ts';
import { INTERNAL_HEADERS, INTERNAL_HEADER_PREFIX } from '../../shared/tunnel/protocol.ts';
import { AgentError, toAgentError } from '../errors.ts';
import type { ExchangeRecord } from '../recorder/exchange-record.ts';
import { Mask } from '../recorder/mask.ts';
import type { Recorder } from '../recorder/recorder.ts';
import { chunkFrame, LAST_CHUNK } from './chunk-frame.ts';
import type { Dial } from './dial-upstream.ts';
import { problemAnswer, writeAnswer, type OwnAnswer } from './own-answer.ts';
import { routeRequest, type Forward, type Routed } from './route-request.ts';
import type { Serving } from './serving.ts';
import type { ResponseSink, UpstreamConnection } from './upstream-connection.ts';
import type { UpstreamPool } from './upstream-pool.ts';
import { upstreamRequest } from './upstream-request.ts';
import type { UpstreamTarget } from './upstream-target.ts';

export interface ExchangeContext {
  readonly serving: Serving | undefined;
  /** Why there is no `serving`. */
  readonly idleReason: string;
  readonly pool: UpstreamPool;
  readonly recorder: Recorder;
  readonly broker: string;
  readonly responseTimeoutMs: number;
  newId(): string;
}

/** The visitor's side of an exchange: one stream of a tunnel. */
export interface Visitor {
  /** False: the visitor is slower; wait for `visitorDrained`. */
  write(bytes: Uint8Array): boolean;
  /** The upstream takes more of the request again. */
  more(): void;
  /** The response is complete. */
  done(): void;
  /** The answer cannot be completed. */
  reset(): void;
  /** The stream carries another protocol from now on; what the visitor sent already comes through `requestBody`. */
  upgraded(): void;
  /** The upstream ended its direction of the other protocol. */
  endUpgraded(): void;
}

const DEFAULT_MASK = new Mask();
const IDEMPOTENT: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE', 'PUT', 'DELETE']);

/** A kept connection that rested no longer is safe enough for a request that cannot be sent twice. */
const FRESH_MS = 1000;

type Phase = 'connecting' | 'sending' | 'responding' | 'upgraded' | 'over';

/** One request of a visitor, from its head to the end of the answer. */
export class Exchange implements ResponseSink {
  readonly #head: RequestHead;
  readonly #context: ExchangeContext;
  readonly #visitor: Visitor;
  #phase: Phase = 'connecting';
  #routed: Routed;
  #record: ExchangeRecord;
  #connection: UpstreamConnection | undefined;
  #dial: Dial | undefined;
  #retried = false;
  #requestDone = false;
  /** The visitor ended his direction of an upgraded stream. */
  #visitorEnded = false;
  #upstreamEnded = false;
  /** Body that came before the connection; the visitor gets no credit for it, so his window bounds it. */
  #waiting: Uint8Array[] = [];
  #upstreamFull = false;
  #chunking = false;
  #headTimer: NodeJS.Timeout | undefined;

  constructor(head: RequestHead, context: ExchangeContext, visitor: Visitor) {
    this.#head = head;
    this.#context = context;
    this.#visitor = visitor;
    this.#routed = routeRequest(head, context.serving, context.idleReason);
    this.#record = beginRecord(head, this.#routed, context);
  }

  /** The request's bytes should wait: the upstream is not there yet, or slower. */
  get blocked(): boolean {
    return this.#phase === 'connecting' || (this.#phase !== 'over' && this.#upstreamFull);
  }

  get over(): boolean {
    return this.#phase === 'over';
  }

  start(): void {
    const { next } = this.#routed;
    if (next.kind === 'answer') {
      this.#answer(next.answer);
      return;
    }
    try {
      const target = this.#context.serving?.target(next.backend.upstream);
      if (target === undefined) return;
      const head = upstreamRequest(this.#head, next, target, this.#wantsUpgrade());
      this.#record.upstream(`${target.key}${target.basePath}`);
      this.#connect(target, head, false);
    } catch (error) {
      this.#answerError(toAgentError(error, 'bad-request'));
    }
  }

  requestBody(bytes: Uint8Array): void {
    if (this.#phase === 'over') return;
    this.#record.requestBytes(bytes);
    if (this.#connection === undefined) this.#waiting.push(bytes);
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
    if (this.#phase === 'sending') this.#awaitHead();
  }

  visitorDrained(): void {
    this.#connection?.resume();
  }

  /** The visitor went away. */
  abort(reason: string): void {
    if (this.#phase === 'over') return;
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
    clearTimeout(this.#headTimer);
    const { headers } = head;
    const upgrade = headers.get('upgrade') ?? '';
    removeHopByHop(headers);
    headers.removeWhere((name) => name.startsWith(INTERNAL_HEADER_PREFIX));
    this.#routed.decorate(headers);
    if (head.status === 101) {
      if (!this.#wantsUpgrade()) {
        this.#failUpstream(
          new AgentError('upstream-malformed', 'The upstream answered 101 to a request without Upgrade.'),
        );
        return;
      }
      headers.set('Connection', 'Upgrade');
      headers.set('Upgrade', upgrade);
    } else if (head.framing.kind === 'until-close') {
      this.#chunking = true;
      headers.set('Transfer-Encoding', 'chunked');
    }
    const bytes = writeResponseHead(head);
    this.#phase = 'responding';
    this.#record.responseHead(head.status, headers);
    this.#send(bytes);
    if (head.status === 101) this.#upgrade();
  }

  onBody(bytes: Buffer): void {
    const framed = this.#chunking ? chunkFrame(bytes) : bytes;
    this.#record.responseBytes(framed);
    this.#send(framed);
  }

  onEnd(reusable: boolean): void {
    if (this.#phase === 'over') return;
    if (this.#chunking) this.#visitor.write(LAST_CHUNK);
    const connection = this.#connection;
    this.#connection = undefined;
    if (connection !== undefined) {
      if (reusable && this.#requestDone && !this.#upstreamFull) this.#context.pool.giveBack(connection);
      else connection.destroy();
    }
    this.#over();
    this.#record.finish();
    this.#visitor.done();
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
    const { next } = this.#routed;
    if (stale && !this.#retried && this.#repeatable() && next.kind === 'forward') {
      this.#retry(next);
    } else {
      this.#failUpstream(error);
    }
  }

  /** The upstream had closed the kept connection when the request was on its way: once more, on a fresh one. */
  #retry(forward: Forward): void {
    this.#retried = true;
    clearTimeout(this.#headTimer);
    try {
      const target = this.#context.serving?.target(forward.backend.upstream);
      if (target === undefined) return;
      this.#phase = 'connecting';
      this.#connect(target, upstreamRequest(this.#head, forward, target, false), true);
    } catch (error) {
      this.#answerError(toAgentError(error, 'upstream-unreachable'));
    }
  }

  #connect(target: UpstreamTarget, head: Buffer, fresh: boolean): void {
    const kept = fresh ? undefined : this.#context.pool.take(target, this.#repeatable() ? Infinity : FRESH_MS);
    if (kept !== undefined) {
      this.#use(kept, head);
      return;
    }
    this.#dial = this.#context.pool.dial(target, (result) => {
      this.#dial = undefined;
      if (result instanceof AgentError) this.#failUpstream(result);
      else this.#use(result, head);
    });
  }

  #use(connection: UpstreamConnection, head: Buffer): void {
    this.#connection = connection;
    this.#phase = 'sending';
    let room = connection.begin(this.#head.method, head, this);
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const bytes of waiting) room = connection.write(bytes);
    this.#upstreamFull = !room;
    if (this.#requestDone) this.#awaitHead();
    if (room) this.#visitor.more();
  }

  #awaitHead(): void {
    const { responseTimeoutMs } = this.#context;
    clearTimeout(this.#headTimer);
    this.#headTimer = setTimeout(() => {
      this.#failUpstream(new AgentError('upstream-timeout', `No response head within ${responseTimeoutMs} ms.`));
    }, responseTimeoutMs);
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
    if (this.#phase === 'over') return;
    if (!this.#visitor.write(bytes)) this.#connection?.pause();
  }

  #repeatable(): boolean {
    const { framing, method } = this.#head;
    return (framing.kind === 'none' || framing.length === 0) && IDEMPOTENT.has(method);
  }

  #endUpgraded(): void {
    const connection = this.#connection;
    this.#connection = undefined;
    connection?.finish();
    this.#over();
    this.#record.finish();
  }

  #wantsUpgrade(): boolean {
    return this.#head.framing.kind === 'upgrade' && this.#head.headers.get('upgrade')?.toLowerCase() !== 'h2c';
  }

  #failUpstream(error: AgentError): void {
    if (this.#phase === 'responding' || this.#phase === 'upgraded') {
      this.#over();
      this.#record.finish({ error: error.message });
      this.#visitor.reset();
    } else if (this.#phase !== 'over') {
      this.#answerError(error);
    }
  }

  #answerError(error: AgentError): void {
    this.#answer(problemAnswer(error.code, error.message, { hint: error.hint }));
  }

  #answer(answer: OwnAnswer): void {
    const { bytes, headers, body } = writeAnswer(answer, this.#head.method, (list: HeaderList) =>
      this.#routed.decorate(list),
    );
    this.#record.responseHead(answer.status, headers);
    if (body.length > 0) this.#record.responseBytes(body);
    this.#over();
    this.#record.finish({ verdict: answer.verdict, error: answer.verdict === undefined ? undefined : answer.detail });
    this.#visitor.write(bytes);
    this.#visitor.done();
  }

  #over(): void {
    this.#phase = 'over';
    clearTimeout(this.#headTimer);
    this.#dial?.cancel();
    this.#connection?.destroy();
    this.#dial = undefined;
    this.#connection = undefined;
    this.#waiting = [];
  }
}

function beginRecord(head: RequestHead, routed: Routed, context: ExchangeContext): ExchangeRecord {
  const { headers } = head;
  const visible = headers.clone();
  visible.removeWhere((name) => name.startsWith(INTERNAL_HEADER_PREFIX));
  return context.recorder.begin({
    id: headers.get(INTERNAL_HEADERS.requestId) ?? context.newId(),
    method: head.method,
    host: routed.previewHost,
    target: head.target,
    headers: visible,
    broker: headers.get(INTERNAL_HEADERS.broker) ?? context.broker,
    attempt: Number(headers.get(INTERNAL_HEADERS.attempt) ?? '1') || 1,
    mask: context.serving?.mask ?? DEFAULT_MASK,
    route: routed.route?.id,
    api: routed.route?.api,
    application: routed.application,
    plan: routed.plan,
  });
}
