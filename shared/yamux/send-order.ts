/** What a round gives to each stream. */
export const QUANTUM_BYTES = 64 * 1024;
/** A rest of no more than this goes with the round that leaves it: an answer is of no use before its last byte. */
export const REST_BYTES = 8 * 1024;
/** The part of it that may go before others: whoever sends more in a round is bulk. */
export const PROMPT_BYTES = 16 * 1024;
/** As long as no more than this want to go first, larger ones may as well. */
const FEW = 16;

/** The part of a stream that the order keeps its books in. */
export interface Ordered {
  nextReady: Ordered | undefined;
  isReady: boolean;
  /** What it has to send. */
  readonly queuedBytes: number;
  /** Bytes that it may still send in its round. */
  deficitBytes: number;
  round: number;
}

/**
 * Deficit round robin over the streams that have something to send. A stream that becomes active goes before those that
 * have bulk, with a part of its round that is too small to starve anybody. What sends in pieces becomes active again and
 * again: it counts as bulk while it sends more than that part a round, or a thousand downloads would stand in line before
 * a small answer.
 */
export class SendOrder<Item extends Ordered> {
  private readonly urgent = new Line<Item>();
  private readonly waiting = new Line<Item>();
  private round = 1;
  private prompt = 0;
  /** Stays in front with its round used up, for a rest. */
  private ending: Item | undefined;

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
    const before = item.round;
    const wasBulk = before >= this.round - 1 && used(item) > PROMPT_BYTES;
    this.refill(item);
    if (wasBulk || used(item) >= PROMPT_BYTES) {
      this.waiting.append(item);
      return;
    }
    this.urgent.append(item);
    this.prompt++;
  }

  /** Whose turn it is; it stays in its place until `done`. */
  next(): Item | undefined {
    for (let item = this.urgent.first; item !== undefined; item = this.urgent.first) {
      if (this.prompt <= FEW || used(item) + item.queuedBytes <= PROMPT_BYTES) return item;
      this.urgent.shift();
      this.prompt--;
      this.waiting.append(item);
    }
    if (this.ending !== undefined && this.ending === this.waiting.first && this.allowance(this.ending) <= 0) {
      // It got more to send than the rest that kept it in front.
      this.waiting.shift();
      this.waiting.append(this.ending);
      this.ending = undefined;
    }
    const first = this.waiting.first;
    if (first === undefined) return undefined;
    this.refill(first);
    if (this.allowance(first) <= 0) {
      this.round++;
      this.refill(first);
    }
    return first;
  }

  /** Bytes that it may send now, deeper in debt than its round allows when that is all it has. */
  allowance(item: Item): number {
    const { queuedBytes, deficitBytes } = item;
    return queuedBytes <= deficitBytes + REST_BYTES ? queuedBytes : deficitBytes;
  }

  /** The next one has sent so many bytes, and has more to send or not. */
  done(item: Item, bytes: number, hasMore: boolean): void {
    item.deficitBytes -= bytes;
    const isUrgent = this.urgent.first === item;
    if (hasMore && (isUrgent ? used(item) < PROMPT_BYTES : this.allowance(item) > 0)) {
      if (!isUrgent && item.deficitBytes <= 0) this.ending = item;
      return;
    }
    if (this.ending === item) this.ending = undefined;
    if (isUrgent) this.prompt--;
    const line = isUrgent ? this.urgent : this.waiting;
    line.shift();
    item.isReady = hasMore;
    if (hasMore) this.waiting.append(item);
  }

  /** Lets go of those that have nothing to send any more, wherever they stand. Not between `next` and `done`. */
  forget(isGone: (item: Item) => boolean): void {
    this.prompt -= this.urgent.forget(isGone);
    this.waiting.forget(isGone);
    if (this.ending?.isReady === false) this.ending = undefined;
  }

  clear(): void {
    this.urgent.clear();
    this.waiting.clear();
    this.ending = undefined;
    this.prompt = 0;
  }

  private refill(item: Item): void {
    if (item.round === this.round) return;
    item.round = this.round;
    item.deficitBytes = QUANTUM_BYTES + Math.min(0, item.deficitBytes);
  }
}

/** What it has sent of its round. */
function used(item: Ordered): number {
  return item.round === 0 ? 0 : QUANTUM_BYTES - item.deficitBytes;
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

  /** Returns how many there were. */
  forget(isGone: (item: Item) => boolean): number {
    let count = 0;
    let item = this.first;
    this.clear();
    while (item !== undefined) {
      const next = item.nextReady as Item | undefined;
      if (isGone(item)) {
        item.nextReady = undefined;
        item.isReady = false;
        count++;
      } else this.append(item);
      item = next;
    }
    return count;
  }

  clear(): void {
    this.first = undefined;
    this.last = undefined;
  }
}
