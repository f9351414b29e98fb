import { Duplex } from 'node:stream';
import type WebSocket from 'ws';
import type { ByteChannel, ChannelReceiver } from '../types.ts';

/** Chunks up to this total are put into one message; a large one goes as a message of its own, without a copy. */
const CONCAT_BYTES = 16 * 1024;
const CLOSE_NORMAL = 1000;
const CLOSE_GOING_AWAY = 1001;
const CLOSE_NO_STATUS = 1005;
const CLOSE_UNSUPPORTED = 1003;

/**
 * An open WebSocket of the `ws` package as carrier: the peer that the framing of our own is tested and measured against.
 * Whoever makes the socket turns `perMessageDeflate` off and sets `maxPayload`.
 */
export class WsChannel implements ByteChannel {
  private readonly socket: WebSocket;
  /** The socket under the WebSocket, where `ws` lets it be seen: several messages then leave in one write. */
  private readonly transport: Duplex | undefined;
  private receiver: ChannelReceiver | undefined;
  private early: Uint8Array[] = [];
  private error: Error | undefined;
  private closed = false;
  private closeReason: Error | undefined;

  constructor(socket: WebSocket) {
    if (socket.readyState !== socket.OPEN) throw new Error('the WebSocket is not open');
    this.socket = socket;
    const transport: unknown = Reflect.get(socket, '_socket');
    this.transport = transport instanceof Duplex ? transport : undefined;
    socket.binaryType = 'nodebuffer';
    socket.on('message', (data, isBinary) => this.onMessage(data, isBinary));
    socket.on('error', (error) => (this.error ??= error));
    socket.once('close', (code, text) => this.onClose(code, text));
    // Nothing reads yet: what comes stays in the kernel, but for the messages of a chunk that was read already.
    socket.pause();
  }

  get queuedBytes(): number {
    return this.socket.bufferedAmount;
  }

  send(chunks: readonly Uint8Array[], sent: () => void): void {
    const socket = this.socket;
    if (socket.readyState !== socket.OPEN) return;
    const messages = joinSmall(chunks);
    const last = messages.length - 1;
    // A failed send is followed by 'close', which says why.
    if (last > 0) this.transport?.cork();
    messages.forEach((message, index) => socket.send(message, BINARY, index === last ? () => sent() : undefined));
    if (last > 0) this.transport?.uncork();
  }

  attach(receiver: ChannelReceiver): void {
    this.receiver = receiver;
    const early = this.early;
    this.early = [];
    for (const bytes of early) receiver.onBytes(bytes);
    if (this.closed) receiver.onClosed(this.closeReason);
    else this.socket.resume();
  }

  close(): void {
    this.socket.close(CLOSE_NORMAL);
  }

  destroy(reason?: Error): void {
    this.error ??= reason;
    this.socket.terminate();
  }

  private onMessage(data: WebSocket.RawData, isBinary: boolean): void {
    if (!isBinary || !(data instanceof Uint8Array)) {
      this.error ??= new Error('the peer sent a text message');
      this.socket.close(CLOSE_UNSUPPORTED, 'binary messages only');
      return;
    }
    if (this.receiver) this.receiver.onBytes(data);
    else this.early.push(data);
  }

  private onClose(code: number, text: Buffer): void {
    const inOrder = code === CLOSE_NORMAL || code === CLOSE_GOING_AWAY || code === CLOSE_NO_STATUS;
    this.closed = true;
    this.closeReason =
      this.error ?? (inOrder ? undefined : new Error(`WebSocket closed with ${code} ${text.toString()}`));
    this.receiver?.onClosed(this.closeReason);
  }
}

const BINARY = { binary: true, compress: false, fin: true };

/** Neighbouring small chunks become one message. */
function joinSmall(chunks: readonly Uint8Array[]): Uint8Array[] {
  const messages: Uint8Array[] = [];
  let small: Uint8Array[] = [];
  let smallBytes = 0;
  const flush = (): void => {
    const [first] = small;
    if (first !== undefined) messages.push(small.length === 1 ? first : Buffer.concat(small, smallBytes));
    small = [];
    smallBytes = 0;
  };
  for (const chunk of chunks) {
    if (smallBytes + chunk.length > CONCAT_BYTES) flush();
    small.push(chunk);
    smallBytes += chunk.length;
  }
  flush();
  return messages;
}
