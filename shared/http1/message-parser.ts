import { Http1Error, type Http1ErrorCode } from './errors.ts';
import { FieldBlock } from './field-block.ts';
import { lowerName } from './field-name.ts';
import { HeaderList } from './header-list.ts';
import type { HeaderPair } from './header-list.ts';
import { DEFAULT_HTTP1_LIMITS, type Http1Limits } from './limits.ts';
import { parseChunkLine, parseFieldLine } from './parse-line.ts';
import { NOT_IN_TRAILERS } from './trailer-fields.ts';

/** Called during `push`, `resume` and `end`, in the order of the bytes. */
export interface MessageHandler<Head> {
  onHead(head: Head): void;
  /** Never empty. Raw chunk framing and trailers included, unless the parser decodes. */
  onBody(bytes: Buffer): void;
  /** The trailer fields of a chunked message, before `onComplete`; only when there are any. */
  onTrailers?(trailers: HeaderList): void;
  onComplete(): void;
  /** Once, last: the parser takes no more bytes. */
  onError(error: Http1Error): void;
}

export interface ParserOptions {
  readonly limits?: Partial<Http1Limits>;
  /** Hands on the payload of chunks instead of the chunked bytes. */
  readonly decode?: boolean;
  /** Fields for which it is true of the name in lower case are kept apart; never fields that framing depends on. */
  apart?(lowerName: string): boolean;
  /** Names in lower case that may not stand after a body, beside those that never may. */
  refusesTrailer?(lowerName: string): boolean;
}

/** What follows a head. */
export type Next =
  | { readonly kind: 'none' | 'chunked' | 'until-close' | 'upgrade' | 'head' }
  | { readonly kind: 'length'; readonly length?: number };

const STATES = {
  startLine: 0,
  fields: 1,
  length: 2,
  untilClose: 3,
  chunkSize: 4,
  chunkData: 5,
  chunkEnd: 6,
  trailers: 7,
  upgraded: 8,
  stopped: 9,
} as const;
const {
  startLine,
  fields,
  length: lengthBody,
  untilClose,
  chunkSize,
  chunkData,
  chunkEnd,
  trailers,
  upgraded,
  stopped,
} = STATES;
type State = (typeof STATES)[keyof typeof STATES];

const EMPTY = Buffer.alloc(0);
const LF = 0x0a;
const CR = 0x0d;
/** Pieces below it that must wait are put together. */
const SMALL_PIECE_BYTES = 4096;
/**
 * Strict, incremental HTTP/1 parser (RFC 9112) over any cut of the bytes: the same bytes give the same events. Lines are
 * checked whole, so bytes of a body are only handed on after their framing was. `RequestParser` and `ResponseParser`
 * add the start line and the rules for framing.
 */
export abstract class MessageParser<Head> {
  protected readonly handler: MessageHandler<Head>;
  protected readonly limits: Http1Limits;
  readonly #decode: boolean;
  readonly #refusesTrailer: ((lowerName: string) => boolean) | undefined;
  readonly #fields: FieldBlock;
  #state: State = startLine;
  #paused = false;
  #running = false;
  #ended = false;
  /** Bytes that came while paused, in order. */
  #pending: Buffer[] = [];
  /** Start of a line whose end has not come. Copied, so that it pins no socket buffer. */
  #partial: Buffer = EMPTY;
  #trailers: HeaderPair[] = [];
  #headBytes = 0;
  #blankLines = 0;
  #remaining = 0;
  #extensionBytes = 0;
  /** Start of the checked chunked bytes in the current buffer that have not been handed on; −1 when there are none. */
  #rawFrom = -1;

  constructor(handler: MessageHandler<Head>, options: ParserOptions = {}) {
    this.handler = handler;
    this.limits = options.limits === undefined ? DEFAULT_HTTP1_LIMITS : { ...DEFAULT_HTTP1_LIMITS, ...options.limits };
    this.#decode = options.decode ?? false;
    this.#refusesTrailer = options.refusesTrailer;
    this.#fields = new FieldBlock(this.limits.maxHeaders, options.apart);
  }

  protected abstract onStartLine(line: Buffer, start: number, end: number): void;
  /** The start line is the one of the head at whose end `onHeadKept` was last called. Throws `Http1Error`. */
  protected abstract onSameStartLine(): void;
  protected abstract onHeadKept(): void;
  /** Makes the head, calls `handler.onHead`, and says what follows. Throws `Http1Error`. */
  protected abstract onHeadEnd(headers: HeaderList, apart: readonly HeaderPair[]): Next;
  /** Called when a message is over; false when nothing may follow on the connection. */
  protected abstract onMessageEnd(): boolean;
  protected abstract readonly startLineLimit: number;
  /** Whether one empty line before the start line is skipped (RFC 9112 §2.2, requests only). */
  protected abstract readonly skipsBlankLine: boolean;

  /** Also after the head of an upgrade. Bytes wait while paused: stop the source too, nothing bounds them here. */
  get paused(): boolean {
    return this.#paused || this.#state === upgraded;
  }

  /** Between messages: nothing of a next one has been read. */
  get idle(): boolean {
    return this.#state === startLine && this.#partial.length === 0 && this.#pending.length === 0;
  }

  get stopped(): boolean {
    return this.#state === stopped;
  }

  push(bytes: Uint8Array): void {
    if (this.#state === stopped || bytes.length === 0) return;
    const buffer = Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    if (this.#paused || this.#running || this.#state === upgraded) this.#keep(buffer);
    else {
      this.#run(buffer);
      // A handler may have resumed, or pushed more, while it ran.
      if (this.#pending.length > 0) this.#goOn();
    }
  }

  /** Takes effect at once, also inside a handler: no event follows until `resume`. */
  pause(): void {
    this.#paused = true;
  }

  /** Goes on with what waited; after an upgrade that was refused, with the next message. */
  resume(): void {
    this.#paused = false;
    if (this.#state === upgraded) this.#state = startLine;
    if (!this.#running) this.#goOn();
  }

  /** Ends parsing and gives back what was not read: the first bytes of the other protocol after an upgrade. */
  takeRest(): Buffer[] {
    const rest = this.#partial.length > 0 ? [this.#partial, ...this.#pending] : this.#pending;
    this.#pending = [];
    this.#partial = EMPTY;
    this.#state = stopped;
    return rest;
  }

  /** The connection ended: completes a close-delimited body; an error inside any other message. */
  end(): void {
    this.#ended = true;
    if (this.#paused || this.#running || !this.#isOpen()) return;
    if (this.#state === untilClose) {
      this.#state = stopped;
      this.handler.onComplete();
    } else if (this.#state === startLine && this.#partial.length === 0) this.#state = stopped;
    else this.#fail(new Http1Error('http1.truncated'));
  }

  #isOpen(): boolean {
    return this.#state !== stopped && this.#state !== upgraded;
  }

  #run(buffer: Buffer): void {
    this.#running = true;
    this.#fields.leaveBuffer();
    let at = 0;
    try {
      while (at < buffer.length && !this.#paused && this.#isOpen()) at = this.#step(buffer, at);
      this.#flushRaw(buffer, at);
    } catch (error) {
      if (!(error instanceof Http1Error)) {
        this.#state = stopped;
        throw error;
      }
      // A line fails before `at` moves: everything before it was checked.
      this.#flushRaw(buffer, Math.max(at, this.#rawFrom));
      this.#fail(error);
    } finally {
      this.#running = false;
    }
    if (at < buffer.length && this.#state !== stopped) this.#pending.unshift(buffer.subarray(at));
  }

  /** A piece that waits; a small one without the memory that it was read into, of which it may be the only byte in use. */
  #keep(piece: Buffer): void {
    const last = this.#pending.at(-1);
    if (piece.length >= SMALL_PIECE_BYTES) this.#pending.push(piece);
    else if (last === undefined || last.length >= SMALL_PIECE_BYTES) this.#pending.push(Buffer.from(piece));
    else this.#pending[this.#pending.length - 1] = Buffer.concat([last, piece]);
  }

  /** Takes what waited. One after the other and not each from within the last: 64 KiB may have come byte by byte. */
  #goOn(): void {
    while (this.#pending.length > 0 && !this.#paused && this.#isOpen()) {
      const next = this.#pending.shift();
      if (next !== undefined) this.#run(next);
    }
    if (this.#ended && !this.#paused) this.end();
  }

  /** Takes what it can from `at` and returns where it stopped. */
  #step(buffer: Buffer, at: number): number {
    switch (this.#state) {
      case lengthBody: {
        const end = Math.min(buffer.length, at + this.#remaining);
        this.#remaining -= end - at;
        this.handler.onBody(at === 0 && end === buffer.length ? buffer : buffer.subarray(at, end));
        if (this.#remaining === 0 && this.#state === lengthBody) this.#complete();
        return end;
      }
      case untilClose:
        this.handler.onBody(at === 0 ? buffer : buffer.subarray(at));
        return buffer.length;
      case chunkData: {
        const end = Math.min(buffer.length, at + this.#remaining);
        this.#remaining -= end - at;
        if (this.#decode) this.handler.onBody(buffer.subarray(at, end));
        else if (this.#rawFrom < 0) this.#rawFrom = at;
        if (this.#remaining === 0 && this.#state === chunkData) this.#state = chunkEnd;
        return end;
      }
      default:
        return this.#stepLine(buffer, at);
    }
  }

  #stepLine(buffer: Buffer, at: number): number {
    if (this.#state === startLine && this.#partial.length === 0) {
      const same = this.#fields.takeHead(buffer, at, this.limits.maxHeadBytes);
      if (same > 0) {
        this.onSameStartLine();
        this.#headBytes = same;
        this.#state = fields;
        return at + same;
      }
    } else if (this.#state === fields) {
      const same = this.#fields.takeSame(buffer, at, this.limits.maxHeadBytes - this.#headBytes);
      this.#headBytes += same;
      if (same > 0) return at + same;
    }
    const lf = buffer.indexOf(LF, at);
    const held = this.#partial.length;
    const lineBytes = held + (lf < 0 ? buffer.length - at + 1 : lf + 1 - at);
    if (lineBytes > this.#lineLimit()) throw this.#lineTooLong();
    if (lf < 0) {
      this.#flushRaw(buffer, at);
      this.#partial = Buffer.concat([this.#partial, buffer.subarray(at)]);
      return buffer.length;
    }
    let line = buffer;
    let start = at;
    let end = lf - 1;
    if (held > 0) {
      line = Buffer.concat([this.#partial, buffer.subarray(at, lf + 1)]);
      start = 0;
      end = line.length - 2;
    }
    if (end < start || line[end] !== CR)
      throw new Http1Error(this.#state === chunkEnd ? 'http1.bad-chunk-end' : 'http1.bare-lf');
    this.#takeLine(line, start, end, buffer, at, lf + 1);
    return lf + 1;
  }

  #takeLine(line: Buffer, start: number, end: number, buffer: Buffer, from: number, to: number): void {
    const held = this.#partial;
    this.#partial = EMPTY;
    switch (this.#state) {
      case startLine:
        if (end === start && this.skipsBlankLine && this.#blankLines === 0) {
          this.#blankLines = 1;
          return;
        }
        this.onStartLine(line, start, end);
        this.#headBytes = end - start + 2;
        this.#state = fields;
        this.#fields.begin(held.length === 0 ? from : -1, to);
        return;
      case fields:
        if (end === start) {
          this.#headEnd(buffer);
          return;
        }
        this.#fields.take(parseFieldLine(line, start, end), from, to);
        this.#headBytes += end - start + 2;
        return;
      default: {
        const last = this.#takeChunkedLine(line, start, end);
        if (!this.#decode) {
          if (held.length > 0) this.handler.onBody(held);
          if (this.#rawFrom < 0) this.#rawFrom = from;
          if (last) this.#flushRaw(buffer, to);
        }
        if (last && this.#trailers.length > 0) this.handler.onTrailers?.(new HeaderList(this.#trailers));
        if (last && this.#state === trailers) this.#complete();
      }
    }
  }

  /** True when the line was the last of the message. */
  #takeChunkedLine(line: Buffer, start: number, end: number): boolean {
    if (this.#state === chunkSize) {
      const chunk = parseChunkLine(line, start, end);
      this.#extensionBytes += chunk.extensionBytes;
      if (this.#extensionBytes > this.limits.maxExtensionBytes) throw new Http1Error('http1.bad-chunk-extension');
      this.#remaining = chunk.size;
      this.#state = chunk.size === 0 ? trailers : chunkData;
    } else if (this.#state === chunkEnd) {
      if (end !== start) throw new Http1Error('http1.bad-chunk-end');
      this.#state = chunkSize;
    } else if (end === start) {
      return true;
    } else {
      if (this.#trailers.length >= this.limits.maxHeaders) throw new Http1Error('http1.trailers-too-large');
      const pair = parseFieldLine(line, start, end);
      const lower = lowerName(pair[0]);
      if (NOT_IN_TRAILERS.has(lower) || this.#refusesTrailer?.(lower) === true)
        throw new Http1Error('http1.bad-trailer', pair[0].slice(0, 64));
      this.#trailers.push(pair);
      this.#headBytes += end - start + 2;
    }
    return false;
  }

  #headEnd(buffer: Buffer): void {
    const { headers, apart, kept } = this.#fields.end(buffer);
    if (kept) this.onHeadKept();
    this.#headBytes = 0;
    const next = this.onHeadEnd(headers, apart);
    if (this.#state !== fields) return;
    switch (next.kind) {
      case 'length':
        this.#remaining = next.length ?? 0;
        if (this.#remaining === 0) this.#complete();
        else this.#state = lengthBody;
        return;
      case 'chunked':
        this.#extensionBytes = 0;
        this.#state = chunkSize;
        return;
      case 'until-close':
        this.#state = untilClose;
        return;
      case 'head':
        this.#state = startLine;
        return;
      case 'upgrade':
        this.onMessageEnd();
        this.#state = upgraded;
        this.#reset();
        this.handler.onComplete();
        return;
      default:
        this.#complete();
    }
  }

  #complete(): void {
    this.#state = this.onMessageEnd() ? startLine : stopped;
    this.#reset();
    this.handler.onComplete();
  }

  #reset(): void {
    if (this.#trailers.length > 0) this.#trailers = [];
    this.#headBytes = 0;
    this.#blankLines = 0;
    this.#rawFrom = -1;
  }

  #flushRaw(buffer: Buffer, to: number): void {
    const from = this.#rawFrom;
    this.#rawFrom = -1;
    if (from >= 0 && to > from) this.handler.onBody(buffer.subarray(from, to));
  }

  #lineLimit(): number {
    switch (this.#state) {
      case startLine:
        return this.startLineLimit;
      case fields:
        return this.limits.maxHeadBytes - this.#headBytes;
      case chunkEnd:
        return 2;
      case trailers:
        return this.limits.maxTrailerBytes - this.#headBytes;
      default:
        return this.limits.maxChunkLineBytes;
    }
  }

  #lineTooLong(): Http1Error {
    const codes: Partial<Record<State, Http1ErrorCode>> = {
      [startLine]: this.skipsBlankLine ? 'http1.target-too-long' : 'http1.head-too-large',
      [fields]: 'http1.head-too-large',
      [chunkEnd]: 'http1.bad-chunk-end',
      [trailers]: 'http1.trailers-too-large',
    };
    return new Http1Error(codes[this.#state] ?? 'http1.bad-chunk-extension');
  }

  #fail(error: Http1Error): void {
    this.#state = stopped;
    this.#pending = [];
    this.#partial = EMPTY;
    this.handler.onError(error);
  }
}
