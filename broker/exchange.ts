import type { HeaderPair } from '../shared/http1/header-list.ts';
import type { RequestHead, ResponseHead } from '../shared/http1/message-head.ts';
import { writeRequestHead, writeResponseHead } from '../shared/http1/write-head.ts';
import { Http1Error } from '../shared/http1/errors.ts';
import { INTERNAL_HEADERS } from '../shared/tunnel/protocol.ts';
import type { Edge } from './edge.ts';
import type { BrokerErrorCode } from './errors.ts';
import type { ExchangeVisitor } from './exchange-visitor.ts';
import { FrameBoundary, SERVICE_RESTART } from './frame-boundary.ts';
import { OWN_ANSWER_HEADER } from './own-answer.ts';
import { responseHeadBytes } from './response-head-bytes.ts';
import { makeResponseHeaders, RELAY_HOP_HEADER, RELAY_OTHERS_HEADER, RELAY_SECRET_HEADER } from './request-headers.ts';
import type { RunningTry, Target } from './target.ts';
import { TargetChoice } from './target-choice.ts';
import { type ResponseSink, UpstreamConnection } from './upstream-connection.ts';

export interface ExchangeRequest {
  readonly head: RequestHead;
  /** Canonical. */
  readonly host: string;
  readonly requestId: string;
  readonly upgrade: string | undefined;
  /** Tries that the edge before us made, for a request that it relays; 0 for a visitor's. */
  readonly triesBefore: number;
  readonly relayed: boolean;
  /** The edge that relays it knows another broker to try. */
  readonly othersElsewhere?: boolean;
}

const NO_BYTES: Uint8Array[] = [];
const SAFE: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS']);
/** Answers of a peer's own after which the request was certainly not delivered. */
const NOT_DELIVERED: ReadonlySet<string> = new Set<BrokerErrorCode>([
  'broker.no-tunnel',
  'broker.unknown-host',
  'broker.draining',
  'broker.too-busy',
]);

/**
 * One request and its response. It may try several targets, one after the other, until the first byte of a response:
 * again only when the request is safe and bodiless, or was certainly never delivered.
 */
export class Exchange implements ResponseSink, RunningTry {
  readonly #edge: Edge;
  readonly #visitor: ExchangeVisitor;
  readonly #request: ExchangeRequest;
  readonly #safe: boolean;
  #connection: UpstreamConnection | undefined;
  #tries = 0;
  /** A target may have got the request. */
  #mayBeDelivered = false;
  readonly #choice: TargetChoice;
  /** Body bytes sent so far, while a retry could still need them. */
  #replay: Uint8Array[] | undefined = NO_BYTES;
  #replayBytes = 0;
  #bodyBytes = false;
  #startedAt = performance.now();
  #triedAt = this.#startedAt;
  #activeAt = this.#startedAt;
  /** Bytes came since the last tick: reading the clock for each piece costs more than the piece. */
  #active = false;
  #state: 'waiting' | 'responding' | 'upgraded' | 'over' = 'waiting';
  requestSent = false;
  place = -1;
  #upstreamEnded = false;
  /** After an upgrade to WebSocket: where a frame of our own may stand. */
  #boundary: FrameBoundary | undefined;
  #visitorEnded = false;

  constructor(edge: Edge, visitor: ExchangeVisitor, request: ExchangeRequest) {
    this.#edge = edge;
    this.#visitor = visitor;
    this.#request = request;
    this.#choice = new TargetChoice(edge, request);
    this.#safe =
      SAFE.has(request.head.method) &&
      (request.head.framing.kind === 'none' ||
        request.head.framing.kind === 'upgrade' ||
        request.head.framing.length === 0);
    edge.metrics.inFlight += 1;
  }

  get host(): string {
    return this.#request.host;
  }

  get blocked(): boolean {
    return this.#visitor.blocked;
  }

  get over(): boolean {
    return this.#state === 'over';
  }

  get responding(): boolean {
    return this.#state === 'responding';
  }

  onBurst(open: boolean): void {
    this.#visitor.onBurst(open);
  }

  start(): void {
    this.#try(undefined);
  }

  /** Body bytes of the visitor, framing included; after an upgrade any bytes. */
  send(bytes: Uint8Array): void {
    if (this.#state === 'over') return;
    if (this.requestSent && this.#state !== 'upgraded') {
      // The other side would take them for the next request on its wire.
      this.#release()?.abandon();
      this.#cut();
      return;
    }
    this.#bodyBytes = true;
    this.#active = true;
    if (this.#state === 'waiting' && this.#replay !== undefined) {
      this.#replayBytes += bytes.length;
      if (this.#replayBytes > this.#edge.limits.replayBytes) this.#replay = undefined;
      else if (this.#replay === NO_BYTES) this.#replay = [bytes];
      else this.#replay.push(bytes);
    }
    if (this.#connection?.wire.write(bytes) === false) this.#visitor.pauseBody();
  }

  /** The visitor's request is whole. */
  sent(): void {
    this.requestSent = true;
  }

  visitorDrained(): void {
    this.#connection?.acknowledge();
  }

  /** FIN of the visitor after an upgrade. */
  visitorEnded(): void {
    if (this.#state !== 'upgraded') return;
    this.#visitorEnded = true;
    this.#connection?.wire.end();
    this.#endUpgradedWhenBoth();
  }

  /** The broker goes away: an upgraded WebSocket is told so, where a frame may stand. */
  sayRestart(): void {
    if (this.#state !== 'upgraded' || this.#upstreamEnded || this.#boundary?.open !== true) return;
    this.#visitor.write(SERVICE_RESTART);
    this.onUpgradedEnd();
  }

  /** The visitor is gone. */
  abort(): void {
    this.#release()?.abandon();
    this.#finish();
  }

  /** Checks the time limits. */
  tick(now: number): void {
    const { limits } = this.#edge;
    if (this.#active) this.#activeAt = now;
    this.#active = false;
    if (this.#state === 'waiting') {
      if (this.#connection === undefined) this.#try(undefined);
      else if (this.requestSent && now - Math.max(this.#startedAt, this.#activeAt) > limits.responseTimeoutMs) {
        this.#release()?.abandon();
        this.#answer('broker.upstream-timeout');
      } else if (!this.requestSent && now - Math.max(this.#startedAt, this.#activeAt) > limits.streamIdleTimeoutMs) {
        // A body that the upstream does not take.
        this.#release()?.abandon();
        this.#answer('broker.upstream-timeout');
      } else if (limits.tryTimeoutMs > 0 && now - this.#triedAt > limits.tryTimeoutMs) this.onTargetSuspect();
      // Others may have room by now. A peer that was away takes one request at a time: this is the one.
      else if (!this.#connection.target.usable && !isProbe(this.#connection.target))
        this.onTargetSuspect(this.#choice.isStuck(this.#connection.target, now - this.#triedAt));
    } else if (this.#state !== 'over' && now - this.#activeAt > limits.streamIdleTimeoutMs) {
      this.#release()?.abandon();
      this.#cut();
    }
  }

  /** `stuck`: given back even when nobody better is known. That is no failed try of the edge. */
  onTargetSuspect(stuck = false): void {
    const connection = this.#connection;
    if (this.#state !== 'waiting' || connection === undefined || !this.#safe || !this.#hasTries) return;
    this.#choice.doubt(connection.target);
    const better = this.#choice.best(performance.now());
    if (better === undefined && !stuck && this.#request.othersElsewhere !== true) return;
    this.#release()?.abandon();
    if (better === undefined) this.#answer('broker.no-tunnel');
    else this.#try(undefined, better);
  }

  onHostTaken(): void {
    if (this.#state === 'over') return;
    const connection = this.#release();
    connection?.abandon();
    if (this.#state !== 'waiting') this.#cut();
    // An edge sends again what was certainly not delivered, or may be.
    else this.#answer(connection === undefined || this.#safe ? 'broker.no-tunnel' : 'broker.upstream-gone');
  }

  onResponseHead(head: ResponseHead): void {
    const now = performance.now();
    this.#activeAt = now;
    if (head.status < 200 && head.status !== 101) {
      this.#interim(head);
      return;
    }
    const connection = this.#connection;
    if (connection === undefined || this.#state !== 'waiting') return;
    const own = connection.target.kind === 'peer' ? head.headers.get(OWN_ANSWER_HEADER) : undefined;
    if (own !== undefined && this.#elsewhere(connection, NOT_DELIVERED.has(own))) return;
    connection.target.succeeded();
    connection.target.sampleLatency(now - this.#triedAt, now);
    this.#replay = undefined;
    this.#edge.metrics.countResponse(head.status, now - this.#startedAt);
    if (head.framing.kind === 'upgrade' && this.#request.upgrade === undefined) {
      this.#release()?.abandon();
      this.#answer('broker.upstream-invalid', 'It switched protocols without being asked.');
      return;
    }
    this.#state = head.framing.kind === 'upgrade' ? 'upgraded' : 'responding';
    this.#writeHead(head);
    if (this.#state === 'upgraded') {
      this.#edge.metrics.upgraded += 1;
      if (this.#request.upgrade === 'websocket') this.#boundary = new FrameBoundary();
      this.#visitor.upgraded();
    }
  }

  onResponseBody(bytes: Buffer): void {
    if (this.#state !== 'responding') return;
    this.#active = true;
    this.#visitor.write(bytes);
  }

  onResponseComplete(): void {
    if (this.#state !== 'responding') return;
    this.#release();
    this.#finish();
    this.#visitor.finished(false);
  }

  onUpgraded(bytes: Buffer): void {
    if (this.#upstreamEnded) return;
    this.#active = true;
    this.#boundary?.push(bytes);
    this.#visitor.write(bytes);
  }

  onUpgradedEnd(): void {
    if (this.#upstreamEnded || this.#state !== 'upgraded') return;
    this.#upstreamEnded = true;
    this.#visitor.endUpgraded();
    this.#endUpgradedWhenBoth();
  }

  onUpstreamDrain(): void {
    this.#visitor.resumeBody();
  }

  onUpstreamFailed(connection: UpstreamConnection, error: Error | undefined): void {
    if (connection !== this.#connection) return;
    this.#release();
    if (this.#state === 'waiting') this.#retryOrFail(connection, error);
    else this.#cut(this.#upstreamEnded);
  }

  get #hasTries(): boolean {
    return this.#tries - this.#choice.declined < this.#edge.limits.maxAttempts;
  }

  #try(lastError: Error | undefined, chosen?: Target): void {
    let error = lastError;
    let first = chosen;
    while (this.#state === 'waiting') {
      const now = performance.now();
      const target = first ?? (this.#hasTries ? this.#choice.next(now) : undefined);
      first = undefined;
      if (target === undefined) {
        this.#noTarget(error);
        return;
      }
      this.#tries += 1;
      if (this.#tries > 1) this.#edge.metrics.retries += 1;
      const connection = this.#open(target, now);
      if (connection instanceof UpstreamConnection) {
        this.#begin(connection, now);
        return;
      }
      error = connection;
      this.#choice.refuse(target);
    }
  }

  /** A kept connection, or a fresh one; always fresh for a retry, since what was kept beside a dead one is dead as well. */
  #open(target: Target, now: number): UpstreamConnection | Error {
    const decode = this.#request.head.version === '1.0';
    const fresh = decode || this.#request.upgrade !== undefined || this.#tries > 1;
    const idle = fresh ? undefined : target.takeIdle(now);
    if (idle !== undefined) return idle;
    try {
      return new UpstreamConnection(target, decode);
    } catch (error) {
      return error instanceof Error ? error : new Error(String(error));
    }
  }

  #begin(connection: UpstreamConnection, now: number): void {
    const { head, requestId, triesBefore } = this.#request;
    this.#connection = connection;
    this.#triedAt = now;
    connection.target.begin(this);
    // Last, after all that may be the same from request to request: the other side knows it again then.
    const more: HeaderPair[] = [[INTERNAL_HEADERS.requestId, requestId]];
    const attempt = triesBefore + this.#tries;
    if (attempt > 1) more.push([INTERNAL_HEADERS.attempt, String(attempt)]);
    if (connection.target.kind === 'peer') {
      more.push([RELAY_HOP_HEADER, '1'], [RELAY_SECRET_HEADER, this.#edge.peerSecret ?? '']);
      if (this.#choice.othersBeside(connection.target)) more.push([RELAY_OTHERS_HEADER, '1']);
    }
    connection.start(this, head.method, writeRequestHead(head, more));
    let room = true;
    for (const bytes of this.#replay ?? []) room = connection.wire.write(bytes);
    if (room) this.#visitor.resumeBody();
  }

  #retryOrFail(connection: UpstreamConnection, error: Error | undefined): void {
    const { target, wire } = connection;
    // A stale kept connection says nothing of its target; an invalid answer is no reason to ask again.
    const invalid = error instanceof Http1Error && error.code !== 'http1.truncated';
    if (connection.uses === 1 && !invalid) target.failed(error);
    const undelivered = connection.uses === 1 && target.neverDelivered(wire, error);
    if (!undelivered) this.#mayBeDelivered = true;
    if (!invalid && this.#mayRepeat(undelivered)) {
      if (connection.uses === 1) this.#choice.refuse(target, undelivered);
      this.#try(error);
      return;
    }
    this.#edge.log.debug({ requestId: this.#request.requestId, target: target.name, err: error }, 'request lost');
    this.#answer(
      invalid ? 'broker.upstream-invalid' : 'broker.upstream-gone',
      invalid && error !== undefined ? `${error.message}.` : undefined,
    );
  }

  /** After an answer that a peer made itself: another target, when there is one and it is safe. */
  #elsewhere(connection: UpstreamConnection, undelivered: boolean): boolean {
    if (!this.#mayRepeat(undelivered)) return false;
    const now = performance.now();
    this.#choice.decline(connection.target, undelivered);
    const other = this.#hasTries ? this.#choice.next(now) : undefined;
    if (other === undefined && !(undelivered && this.#safe && this.#choice.park(this.#startedAt, now))) return false;
    this.#release()?.abandon();
    if (other !== undefined) this.#try(undefined, other);
    return true;
  }

  #mayRepeat(undelivered: boolean): boolean {
    return this.#safe || (undelivered && (!this.#bodyBytes || this.#replay !== undefined));
  }

  #noTarget(error: Error | undefined): void {
    // The next tick tries again.
    if (this.#safe && this.#hasTries && this.#choice.park(this.#startedAt, performance.now())) return;
    if (this.#mayBeDelivered) this.#answer('broker.upstream-gone', undefined);
    else if (error !== undefined || this.#tries > 0) this.#answer('broker.no-tunnel');
    else {
      const { host } = this.#request;
      const known = this.#edge.sessionsFor(host).length + this.#edge.peersFor(host).length;
      if (known > 0)
        this.#answer(
          [...this.#edge.sessionsFor(host), ...this.#edge.peersFor(host)].every((target) => target.full)
            ? 'broker.too-busy'
            : 'broker.no-tunnel',
        );
      else this.#answer(this.#edge.wasServed(host) ? 'broker.no-tunnel' : 'broker.unknown-host');
    }
  }

  #interim(head: ResponseHead): void {
    if (this.#request.head.version === '1.0' || this.#state !== 'waiting') return;
    // Only the answer to `Expect` is known to be safe before a retry: it asks for the body, which is then kept.
    makeResponseHeaders(head, undefined);
    head.headers.removeWhere((name) => name === 'content-length' || name === 'transfer-encoding');
    this.#visitor.write(writeResponseHead(head));
  }

  #writeHead(head: ResponseHead): void {
    const untilClose = head.framing.kind === 'until-close';
    const decoded = this.#request.head.version === '1.0' && head.framing.kind === 'chunked';
    const connection = this.#visitor.connectionHeader(untilClose || decoded || !this.requestSent);
    this.#visitor.write(responseHeadBytes(head, connection, decoded));
  }

  #answer(code: BrokerErrorCode, detail?: string): void {
    this.#release();
    this.#finish();
    this.#visitor.answer(code, detail);
  }

  /** The response has begun and cannot go on. `whole`: all of it has come; only what the visitor sends goes nowhere. */
  #cut(whole = false): void {
    this.#finish();
    this.#visitor.finished(!whole);
  }

  #endUpgradedWhenBoth(): void {
    if (!this.#upstreamEnded || !this.#visitorEnded) return;
    // What the visitor's socket still holds is its own.
    this.#release()?.acknowledge();
    this.#finish();
    this.#visitor.finished(false);
  }

  #release(): UpstreamConnection | undefined {
    const connection = this.#connection;
    this.#connection = undefined;
    connection?.target.finish(this);
    return connection;
  }

  #finish(): void {
    if (this.#state === 'over') return;
    this.#state = 'over';
    this.#replay = undefined;
    this.#edge.metrics.inFlight -= 1;
  }
}

function isProbe(target: Target): boolean {
  return target.kind === 'peer' && target.crowded;
}
