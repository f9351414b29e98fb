/** Where its bag keeps an item; −1 outside of one. An item is in one bag at a time. */
export interface Bagged {
  place: number;
}

/**
 * A set for items that come and go all the time, in no order.
 *
 * Not a `Set`: V8 gives one a new table after so many changes, and the old table refers to the new. One old table that
 * was moved among what lives long keeps all that follow it, with the items that were in them, until the heap is collected
 * whole: in the broker a fifth of all that was allocated, and ten times the pause of each young collection.
 */
export class Bag<Item extends Bagged> {
  readonly #items: Item[] = [];

  get size(): number {
    return this.#items.length;
  }

  add(item: Item): void {
    if (this.has(item)) return;
    item.place = this.#items.length;
    this.#items.push(item);
  }

  has(item: Item): boolean {
    return this.#items[item.place] === item;
  }

  delete(item: Item): boolean {
    if (!this.has(item)) return false;
    const last = this.#items.pop();
    if (last !== undefined && last !== item) {
      this.#items[item.place] = last;
      last.place = item.place;
    }
    item.place = -1;
    return true;
  }

  clear(): void {
    for (const item of this.#items) item.place = -1;
    this.#items.length = 0;
  }

  /** Each item that is here now and still when its turn comes; what is added meanwhile is left out. */
  *[Symbol.iterator](): IterableIterator<Item> {
    for (const item of Array.from(this.#items)) if (this.has(item)) yield item;
  }
}
