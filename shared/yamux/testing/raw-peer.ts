import { headerBytes, readUint32 } from '../frame.ts';
import { memoryChannelPair, type MemoryChannel } from '../memory-channel.ts';
import { Session, type SessionOptions } from '../session.ts';

export interface RawFrame {
  readonly type: number;
  readonly flags: number;
  readonly id: number;
  readonly length: number;
}

/** The far side of a session as bare frames, for saying what no decent peer says. */
export class RawPeer {
  readonly session: Session;
  readonly channel: MemoryChannel;
  readonly frames: RawFrame[] = [];
  isClosed = false;
  private readonly near: MemoryChannel;
  private left = Buffer.alloc(0);
  private waiters: { found: () => boolean; resolve: () => void }[] = [];

  constructor(options: SessionOptions) {
    const [near, far] = memoryChannelPair();
    this.near = near;
    this.channel = far;
    far.attach({
      onBytes: (bytes) => this.onBytes(bytes),
      onClosed: () => {
        this.isClosed = true;
        this.wake();
      },
    });
    this.session = new Session(near, { keepAlive: false, ...options });
  }

  /** What the session sends is never taken any more. */
  stopReading(): void {
    this.near.hold(true);
  }

  send(...bytes: readonly Uint8Array[]): void {
    this.channel.send(bytes, () => {});
  }

  frame(type: number, flags: number, id: number, length: number, body: Uint8Array = new Uint8Array(0)): void {
    this.send(headerBytes(type, flags, id, length), body);
  }

  /** Resolves when such a frame came. */
  until(found: (frame: RawFrame) => boolean): Promise<void> {
    return this.when(() => this.frames.some(found));
  }

  closed(): Promise<void> {
    return this.when(() => this.isClosed);
  }

  private when(found: () => boolean): Promise<void> {
    if (found()) return Promise.resolve();
    return new Promise((resolve) => this.waiters.push({ found, resolve }));
  }

  private onBytes(bytes: Uint8Array): void {
    this.left = Buffer.concat([this.left, bytes]);
    while (this.left.length >= 12) {
      const type = this.left[1] ?? 0;
      const length = readUint32(this.left, 8);
      const size = 12 + (type === 0 ? length : 0);
      if (this.left.length < size) break;
      this.frames.push({ type, flags: this.left.readUInt16BE(2), id: readUint32(this.left, 4), length });
      this.left = this.left.subarray(size);
    }
    this.wake();
  }

  private wake(): void {
    const due = this.waiters.filter((waiter) => waiter.found());
    this.waiters = this.waiters.filter((waiter) => !due.includes(waiter));
    for (const waiter of due) waiter.resolve();
  }
}
