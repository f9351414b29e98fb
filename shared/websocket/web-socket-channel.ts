import { Socket } from 'node:net';
import { buffersCame } from '../process/buffer-pressure.ts';
import { adoptOwnReads } from '../sockets/adopt-reads.ts';
import type { Duplex } from 'node:stream';
import { type Clock, systemClock } from '../yamux/clock.ts';
import type { ByteChannel, ChannelReceiver } from '../yamux/types.ts';
import { CLOSE_GOING_AWAY, CLOSE_NO_STATUS, CLOSE_NORMAL, closePayload } from './close-code.ts';
import { ControlBudget } from './control-budget.ts';
import { WebSocketError } from './errors.ts';
import { OPCODE_BINARY, OPCODE_CLOSE, OPCODE_PONG, type WebSocketRole } from './frame.ts';
import { FrameParser } from './frame-parser.ts';
import { FrameWriter } from './frame-writer.ts';

/** While the socket holds more than this, only the newest ping waits for its answer (RFC 6455 §5.5.3 allows that). */
const PONG_HIGH_WATER_BYTES = 16 * 1024;
const DEFAULT_MAX_MESSAGE_BYTES = 4 * 1024 * 1024;
const DEFAULT_CLOSE_TIMEOUT_MS = 5_000;

export interface WebSocketChannelOptions {
  readonly role: WebSocketRole;
  /** Bytes that came with the handshake. They become the channel's, which changes them. */
  readonly head?: Uint8Array;
  readonly maxMessageBytes?: number;
  /** How long the peer may take to answer a close frame, and to end its side after it. */
  readonly closeTimeoutMs?: number;
  readonly clock?: Clock;
  /** For a peer that wants whole messages: told of their borders, and given text messages too, unchecked. */
  readonly messages?: { onStart(opcode: number): void; onEnd(): void };
}

/**
 * open · closing: our close frame is sent, the peer's is awaited · ending: nothing is sent or parsed any more, what was
 * sent may leave · over.
 */
type State = 'open' | 'closing' | 'ending' | 'over';

/**
 * A socket on which the WebSocket handshake is done, as carrier: binary messages, whose borders mean nothing. It answers
 * pings and sends none: the session that it carries watches for silence.
 */
export class RawWebSocketChannel implements ByteChannel {
  private readonly socket: Duplex;
  private readonly parser: FrameParser;
  private readonly writer: FrameWriter;
  private readonly budget: ControlBudget;
  private readonly clock: Clock;
  private readonly closeTimeoutMs: number;
  private receiver: ChannelReceiver | undefined;
  private state: State = 'open';
  private error: Error | undefined;
  private closedInOrder = false;
  private pendingPong: Uint8Array | undefined;
  private cancelClose: (() => void) | undefined;

  constructor(socket: Duplex, options: WebSocketChannelOptions) {
    this.socket = socket;
    this.clock = options.clock ?? systemClock;
    this.closeTimeoutMs = options.closeTimeoutMs ?? DEFAULT_CLOSE_TIMEOUT_MS;
    this.writer = new FrameWriter(options.role);
    this.budget = new ControlBudget(this.clock);
    this.parser = new FrameParser(
      {
        onData: (bytes) => {
          this.budget.moved(bytes.length);
          this.receiver?.onBytes(bytes);
        },
        onEmpty: () => this.charge(),
        onMessageStart: (opcode) => options.messages?.onStart(opcode),
        onMessageEnd: () => options.messages?.onEnd(),
        onPing: (payload) => {
          if (this.charge()) this.pong(payload);
        },
        onPong: () => this.charge(),
        onClose: (code, reason) => this.onCloseFrame(code, reason),
        onError: (error) => this.fail(error),
      },
      {
        role: options.role,
        maxMessageBytes: options.maxMessageBytes ?? DEFAULT_MAX_MESSAGE_BYTES,
        text: options.messages === undefined ? 'refuse' : 'pass',
      },
    );
    if (socket instanceof Socket) {
      socket.setTimeout(0);
      socket.setNoDelay(true);
    }
    // Nothing reads yet: what comes stays in the kernel, and what came already goes back, to be read first.
    socket.pause();
    if (options.head !== undefined && options.head.length > 0) socket.unshift(options.head);
    socket.on('error', (error: Error) => (this.error ??= error));
    socket.once('close', () => this.onClosed());
  }

  get queuedBytes(): number {
    return this.socket.writableLength;
  }

  /** All chunks become one message. */
  send(chunks: readonly Uint8Array[], sent: () => void, opcode = OPCODE_BINARY): void {
    if (this.state !== 'open' || this.socket.destroyed) return;
    const { chunks: framed, blocks } = this.writer.message(chunks, opcode);
    this.write(framed, () => {
      this.writer.giveBack(blocks);
      sent();
    });
  }

  attach(receiver: ChannelReceiver): void {
    this.receiver = receiver;
    if (this.state === 'over') {
      receiver.onClosed(this.closeReason());
      return;
    }
    // The peer's end is the end: a server's socket may be half open, but half a WebSocket is of no use.
    this.socket.once('end', () => this.socket.destroy());
    const onBytes = (bytes: Buffer): void => this.parser.push(bytes);
    // What came already.
    for (let bytes: unknown = this.socket.read(); bytes !== null; bytes = this.socket.read()) {
      if (Buffer.isBuffer(bytes)) onBytes(bytes);
    }
    if (this.socket instanceof Socket && adoptOwnReads(this.socket, onBytes)) return;
    this.socket.on('data', (bytes: Buffer) => {
      buffersCame(bytes.length);
      onBytes(bytes);
    });
    this.socket.resume();
  }

  close(): void {
    if (this.state !== 'open') return;
    this.state = 'closing';
    this.closeFrame(CLOSE_NORMAL);
    this.armCloseTimeout();
  }

  destroy(reason?: Error): void {
    this.error ??= reason;
    this.parser.stop();
    this.socket.destroy();
  }

  private write(chunks: readonly Uint8Array[], written?: () => void): void {
    const { socket } = this;
    const last = chunks.length - 1;
    if (last > 0) socket.cork();
    for (let index = 0; index < last; index++) socket.write(chunks[index]);
    // A write that failed is followed by 'close', which says why.
    socket.write(chunks[last], (error) => {
      if (error) return;
      written?.();
      // Not at 'drain', which comes only after a write that was more than the socket likes to hold.
      this.sendPendingPong();
    });
    if (last > 0) socket.uncork();
  }

  private closeFrame(code: number): void {
    if (!this.socket.writableEnded) this.write([this.writer.control(OPCODE_CLOSE, closePayload(code))]);
  }

  private onCloseFrame(code: number, reason: string): void {
    if (code === CLOSE_NORMAL || code === CLOSE_GOING_AWAY || code === CLOSE_NO_STATUS) this.closedInOrder = true;
    else this.error ??= new WebSocketError('websocket-closed-by-peer', `${code} ${reason}`.trimEnd());
    if (this.state === 'open') this.closeFrame(code);
    this.endSocket();
  }

  /** The peer broke the protocol: it is told with a close frame, and nothing of it is read any more. */
  private fail(error: WebSocketError): void {
    if (this.state === 'ending' || this.state === 'over') return;
    this.error ??= error;
    this.parser.stop();
    if (this.state === 'open') this.closeFrame(error.closeCode);
    this.endSocket();
  }

  /** Both sides end after the close frames; what still comes is read and dropped, so that ours is not lost to a reset. */
  private endSocket(): void {
    this.state = 'ending';
    this.socket.end();
    this.armCloseTimeout();
  }

  private armCloseTimeout(): void {
    this.cancelClose ??= this.clock.after(this.closeTimeoutMs, () => this.socket.destroy());
  }

  private charge(): boolean {
    if (this.budget.take()) return true;
    this.fail(new WebSocketError('websocket-flood'));
    return false;
  }

  private pong(payload: Uint8Array): void {
    if (this.state !== 'open') return;
    this.pendingPong = payload;
    this.sendPendingPong();
  }

  private sendPendingPong(): void {
    const payload = this.pendingPong;
    if (payload === undefined || this.state !== 'open' || this.socket.writableLength > PONG_HIGH_WATER_BYTES) return;
    this.pendingPong = undefined;
    this.write([this.writer.control(OPCODE_PONG, payload)]);
  }

  private closeReason(): Error | undefined {
    return this.error ?? (this.closedInOrder ? undefined : new WebSocketError('websocket-cut'));
  }

  private onClosed(): void {
    this.state = 'over';
    this.parser.stop();
    this.cancelClose?.();
    this.socket.removeAllListeners('data');
    this.receiver?.onClosed(this.closeReason());
  }
}
