import type { HeaderList } from '../../shared/http1/header-list.ts';
import type { HeaderPair } from '../../shared/http1/header-list.ts';
import { removeHopByHop } from '../../shared/http1/hop-by-hop.ts';
import type { RequestHead, ResponseHead } from '../../shared/http1/message-head.ts';
import { writeResponseHead } from '../../shared/http1/write-head.ts';
import { INTERNAL_HEADERS } from '../../shared/tunnel/protocol.ts';
import { AgentError, toAgentError } from '../errors.ts';
import type { ExchangeRecord } from '../recorder/exchange-record.ts';
import { Mask } from '../recorder/mask.ts';
import type { Recorder } from '../recorder/recorder.ts';
import { chunkFrame, LAST_CHUNK } from './chunk-frame.ts';
import type { Dial } from './dial-upstream.ts';
import { failureAnswer, writeAnswer, type OwnAnswer } from './own-answer.ts';
import { cleanResponse, responseHead } from './response-head.ts';
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
  /** By the fields of requests that come again and again on a stream: what they came to under this configuration. */
  readonly known: WeakMap<readonly HeaderPair[], KnownRequest>;
  newId(): string;
}

interface KnownRequest {
  readonly method: string;
  readonly target: string;
  readonly routed: Routed;
  /** The head for the upstream. */
  readonly head: Buffer;
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

const NONE: readonly Uint8Array[] = [];
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
  #waiting: readonly Uint8Array[] = NONE;
  #upstreamFull = false;
  #chunking = false;
  #known: KnownRequest | undefined;
  /** `waiting` for the response head since some moment before this; 0: the next tick looks at the clock. */
  #waitsSince = 0;
  #waits = false;

  constructor(head: RequestHead, context: ExchangeContext, visitor: Visitor) {
    this.#head = head;
    this.#context = context;
    this.#visitor = visitor;
    const known = head.headers.recurring ? context.known.get(head.headers.pairs) : undefined;
    if (known !== undefined && known.method === head.method && known.target === head.target) this.#known = known;
    this.#routed = this.#known?.routed ?? routeRequest(head, context.serving, context.idleReason);
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
      const { target } = next.choice;
      const head = this.#known?.head ?? this.#makeHead(next, target);
      this.#record.upstream(`${target.origin}${target.basePath}`);
      this.#connect(target, head, false);
    } catch (error) {
      this.#answerError(toAgentError(error, 'bad-request'));
    }
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
    this.#waits = false;
    if (head.status === 101) {
      this.#onSwitch(head);
      return;
    }
    this.#chunking = head.framing.kind === 'until-close';
    const { bytes, headers } = responseHead(head, this.#routed, this.#chunking);
    this.#phase = 'responding';
    this.#record.responseHead(head.status, headers);
    this.#send(bytes);
  }

  #onSwitch(head: ResponseHead): void {
    if (!this.#wantsUpgrade()) {
      this.#failUpstream(
        new AgentError('upstream-malformed', 'The upstream answered 101 to a request without Upgrade.'),
      );
      return;
    }
    const { headers } = head;
    const upgrade = headers.get('upgrade') ?? '';
    cleanResponse(headers, this.#routed);
    headers.set('Connection', 'Upgrade');
    headers.set('Upgrade', upgrade);
    const bytes = writeResponseHead(head);
    this.#phase = 'responding';
    this.#record.responseHead(head.status, headers);
    this.#send(bytes);
    this.#upgrade();
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
    this.#waits = false;
    try {
      const { target } = forward.choice;
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
    this.#waiting = NONE;
    for (const bytes of waiting) room = connection.write(bytes);
    this.#upstreamFull = !room;
    if (this.#requestDone) this.#awaitHead();
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
    this.#answer(failureAnswer(error));
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
    this.#waits = false;
    this.#dial?.cancel();
    this.#connection?.destroy();
    this.#dial = undefined;
    this.#connection = undefined;
    this.#waiting = NONE;
  }

  #makeHead(next: Forward, target: UpstreamTarget): Buffer {
    const { headers, method, target: asked } = this.#head;
    const upgrade = this.#wantsUpgrade();
    const head = upstreamRequest(this.#head, next, target, upgrade);
    const routed = this.#routed;
    if (headers.recurring && routed.stable && !upgrade)
      this.#context.known.set(headers.pairs, { method, target: asked, routed, head });
    return head;
  }
}

/** What the broker says of the request; the name in lower case. */
function internal(head: RequestHead, name: string): string | undefined {
  for (const pair of head.apart ?? []) if (pair[0] === name || pair[0].toLowerCase() === name) return pair[1];
  return undefined;
}

function beginRecord(head: RequestHead, routed: Routed, context: ExchangeContext): ExchangeRecord {
  return context.recorder.begin({
    id: internal(head, INTERNAL_HEADERS.requestId) ?? context.newId(),
    method: head.method,
    host: routed.previewHost,
    target: head.target,
    headers: head.headers.pairs,
    broker: internal(head, INTERNAL_HEADERS.broker) ?? context.broker,
    attempt: Number(internal(head, INTERNAL_HEADERS.attempt) ?? '1') || 1,
    mask: context.serving?.mask ?? DEFAULT_MASK,
    route: routed.route?.id,
    api: routed.route?.api,
    application: routed.application,
    plan: routed.plan,
  });
}
