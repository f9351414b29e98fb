/** What a round gives to each stream. */
export const QUANTUM_BYTES = 64 * 1024;

/** The part of a stream that the order keeps its books in. */
export interface Ordered {
  nextReady: Ordered | undefined;
  isReady: boolean;
  /** Bytes that it may still send in its round. */
  deficitBytes: number;
  round: number;
}

/**
 * Deficit round robin over the streams that have something to send. A stream that becomes active while it has not used
 * up its part of the round goes before those that have bulk; since it gets one part a round, it starves nobody.
 */
export class SendOrder<Item extends Ordered> {
  private readonly urgent = new Line<Item>();
  private readonly waiting = new Line<Item>();
  private round = 1;

  get isEmpty(): boolean {
    return this.urgent.first === undefined && this.waiting.first === undefined;
  }

  /** True when the next one is a stream that became active just now. */
  get isUrgent(): boolean {
    return this.urgent.first !== undefined;
  }

  /** A stream has something to send. */
  activate(item: Item): void {
    if (item.isReady) return;
    item.isReady = true;
    this.refill(item);
    if (item.deficitBytes > 0) this.urgent.append(item);
    else this.waiting.append(item);
  }

  /** Whose turn it is; it stays in its place until `done`. */
  next(): Item | undefined {
    const urgent = this.urgent.first;
    if (urgent !== undefined) return urgent;
    const first = this.waiting.first;
    if (first === undefined) return undefined;
    this.refill(first);
    if (first.deficitBytes <= 0) {
      this.round++;
      this.refill(first);
    }
    return first;
  }

  /** The next one has sent so many bytes, and has more to send or not. */
  done(item: Item, bytes: number, hasMore: boolean): void {
    item.deficitBytes -= bytes;
    if (hasMore && item.deficitBytes > 0) return;
    const line = this.urgent.first === item ? this.urgent : this.waiting;
    line.shift();
    item.isReady = hasMore;
    if (hasMore) this.waiting.append(item);
  }

  clear(): void {
    this.urgent.clear();
    this.waiting.clear();
  }

  private refill(item: Item): void {
    if (item.round === this.round) return;
    item.round = this.round;
    item.deficitBytes = QUANTUM_BYTES;
  }
}

/** A queue linked through its items, so that a stream in it costs no allocation. */
class Line<Item extends Ordered> {
  first: Item | undefined;
  private last: Item | undefined;

  append(item: Item): void {
    item.nextReady = undefined;
    if (this.last === undefined) this.first = item;
    else this.last.nextReady = item;
    this.last = item;
  }

  shift(): void {
    const item = this.first;
    if (item === undefined) return;
    this.first = item.nextReady as Item | undefined;
    if (this.first === undefined) this.last = undefined;
    item.nextReady = undefined;
  }

  clear(): void {
    this.first = undefined;
    this.last = undefined;
  }
}
