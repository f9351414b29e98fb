import type { Socket } from 'node:net';
import type { Http1Error } from '../../shared/http1/errors.ts';
import type { ResponseHead } from '../../shared/http1/message-head.ts';
import type { MessageHandler } from '../../shared/http1/message-parser.ts';
import { ResponseParser } from '../../shared/http1/response-parser.ts';
import { buffersCame } from '../../shared/process/buffer-pressure.ts';
import { AgentError } from '../errors.ts';
import type { SocketReads } from '../../shared/sockets/socket-reads.ts';
import type { UpstreamTarget } from './upstream-target.ts';
import type { Watching } from './upstream-watching.ts';

/** Who gets the answer. After `onEnd` or `onFailed` nothing follows. */
export interface ResponseSink {
  onHead(head: ResponseHead): void;
  onBody(bytes: Buffer): void;
  /** The response is complete; `reusable`: the connection stands at the start of a next message. */
  onEnd(reusable: boolean): void;
  /** There is room again after `write` returned false. */
  onDrain(): void;
  /** After `takeOver`: bytes of the other protocol, and its end. */
  onRaw(bytes: Buffer): void;
  onRawEnd(): void;
  /** `answered`: bytes of a response had come. */
  onFailed(error: AgentError, answered: boolean): void;
}

/**
 * What carries one exchange after the other to an upstream, as HTTP/1.1 messages: whatever the upstream speaks, the
 * request comes as its head and the bytes of its framed body, and the answer goes to the sink in the same form.
 */
export interface UpstreamConnection {
  readonly target: UpstreamTarget;
  /** Carried an exchange before: it may be stale. */
  readonly reused: boolean;
  begin(method: string, head: Buffer, sink: ResponseSink): boolean;
  /** False: wait for `onDrain`. */
  write(bytes: Uint8Array): boolean;
  /** Half-closes, after an upgrade. */
  end(): void;
  /** Sends what is queued and forgets the connection: both directions have ended. */
  finish(): void;
  pause(): void;
  resume(): void;
  /** After a 101: the raw bytes that came with the head; the rest comes through `onRaw`. */
  takeOver(): Buffer[];
  destroy(): void;
}

/** A peer that does not close after both directions ended is not waited for any longer. */
const FINISH_MS = 5000;

/** One HTTP/1.1 connection to an upstream: one exchange at a time, dead after the first error. */
export class Http1Connection implements UpstreamConnection, MessageHandler<ResponseHead> {
  target: UpstreamTarget;
  /** Of the exchange that runs. */
  watching: Watching | undefined;
  reused = false;
  idleSince = 0;
  /** Milliseconds of `performance.now()` until which it may be taken again. */
  idleUntil = 0;
  /** What the upstream promised in `Keep-Alive: timeout=`. */
  keepAliveMs: number | undefined;
  #socket: Socket;
  #parser = new ResponseParser(this);
  #sink: ResponseSink | undefined;
  #onIdleDeath: ((connection: Http1Connection) => void) | undefined;
  #headTimer: NodeJS.Timeout | undefined;
  #answered = false;
  #responseDone = false;
  #keepAlive = true;
  #raw = false;
  #rawEnded = false;
  #dead = false;

  /** `reads`: what the socket was opened with, if anything. */
  constructor(socket: Socket, target: UpstreamTarget, reads?: SocketReads) {
    this.#socket = socket;
    this.target = target;
    if (reads !== undefined) reads.onBytes = (bytes) => this.#onData(bytes);
    else {
      socket.on('data', (bytes: Buffer) => {
        buffersCame(bytes.length);
        this.#onData(bytes);
      });
    }
    socket.on('drain', () => this.#sink?.onDrain());
    socket.on('end', () => this.#onSocketEnd());
    socket.on('error', (error: Error) => this.#gone(describe(error)));
    socket.on('close', () => this.#gone('the connection was closed'));
  }

  get dead(): boolean {
    return this.#dead;
  }

  begin(method: string, head: Buffer, sink: ResponseSink): boolean {
    this.#sink = sink;
    this.#answered = false;
    this.#responseDone = false;
    this.#onIdleDeath = undefined;
    this.#parser.expect(method);
    const limit = this.target.transport?.responseHeaderTimeoutMs ?? 0;
    if (limit > 0) this.#headTimer = setTimeout(() => this.#headOverdue(limit), limit);
    return this.#socket.write(head);
  }

  write(bytes: Uint8Array): boolean {
    this.#headTimer?.refresh();
    // `true`: what nobody reads any more holds nobody up.
    return this.#dead || this.#socket.write(bytes);
  }

  end(): void {
    this.#socket.end();
  }

  finish(): void {
    this.#release();
    this.#sink = undefined;
    this.#dead = true;
    this.#socket.end();
    this.#socket.setTimeout(FINISH_MS, () => this.#socket.destroy());
  }

  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  takeOver(): Buffer[] {
    return this.#parser.takeRest();
  }

  /** Keeps the connection for a next exchange; `onDeath` is called when it ends before. */
  rest(onDeath: (connection: Http1Connection) => void): void {
    this.#sink = undefined;
    this.reused = true;
    this.#onIdleDeath = onDeath;
    this.#socket.resume();
  }

  destroy(): void {
    this.#release();
    this.#sink = undefined;
    this.#dead = true;
    this.#socket.destroy();
  }

  onHead(head: ResponseHead): void {
    if (head.status >= 200 || head.status === 101) {
      this.#stopHeadTimer();
      this.watching?.answered(head.status);
    }
    this.#keepAlive = head.keepAlive;
    this.#raw = head.framing.kind === 'upgrade';
    const promise = head.headers.recurring ? undefined : head.headers.get('keep-alive');
    const hint = promise === undefined ? null : /(?:^|,)\s*timeout=(\d{1,6})/i.exec(promise);
    if (hint !== null) this.keepAliveMs = Number(hint[1]) * 1000;
    this.#sink?.onHead(head);
  }

  onBody(bytes: Buffer): void {
    this.#sink?.onBody(bytes);
  }

  onComplete(): void {
    this.#responseDone = !this.#raw;
  }

  onError(error: Http1Error): void {
    if (this.#responseDone) {
      // Bytes after a complete response: the answer stands, the connection is out of step and never used again.
      this.#keepAlive = false;
      return;
    }
    const code = error.code === 'http1.truncated' ? 'upstream-reset' : 'upstream-malformed';
    this.#fail(new AgentError(code, `${this.target.origin}: ${error.message}.`));
  }

  #onData(bytes: Buffer): void {
    if (this.#raw) {
      this.#sink?.onRaw(bytes);
      return;
    }
    if (this.#sink === undefined) {
      // Bytes that nobody asked for.
      this.#die('it sent bytes without a request');
      return;
    }
    this.#answered = true;
    this.#parser.push(bytes);
    // Only after the whole buffer was read is it known that nothing follows the response.
    this.#settle();
  }

  #settle(): void {
    if (!this.#responseDone) return;
    this.#responseDone = false;
    const sink = this.#sink;
    this.#sink = undefined;
    this.#release();
    sink?.onEnd(this.#keepAlive && !this.#dead && !this.#parser.stopped && this.#parser.idle);
  }

  #onSocketEnd(): void {
    if (this.#raw) {
      this.#rawEnded = true;
      this.#sink?.onRawEnd();
      return;
    }
    this.#keepAlive = false;
    if (this.#answered) {
      this.#parser.end();
      this.#settle();
    }
    this.#die('the upstream ended the connection');
  }

  /** After the upstream ended its direction in order, what came is whole, and what the visitor still sends has no reader. */
  #gone(reason: string): void {
    if (this.#rawEnded) this.#dead = true;
    else this.#die(reason);
  }

  #die(reason: string): void {
    this.#fail(new AgentError('upstream-reset', `${this.target.origin}: ${reason}.`));
  }

  #headOverdue(limit: number): void {
    this.#fail(new AgentError('upstream-timeout', `${this.target.origin}: no response head within ${limit} ms.`));
  }

  #stopHeadTimer(): void {
    clearTimeout(this.#headTimer);
    this.#headTimer = undefined;
  }

  /** The exchange is over. */
  #release(): void {
    if (this.#headTimer !== undefined) this.#stopHeadTimer();
    this.watching?.ended();
    this.watching = undefined;
  }

  #fail(error: AgentError): void {
    if (this.#dead) return;
    this.#dead = true;
    this.watching?.failed();
    this.#release();
    const sink = this.#sink;
    const onIdleDeath = this.#onIdleDeath;
    this.#sink = undefined;
    this.#onIdleDeath = undefined;
    this.#socket.destroy();
    sink?.onFailed(error, this.#answered);
    onIdleDeath?.(this);
  }
}

function describe(error: Error): string {
  return 'code' in error && typeof error.code === 'string' ? `${error.code} (${error.message})` : error.message;
}
