import {
  FLAG_ACK,
  FLAG_SYN,
  headerBytes,
  INITIAL_WINDOW_BYTES,
  TYPE_DATA,
  TYPE_PING,
  TYPE_WINDOW_UPDATE,
} from '../frame.ts';
import { FrameParser } from '../frame-parser.ts';
import type { ByteChannel } from '../types.ts';

const PIECE = new Uint8Array(64 * 1024);
/** As `MaxStreamWindowSize` of hashicorp/yamux may be set. */
const WINDOW_BYTES = 16 * 1024 * 1024;

/**
 * A peer as hashicorp/yamux is one: it sends all that the windows allow, and its answer to a ping leaves behind what was
 * handed to the operating system before. It asks nothing of its own accord. Streams of the session are taken as bulk.
 */
export class UnboundedPeer {
  /** Data that left, for the session or for the queue before it. */
  sentBytes = 0;
  private readonly channel: ByteChannel;
  /** What each of its streams may still send. */
  private readonly windows = new Map<number, number>();
  /** Taken of each stream, and not told yet. */
  private readonly untold = new Map<number, number>();
  private nextId = 2;
  private isSending = false;

  constructor(channel: ByteChannel) {
    this.channel = channel;
    let current = 0;
    const parser = new FrameParser({
      onHeader: (_version, type, flags, id, length) => {
        current = id;
        if (type === TYPE_PING && flags === FLAG_SYN) this.send(headerBytes(TYPE_PING, FLAG_ACK, 0, length));
        if (type === TYPE_WINDOW_UPDATE) this.onCredit(id, flags, length);
        return true;
      },
      onBody: (bytes) => {
        this.take(current, bytes.length);
        return true;
      },
      onFrameEnd: () => true,
    });
    channel.attach({ onBytes: (bytes) => parser.push(bytes), onClosed: () => {} });
  }

  /** Bulk to the session, on a new stream, until `stopBulk`. */
  startBulk(): void {
    this.isSending = true;
    const id = this.nextId;
    this.nextId += 2;
    this.send(headerBytes(TYPE_WINDOW_UPDATE, FLAG_SYN, id, 0));
    this.windows.set(id, INITIAL_WINDOW_BYTES);
    this.pump(id);
  }

  stopBulk(): void {
    this.isSending = false;
  }

  private onCredit(id: number, flags: number, bytes: number): void {
    const window = this.windows.get(id);
    if (window === undefined) {
      if (flags === FLAG_SYN) this.send(headerBytes(TYPE_WINDOW_UPDATE, FLAG_ACK, id, WINDOW_BYTES));
      return;
    }
    this.windows.set(id, window + bytes);
    this.pump(id);
  }

  private pump(id: number): void {
    for (let window = this.windows.get(id) ?? 0; this.isSending && window > 0;) {
      const bytes = Math.min(window, PIECE.length);
      window -= bytes;
      this.windows.set(id, window);
      this.sentBytes += bytes;
      this.send(headerBytes(TYPE_DATA, 0, id, bytes), PIECE.subarray(0, bytes));
    }
  }

  private take(id: number, bytes: number): void {
    const untold = (this.untold.get(id) ?? 0) + bytes;
    const isWorthTelling = untold >= WINDOW_BYTES / 2;
    this.untold.set(id, isWorthTelling ? 0 : untold);
    if (isWorthTelling) this.send(headerBytes(TYPE_WINDOW_UPDATE, 0, id, untold));
  }

  private send(...bytes: readonly Uint8Array[]): void {
    this.channel.send(bytes, () => {});
  }
}
