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
 */
export class EarliestDeadline<T> {
  readonly #turns: Turn<T>[];
  readonly #round: number;
  #taken = 0;

  constructor(entries: Iterable<{ readonly entry: T; readonly weight: number }>) {
    this.#turns = [];
    for (const { entry, weight } of entries) if (weight > 0) this.#turns.push({ entry, weight, next: 1 });
    this.#round = this.#turns.reduce((sum, { weight }) => sum + weight, 0);
  }

  /** The next entry that may be chosen; those that may not use up their turns. */
  next(may: (entry: T) => boolean): T | undefined {
    if (!this.#turns.some(({ entry }) => may(entry))) return undefined;
    for (;;) {
      const entry = this.#take();
      if (entry === undefined || may(entry)) return entry;
    }
  }

  #take(): T | undefined {
    let first: Turn<T> | undefined;
    for (const turn of this.#turns)
      if (first === undefined || turn.next * first.weight < first.next * turn.weight) first = turn;
    if (first === undefined) return undefined;
    first.next += 1;
    this.#taken += 1;
    // A round is over: every entry is due as at the start, so the numbers stay small.
    if (this.#taken === this.#round) {
      this.#taken = 0;
      for (const turn of this.#turns) turn.next = 1;
    }
    return first.entry;
  }
}
