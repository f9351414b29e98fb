import { INITIAL_WINDOW_BYTES } from './frame.ts';
import type { SessionLimits } from './limits.ts';

/** The part of a stream that its share is reckoned from. */
export interface Sharer {
  /** Bytes that it may send by its window and its share. */
  sendableBytes(maxBytes: number): number;
  /** In the queue of those that wait for a larger share. */
  isCrowded: boolean;
  readonly closed: boolean;
}

/** How many of those that wait are looked at when something becomes free: the others are when more does. */
const LOOKED_AT = 8;

/**
 * What the streams of a session may hold at both ends for consumers that do not take it. Each stream may use what is
 * left of a sum, as long as that is more than the least that it always has: few stalled streams use their whole window,
 * a thousand get about an equal part, and one that comes later still finds its own.
 */
export class SendShares<Item extends Sharer> {
  /** Written by the application, and still here. */
  queuedBytes = 0;
  /** Sent, and by what the peer tells not consumed, as far as it lies within the window that a stream begins with. */
  private untakenBytes = 0;
  private readonly limits: SessionLimits;
  private readonly wake: (item: Item) => void;
  private crowd: Item[] = [];

  /** `wake`: the item may send again. */
  constructor(limits: SessionLimits, wake: (item: Item) => void) {
    this.limits = limits;
    this.wake = wake;
  }

  /** What a stream may queue here before its writer is asked to wait; 0: one write at a time. */
  get highWaterBytes(): number {
    const { sendQueueBytes, streamHighWaterBytes } = this.limits;
    return Math.min(streamHighWaterBytes, Math.max(0, sendQueueBytes - this.queuedBytes));
  }

  /** What may be sent with a window of this size. */
  roomBytes(sendWindow: number): number {
    const { untakenBudgetBytes, untakenShareBytes } = this.limits;
    const share = Math.max(untakenShareBytes, untakenBudgetBytes - this.untakenBytes);
    return share >= INITIAL_WINDOW_BYTES ? sendWindow : Math.max(0, sendWindow - INITIAL_WINDOW_BYTES + share);
  }

  /** A window has changed by sending, by credit, or because its stream is gone. */
  windowChanged(before: number, after: number): void {
    const grown = untaken(after) - untaken(before);
    this.untakenBytes += grown;
    if (grown < 0 && this.crowd.length > 0) this.lookAtCrowd();
  }

  /** It has data and a window, and may send no more than its share. */
  crowded(item: Item): void {
    if (item.isCrowded) return;
    item.isCrowded = true;
    this.crowd.push(item);
  }

  clear(): void {
    this.crowd = [];
  }

  private lookAtCrowd(): void {
    for (const item of this.crowd.splice(0, LOOKED_AT)) {
      item.isCrowded = false;
      if (item.sendableBytes(1) > 0) this.wake(item);
      else if (!item.closed) this.crowded(item);
    }
  }
}

function untaken(sendWindow: number): number {
  return Math.max(0, INITIAL_WINDOW_BYTES - sendWindow);
}
