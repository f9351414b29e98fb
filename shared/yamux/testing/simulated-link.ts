import type { ByteChannel, ChannelReceiver } from '../types.ts';
import type { ManualClock } from './manual-clock.ts';

export interface SimulatedPath {
  /** Bytes per millisecond that the narrowest part carries; 1250 is 10 Mbit/s. */
  readonly rate: number;
  /** One way. */
  readonly delayMs: number;
  /** What the operating system takes before `send` has to wait; it lies in front of the narrowest part. */
  readonly kernelBytes: number;
  /** 1,448 of a network without offloading; more where nothing depends on it, which is faster. */
  readonly segmentBytes: number;
  /** The segments that are lost, by their number; each holds up all that follows for a round trip, as TCP does. */
  isLost?(segment: number): boolean;
  /** When the process at the far end runs next, for bytes that are there at this time; at once without it. */
  runsAt?(now: number): number;
}

interface Parcel {
  readonly pieces: readonly Uint8Array[];
  bytes: number;
  sent(): void;
}

/**
 * A reliable connection with bandwidth, delay and a queue, on a clock of the test's: nothing depends on the machine.
 * Returns both ends.
 */
export function simulatedLink(clock: ManualClock, path: SimulatedPath): [LinkEnd, LinkEnd] {
  const left = new LinkEnd(clock, path);
  const right = new LinkEnd(clock, path);
  left.peer = right;
  right.peer = left;
  return [left, right];
}

export class LinkEnd implements ByteChannel {
  queuedBytes = 0;
  peer: LinkEnd | undefined;
  path: SimulatedPath;
  private readonly clock: ManualClock;
  private receiver: ChannelReceiver | undefined;
  private parcels: Parcel[] = [];
  /** In order; as many timers as segments, each of which delivers the next one. */
  private onTheWay: Uint8Array[] = [];
  private kernelBytes = 0;
  private freeAt = 0;
  private arrivesAt = 0;
  private segments = 0;
  private isClosed = false;

  constructor(clock: ManualClock, path: SimulatedPath) {
    this.clock = clock;
    this.path = path;
  }

  send(chunks: readonly Uint8Array[], sent: () => void): void {
    if (this.isClosed) return;
    let bytes = 0;
    for (const chunk of chunks) bytes += chunk.length;
    this.queuedBytes += bytes;
    this.parcels.push({ pieces: chunks, bytes, sent });
    this.fill();
  }

  attach(receiver: ChannelReceiver): void {
    this.receiver = receiver;
  }

  close(): void {
    this.destroy();
  }

  destroy(reason?: Error): void {
    for (const end of [this, this.peer]) {
      if (end === undefined || end.isClosed) continue;
      end.isClosed = true;
      end.receiver?.onClosed(reason);
    }
  }

  /** Hands to the operating system what it has room for. */
  private fill(): void {
    while (this.parcels.length > 0 && this.kernelBytes < this.path.kernelBytes) {
      const parcel = this.parcels.shift();
      if (parcel === undefined) return;
      this.queuedBytes -= parcel.bytes;
      this.kernelBytes += parcel.bytes;
      for (const piece of parcel.pieces) {
        const size = this.path.segmentBytes;
        for (let at = 0; at < piece.length; at += size) this.carry(piece.subarray(at, at + size));
      }
      this.clock.after(0, parcel.sent);
    }
  }

  private carry(segment: Uint8Array): void {
    const { clock, path } = this;
    this.freeAt = Math.max(this.freeAt, clock.now()) + segment.length / path.rate;
    const resentMs = path.isLost?.(this.segments++) === true ? 2 * path.delayMs : 0;
    const thereAt = this.freeAt + path.delayMs + resentMs;
    this.arrivesAt = Math.max(this.arrivesAt, path.runsAt?.(thereAt) ?? thereAt);
    clock.after(this.freeAt - clock.now(), () => {
      this.kernelBytes -= segment.length;
      this.fill();
    });
    this.onTheWay.push(segment);
    clock.after(this.arrivesAt - clock.now(), () => this.arrive());
  }

  private arrive(): void {
    const segment = this.onTheWay.shift();
    if (segment === undefined) return;
    const { peer } = this;
    if (peer !== undefined && !peer.isClosed) peer.receiver?.onBytes(segment);
  }
}
