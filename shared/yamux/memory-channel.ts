import { setImmediate } from 'node:timers';
import type { ByteChannel, ChannelReceiver } from './types.ts';

export interface MemoryChannelOptions {
  /** How the bytes of one `send` reach the other side; default: chunk by chunk as sent. */
  cut?(bytes: Uint8Array): Iterable<Uint8Array>;
}

/** So that two busy halves do not starve the rest of the process. */
const PARCELS_A_TURN = 64;

/** Two channels that are each other's peer, in one process. Bytes arrive in a later turn of the event loop. */
export function memoryChannelPair(options: MemoryChannelOptions = {}): [MemoryChannel, MemoryChannel] {
  const left = new MemoryChannel(options);
  const right = new MemoryChannel(options);
  left.join(right);
  right.join(left);
  return [left, right];
}

interface Parcel {
  readonly chunks: readonly Uint8Array[];
  readonly bytes: number;
  sent(): void;
}

/** One half of an in-memory pair. */
export class MemoryChannel implements ByteChannel {
  queuedBytes = 0;
  private readonly options: MemoryChannelOptions;
  private peer: MemoryChannel | undefined;
  private receiver: ChannelReceiver | undefined;
  private parcels: Parcel[] = [];
  private head = 0;
  private delivering = false;
  private held = false;
  private ending = false;
  private closed = false;
  private closeReason: Error | undefined;

  constructor(options: MemoryChannelOptions) {
    this.options = options;
  }

  /** Names the other half; done by `memoryChannelPair`. */
  join(peer: MemoryChannel): void {
    this.peer = peer;
  }

  send(chunks: readonly Uint8Array[], sent: () => void): void {
    if (this.closed || this.ending) return;
    let bytes = 0;
    for (const chunk of chunks) bytes += chunk.length;
    this.queuedBytes += bytes;
    this.parcels.push({ chunks, bytes, sent });
    this.schedule();
  }

  attach(receiver: ChannelReceiver): void {
    this.receiver = receiver;
    if (this.closed) receiver.onClosed(this.closeReason);
    else this.peer?.schedule();
  }

  close(): void {
    this.ending = true;
    this.schedule();
  }

  destroy(reason?: Error): void {
    this.shut(reason);
    this.peer?.shut(new Error('the other side of the in-memory channel was destroyed'));
  }

  /** While held, what this side sends stays queued: a link that stalls without an end. */
  hold(held: boolean): void {
    this.held = held;
    if (!held) this.schedule();
  }

  private schedule(): void {
    if (this.delivering || this.held || this.closed || this.peer?.receiver === undefined) return;
    if (this.head === this.parcels.length && !this.ending) return;
    this.delivering = true;
    setImmediate(() => this.deliver());
  }

  private deliver(): void {
    this.delivering = false;
    for (let count = 0; count < PARCELS_A_TURN && !this.held && !this.closed; count++) {
      const parcel = this.parcels[this.head];
      if (parcel === undefined) break;
      this.head++;
      this.queuedBytes -= parcel.bytes;
      for (const chunk of parcel.chunks) {
        for (const piece of this.options.cut?.(chunk) ?? [chunk]) this.peer?.receive(piece);
      }
      parcel.sent();
    }
    if (this.head === this.parcels.length || this.head > 1024) {
      this.parcels = this.parcels.slice(this.head);
      this.head = 0;
    }
    if (this.ending && this.parcels.length === 0 && !this.held && !this.closed) {
      this.shut(undefined);
      this.peer?.shut(undefined);
    }
    this.schedule();
  }

  private receive(bytes: Uint8Array): void {
    if (!this.closed) this.receiver?.onBytes(bytes);
  }

  private shut(reason: Error | undefined): void {
    if (this.closed) return;
    this.closed = true;
    this.closeReason = reason;
    this.parcels = [];
    this.head = 0;
    this.queuedBytes = 0;
    setImmediate(() => this.receiver?.onClosed(reason));
  }
}
