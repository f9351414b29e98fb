export type HeaderPair = readonly [name: string, value: string];

/** Header lines in their order with their case kept; names compare without case. Values are Latin-1 text. */
export class HeaderList {
  #pairs: HeaderPair[];

  constructor(pairs: Iterable<HeaderPair> = []) {
    this.#pairs = [...pairs];
  }

  get size(): number {
    return this.#pairs.length;
  }

  get pairs(): readonly HeaderPair[] {
    return this.#pairs;
  }

  [Symbol.iterator](): IterableIterator<HeaderPair> {
    return this.#pairs[Symbol.iterator]();
  }

  /** The first value of this name. */
  get(name: string): string | undefined {
    for (const pair of this.#pairs) if (sameName(pair[0], name)) return pair[1];
    return undefined;
  }

  getAll(name: string): string[] {
    const values: string[] = [];
    for (const pair of this.#pairs) if (sameName(pair[0], name)) values.push(pair[1]);
    return values;
  }

  has(name: string): boolean {
    return this.get(name) !== undefined;
  }

  append(name: string, value: string): void {
    this.#pairs.push([name, value]);
  }

  /** Replaces every line of this name by one, in the place of the first; appends when there was none. */
  set(name: string, value: string): void {
    const first = this.#pairs.findIndex((pair) => sameName(pair[0], name));
    if (first < 0) {
      this.#pairs.push([name, value]);
      return;
    }
    this.#pairs = this.#pairs.filter((pair, index) => index === first || !sameName(pair[0], name));
    this.#pairs[first] = [name, value];
  }

  remove(name: string): void {
    this.removeWhere((other) => sameName(other, name));
  }

  /** Removes the lines for which `test` is true of the name in lower case. */
  removeWhere(test: (lowerName: string) => boolean): void {
    this.#pairs = this.#pairs.filter((pair) => !test(pair[0].toLowerCase()));
  }

  clone(): HeaderList {
    return new HeaderList(this.#pairs);
  }

  toJSON(): HeaderPair[] {
    return [...this.#pairs];
  }
}

function sameName(one: string, other: string): boolean {
  return one.length === other.length && (one === other || one.toLowerCase() === other.toLowerCase());
}

/** True when a comma-separated list, such as the value of `Connection`, has this lower-case token. */
export function listHas(value: string, token: string): boolean {
  if (value.length < token.length) return false;
  if (value === token) return true;
  for (const part of value.split(',')) if (part.trim().toLowerCase() === token) return true;
  return false;
}
