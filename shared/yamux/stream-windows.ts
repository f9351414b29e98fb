import { INITIAL_WINDOW_BYTES } from './frame.ts';
import type { BudgetMember, ReceiveBudget } from './receive-budget.ts';

const COMFORTABLE_BYTES = 512 * 1024;

/**
 * What the streams of one session hold and may be promised, within its own bound and within the one that it shares: half
 * of a bound is for what windows exceed their first size by. A window never takes more than half of what is left, so
 * that the first large one leaves something for others.
 */
export class StreamWindows implements BudgetMember {
  bufferedBytes = 0;
  private readonly maxBytes: number;
  private readonly shared: ReceiveBudget | undefined;
  private readonly dropLargest: () => boolean;
  private grownBytes = 0;
  private hasLeft = false;

  constructor(maxBytes: number, shared: ReceiveBudget | undefined, dropLargest: () => boolean) {
    this.maxBytes = maxBytes;
    this.shared = shared;
    this.dropLargest = dropLargest;
    shared?.join(this);
  }

  shed(): boolean {
    return this.dropLargest();
  }

  buffered(bytes: number): void {
    this.bufferedBytes += bytes;
    if (this.shared !== undefined && !this.hasLeft) this.shared.bufferedBytes += bytes;
  }

  makeRoom(bytes: number): void {
    while (this.bufferedBytes + bytes > this.maxBytes) if (!this.dropLargest()) return;
    this.shared?.makeRoom(bytes);
  }

  /** Many consumers that stall leave no memory for windows that only save updates. */
  get leastTargetBytes(): number {
    return this.bufferedBytes > this.maxBytes / 4 ? INITIAL_WINDOW_BYTES : COMFORTABLE_BYTES;
  }

  /** The size that a window of `current` bytes may have when `target` is wished for. */
  resize(current: number, target: number): number {
    const spare = Math.min(
      this.maxBytes / 2 - this.grownBytes,
      this.shared === undefined ? Infinity : this.shared.maxBytes / 2 - this.shared.grownBytes,
    );
    const size = Math.min(target, current + Math.max(0, Math.floor(spare / 2)));
    this.opened(size);
    this.closed(current);
    return size;
  }

  opened(windowBytes: number): void {
    this.grow(windowBytes - INITIAL_WINDOW_BYTES);
  }

  closed(windowBytes: number): void {
    this.grow(INITIAL_WINDOW_BYTES - windowBytes);
  }

  /** The session is over: what its streams still hold is the business of those who hold them. */
  leave(): void {
    if (this.hasLeft) return;
    this.hasLeft = true;
    if (this.shared === undefined) return;
    this.shared.bufferedBytes -= this.bufferedBytes;
    this.shared.grownBytes -= this.grownBytes;
    this.shared.leave(this);
  }

  private grow(bytes: number): void {
    this.grownBytes += bytes;
    if (this.shared !== undefined && !this.hasLeft) this.shared.grownBytes += bytes;
  }
}
