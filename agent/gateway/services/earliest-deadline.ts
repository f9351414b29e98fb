interface Turn<T> {
  readonly entry: T;
  readonly weight: number;
  /** The entry is due at `next / weight`. */
  next: number;
}

/**
 * Weighted round robin as Traefik's: an entry of weight w is due at 1/w, 2/w, 3/w …, and the one that is due first is
 * chosen (earliest deadline first). Dues are compared as fractions, so a round gives each entry exactly its weight, however
 * long it goes on. Entries of weight 0 or less are left out.
 *
 * Among those that are due at once the order is that of a binary heap, as Go's `container/heap` keeps it, because
 * Traefik's is: the same requests then reach the same services in the same order.
 */
export class EarliestDeadline<T> {
  readonly #heap: Turn<T>[] = [];
  readonly #round: number;
  #taken = 0;

  constructor(entries: Iterable<{ readonly entry: T; readonly weight: number }>) {
    for (const { entry, weight } of entries) if (weight > 0) this.#push({ entry, weight, next: 1 });
    this.#round = this.#heap.reduce((sum, { weight }) => sum + weight, 0);
  }

  /** The next entry that may be chosen; those that may not use up their turns. */
  next(may: (entry: T) => boolean): T | undefined {
    if (!this.#heap.some(({ entry }) => may(entry))) return undefined;
    for (;;) {
      const entry = this.#take();
      if (entry === undefined || may(entry)) return entry;
    }
  }

  #take(): T | undefined {
    const first = this.#pop();
    if (first === undefined) return undefined;
    first.next += 1;
    this.#push(first);
    this.#taken += 1;
    // A round is over: everyone had its turns, so all dues move back alike and the numbers stay small.
    if (this.#taken === this.#round) {
      this.#taken = 0;
      for (const turn of this.#heap) turn.next -= turn.weight;
    }
    return first.entry;
  }

  #push(turn: Turn<T>): void {
    this.#heap.push(turn);
    for (let at = this.#heap.length - 1; at > 0;) {
      const parent = (at - 1) >> 1;
      if (!this.#isBefore(at, parent)) return;
      this.#swap(at, parent);
      at = parent;
    }
  }

  #pop(): Turn<T> | undefined {
    this.#swap(0, this.#heap.length - 1);
    const first = this.#heap.pop();
    for (let at = 0; ;) {
      let child = 2 * at + 1;
      if (child >= this.#heap.length) return first;
      if (child + 1 < this.#heap.length && this.#isBefore(child + 1, child)) child += 1;
      if (!this.#isBefore(child, at)) return first;
      this.#swap(at, child);
      at = child;
    }
  }

  #isBefore(a: number, b: number): boolean {
    const [one, other] = [this.#heap[a], this.#heap[b]];
    return one !== undefined && other !== undefined && one.next * other.weight < other.next * one.weight;
  }

  #swap(a: number, b: number): void {
    const [one, other] = [this.#heap[a], this.#heap[b]];
    if (one === undefined || other === undefined) return;
    this.#heap[a] = other;
    this.#heap[b] = one;
  }
}
