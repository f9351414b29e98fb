import { readClosePayload } from './close-code.ts';
import { WebSocketError, type WebSocketErrorCode } from './errors.ts';
import {
  FIN,
  MASK_BYTES,
  MASKED,
  MAX_CONTROL_BYTES,
  MAX_HEADER_BYTES,
  OPCODE_BINARY,
  OPCODE_CLOSE,
  OPCODE_CONTINUATION,
  OPCODE_PING,
  OPCODE_PONG,
  OPCODE_TEXT,
  RESERVED_BITS,
  type WebSocketRole,
} from './frame.ts';
import { rotateKey, unmask } from './mask.ts';

/** What the parser found, in order. Any of these may call `stop`. */
export interface FrameSink {
  /** A part of a message, unmasked, as it lay in the bytes that were pushed. The borders mean nothing. */
  onData(bytes: Uint8Array): void;
  /** A data frame without payload. */
  onEmpty(): void;
  onPing(payload: Uint8Array): void;
  onPong(payload: Uint8Array): void;
  /** The peer's close frame; nothing follows. `code` is 1005 when it has none. */
  onClose(code: number, reason: string): void;
  /** The peer broke the protocol; nothing follows. */
  onError(error: WebSocketError): void;
  /** For those who want messages: a first frame was read, or a last one to its end. */
  onMessageStart?(opcode: number): void;
  onMessageEnd?(): void;
}

export interface FrameParserOptions {
  /** The side that parses: a server demands masks, a client refuses them. */
  readonly role: WebSocketRole;
  /** A message may not be longer than this, all its frames together. */
  readonly maxMessageBytes: number;
  /** Text messages are refused (1003), or their bytes are passed on unchecked. */
  readonly text?: 'refuse' | 'pass';
}

/**
 * Cuts bytes into frames (RFC 6455 §5) at any chunking, without putting messages together: payload is unmasked where it
 * lies and passed on as it comes, so that neither a length nor a fragment that a peer claims makes anything grow. The
 * bytes that are pushed become the parser's: it changes them.
 */
export class FrameParser {
  private readonly sink: FrameSink;
  private readonly isServer: boolean;
  private readonly maxMessageBytes: number;
  private readonly passText: boolean;
  private readonly header = new Uint8Array(MAX_HEADER_BYTES);
  private headerBytes = 0;
  private readonly key = new Uint8Array(MASK_BYTES);
  private opcode = OPCODE_CONTINUATION;
  private isLast = true;
  private length = 0;
  private payloadLeft = 0;
  private inMessage = false;
  private messageBytes = 0;
  private control = new Uint8Array(0);
  private stopped = false;

  constructor(sink: FrameSink, options: FrameParserOptions) {
    this.sink = sink;
    this.isServer = options.role === 'server';
    this.maxMessageBytes = options.maxMessageBytes;
    this.passText = options.text === 'pass';
  }

  /** Takes no more bytes. */
  stop(): void {
    this.stopped = true;
  }

  push(bytes: Uint8Array): void {
    const end = bytes.length;
    let at = 0;
    while (at < end && !this.stopped) {
      if (this.payloadLeft > 0) {
        const take = Math.min(this.payloadLeft, end - at);
        this.payload(take === end ? bytes : bytes.subarray(at, at + take));
        at += take;
      } else {
        at = this.readHeader(bytes, at, end);
      }
    }
  }

  /** Gathers the header, which may come in any pieces, and judges each part as soon as it is there. */
  private readHeader(bytes: Uint8Array, from: number, end: number): number {
    const { header } = this;
    let at = from;
    while (at < end) {
      header[this.headerBytes++] = bytes[at++] ?? 0;
      if (this.headerBytes < 2) continue;
      if (this.headerBytes === 2 && !this.checkStart(header[0] ?? 0, header[1] ?? 0)) break;
      const second = header[1] ?? 0;
      const short = second & 0x7f;
      const lengthEnd = short === 127 ? 10 : short === 126 ? 4 : 2;
      if (this.headerBytes < lengthEnd) continue;
      if (this.headerBytes === lengthEnd && !this.checkLength(short)) break;
      const total = lengthEnd + (this.isServer ? MASK_BYTES : 0);
      if (this.headerBytes < total) continue;
      for (let index = 0; index < total - lengthEnd; index++) this.key[index] = header[lengthEnd + index] ?? 0;
      this.headerBytes = 0;
      this.headerDone();
      break;
    }
    return at;
  }

  private checkStart(first: number, second: number): boolean {
    const opcode = first & 0x0f;
    const isLast = (first & FIN) !== 0;
    if ((first & RESERVED_BITS) !== 0) return this.fail('websocket-reserved-bits');
    if (opcode >= OPCODE_CLOSE) {
      if (opcode > OPCODE_PONG) return this.fail('websocket-bad-opcode', `${opcode}`);
      if (!isLast || (second & 0x7f) > MAX_CONTROL_BYTES) return this.fail('websocket-bad-control');
      if (opcode === OPCODE_CLOSE && (second & 0x7f) === 1) return this.fail('websocket-bad-close', 'one byte');
    } else {
      if (opcode > OPCODE_BINARY) return this.fail('websocket-bad-opcode', `${opcode}`);
      if ((opcode === OPCODE_CONTINUATION) !== this.inMessage) return this.fail('websocket-bad-order');
    }
    const isMasked = (second & MASKED) !== 0;
    if (isMasked !== this.isServer) return this.fail(this.isServer ? 'websocket-not-masked' : 'websocket-masked');
    if (opcode === OPCODE_TEXT && !this.passText) return this.fail('websocket-not-binary');
    this.opcode = opcode;
    this.isLast = isLast;
    return true;
  }

  private checkLength(short: number): boolean {
    const { header } = this;
    let length = short;
    if (short === 126) {
      length = ((header[2] ?? 0) << 8) | (header[3] ?? 0);
      if (length < 126) return this.fail('websocket-bad-length', `${length} in two bytes`);
    } else if (short === 127) {
      if (((header[2] ?? 0) & 0x80) !== 0) return this.fail('websocket-bad-length', '2^63 or more');
      length = 0;
      for (let index = 2; index < 10; index++) length = length * 256 + (header[index] ?? 0);
      if (length <= 0xffff) return this.fail('websocket-bad-length', `${length} in eight bytes`);
    }
    if (this.opcode < OPCODE_CLOSE) {
      const before = this.opcode === OPCODE_CONTINUATION ? this.messageBytes : 0;
      this.messageBytes = before + length;
      if (this.messageBytes > this.maxMessageBytes)
        return this.fail('websocket-too-large', `${this.messageBytes} bytes of at most ${this.maxMessageBytes}`);
    }
    this.length = length;
    return true;
  }

  private headerDone(): void {
    this.payloadLeft = this.length;
    if (this.opcode < OPCODE_CLOSE) {
      this.inMessage = true;
      if (this.opcode !== OPCODE_CONTINUATION) this.sink.onMessageStart?.(this.opcode);
      if (this.payloadLeft > 0 || this.stopped) return;
      this.sink.onEmpty();
      this.dataFrameDone();
    } else if (this.payloadLeft === 0) this.controlDone(new Uint8Array(0));
  }

  private payload(bytes: Uint8Array): void {
    this.payloadLeft -= bytes.length;
    const isData = this.opcode < OPCODE_CLOSE;
    if (this.isServer) {
      unmask(bytes, this.key);
      if (this.payloadLeft > 0) rotateKey(this.key, bytes.length);
    }
    if (isData) {
      this.sink.onData(bytes);
      if (this.payloadLeft === 0) this.dataFrameDone();
      return;
    }
    // Copied: it is kept until it is answered, and must not hold the buffer that it came in.
    this.control = Buffer.concat([this.control, bytes]);
    if (this.payloadLeft > 0) return;
    const whole = this.control;
    this.control = new Uint8Array(0);
    this.controlDone(whole);
  }

  private dataFrameDone(): void {
    if (this.stopped || !this.isLast) return;
    this.inMessage = false;
    this.sink.onMessageEnd?.();
  }

  private controlDone(payload: Uint8Array): void {
    if (this.opcode === OPCODE_PING) this.sink.onPing(payload);
    else if (this.opcode === OPCODE_PONG) this.sink.onPong(payload);
    else {
      this.stopped = true;
      const close = readClosePayload(payload);
      if (close instanceof WebSocketError) this.sink.onError(close);
      else this.sink.onClose(close.code, close.reason);
    }
  }

  private fail(code: WebSocketErrorCode, detail?: string): false {
    this.stopped = true;
    this.sink.onError(new WebSocketError(code, detail));
    return false;
  }
}
