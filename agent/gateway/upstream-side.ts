import type { RequestHead, ResponseHead } from '../../shared/http1/message-head.ts';
import { AgentError } from '../errors.ts';
import type { Dial } from './dial-upstream.ts';
import type { ExchangeContext, Visitor } from './exchange-context.ts';
import type { Choice } from './services/choice.ts';
import type { ResponseSink, UpstreamConnection } from './upstream-connection.ts';
import { withoutHttp2 } from './upstream-target.ts';

export const NONE: readonly Uint8Array[] = [];
const CONTINUE = Buffer.from('HTTP/1.1 100 Continue\r\n\r\n');
const IDEMPOTENT: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE', 'PUT', 'DELETE']);

/** A kept connection that rested no longer is safe enough for a request that cannot be sent twice. */
const FRESH_MS = 1000;

type Phase = 'connecting' | 'sending' | 'responding' | 'upgraded' | 'over';

/**
 * How an exchange reaches its upstream: takes or dials a connection, sends the request once the upstream is there, a second time
 * when a kept connection had ended, and holds either side while the other is slower. A base class and not a part of its own,
 * so that a request costs one object less.
 */
export abstract class UpstreamSide implements ResponseSink {
  protected readonly request: RequestHead;
  protected readonly context: ExchangeContext;
  protected readonly visitor: Visitor;
  protected phase: Phase = 'connecting';
  protected choice: Choice | undefined;
  /** The head that went upstream, and the method in it. */
  protected sent: Buffer | undefined;
  protected method: string;
  /** Sent in place of the visitor's body. */
  protected madeBody: Buffer | undefined;
  protected connection: UpstreamConnection | undefined;
  protected dial: Dial | undefined;
  protected retried = false;
  requestDone = false;
  /** Body that came before the connection; the visitor gets no credit for it, so his window bounds it. */
  protected waiting: Uint8Array[] | undefined;
  protected upstreamFull = false;
  protected visitorFull = false;
  protected holds = 0;
  /** `waiting` for the response head since some moment before this; 0: the next tick looks at the clock. */
  protected waitsSince = 0;
  protected waits = false;

  constructor(request: RequestHead, context: ExchangeContext, visitor: Visitor) {
    this.request = request;
    this.method = request.method;
    this.context = context;
    this.visitor = visitor;
  }

  get over(): boolean {
    return this.phase === 'over';
  }

  get pool(): ExchangeContext['pool'] {
    return this.context.pool;
  }

  abstract onHead(head: ResponseHead): void;
  abstract onBody(bytes: Buffer): void;
  abstract onEnd(reusable: boolean): void;
  abstract onRaw(bytes: Buffer): void;
  abstract onRawEnd(): void;

  /** `unreached`: nothing of the request was sent. */
  protected abstract failUpstream(error: AgentError, unreached?: boolean): void;

  /** Checks the time limit. */
  tick(now: number): void {
    if (!this.waits) return;
    const { responseTimeoutMs } = this.context;
    if (this.waitsSince === 0) this.waitsSince = now;
    else if (now - this.waitsSince > responseTimeoutMs)
      this.failUpstream(new AgentError('upstream-timeout', `No response head within ${responseTimeoutMs} ms.`));
  }

  visitorDrained(): void {
    this.visitorFull = false;
    if (this.holds === 0) this.connection?.resume();
  }

  takeWaiting(): readonly Uint8Array[] {
    const waiting = this.waiting ?? NONE;
    this.waiting = undefined;
    this.visitor.more();
    return waiting;
  }

  continueBody(): void {
    this.visitor.write(CONTINUE);
  }

  hold(): void {
    this.holds += 1;
    this.connection?.pause();
  }

  release(): void {
    this.holds -= 1;
    if (this.holds === 0 && !this.visitorFull) this.connection?.resume();
  }

  drop(): void {
    this.dial?.cancel();
    this.connection?.destroy();
    this.dial = undefined;
    this.connection = undefined;
    this.waits = false;
  }

  onDrain(): void {
    this.upstreamFull = false;
    this.visitor.more();
  }

  onFailed(error: AgentError, answered: boolean): void {
    const stale = this.connection?.reused === true && !answered;
    this.connection = undefined;
    if (this.phase === 'over') return;
    if (stale && !this.retried && this.isRepeatable() && this.choice !== undefined && this.sent !== undefined) {
      // The upstream had closed the kept connection when the request was on its way: once more, on a fresh one.
      this.retried = true;
      this.waits = false;
      this.phase = 'connecting';
      this.connect(this.choice, this.sent, true);
    } else {
      this.failUpstream(error);
    }
  }

  protected connect(choice: Choice, head: Buffer, fresh: boolean): void {
    const target = this.upgradeTo() === undefined ? choice.target : withoutHttp2(choice.target);
    const kept = fresh ? undefined : this.context.pool.take(target, this.isRepeatable() ? Infinity : FRESH_MS);
    if (kept !== undefined) {
      this.use(kept, head);
      return;
    }
    this.dial = this.context.pool.dial(target, (result) => {
      this.dial = undefined;
      if (result instanceof AgentError) this.failUpstream(result, true);
      else this.use(result, head);
    });
  }

  protected use(connection: UpstreamConnection, head: Buffer): void {
    this.connection = connection;
    this.phase = 'sending';
    let room = connection.begin(this.method, head, this);
    if (this.holds > 0) connection.pause();
    if (this.madeBody !== undefined) {
      if (this.madeBody.length > 0) room = connection.write(this.madeBody);
    } else if (this.waiting !== undefined) {
      const { waiting } = this;
      this.waiting = undefined;
      for (const bytes of waiting) room = connection.write(bytes);
    }
    this.upstreamFull = !room;
    if (this.requestDone || this.madeBody !== undefined) this.awaitHead();
    if (room) this.visitor.more();
  }

  protected awaitHead(): void {
    this.waits = true;
    this.waitsSince = 0;
  }

  protected write(bytes: Uint8Array): void {
    if (this.phase === 'over' || this.visitor.write(bytes)) return;
    this.visitorFull = true;
    this.connection?.pause();
  }

  protected isRepeatable(): boolean {
    const { framing } = this.request;
    const empty =
      this.madeBody === undefined ? framing.kind === 'none' || framing.length === 0 : this.madeBody.length === 0;
    return empty && IDEMPOTENT.has(this.method);
  }

  protected upgradeTo(): string | undefined {
    const wanted = this.request.framing.kind === 'upgrade' ? (this.request.headers.get('upgrade') ?? '') : undefined;
    return wanted?.toLowerCase() === 'h2c' ? undefined : wanted;
  }
}
