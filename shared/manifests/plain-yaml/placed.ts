/** A value as it is read from a text, with where it stands. Offsets count UTF-16 units. */
export interface Placed {
  readonly value: unknown;
  readonly start: number;
  readonly end: number;
  /** Of a map: its keys, in their order. */
  readonly keys: readonly PlacedKey[] | undefined;
  /** Of a map or a list: its values, in their order. */
  readonly children: readonly Placed[] | undefined;
}

export interface PlacedKey {
  readonly name: string;
  readonly start: number;
  readonly end: number;
}

/** What the readers of plain text throw where a text is not plain; it never leaves them. */
export const NOT_PLAIN = new Error('not plain YAML');

/** A number that JSON cannot hold is for the whole reader to tell. */
export function scalar(value: unknown, start: number, end: number): Placed {
  if (typeof value === 'number' && !Number.isFinite(value)) throw NOT_PLAIN;
  return { value, start, end, keys: undefined, children: undefined };
}

/** A map as it grows: keys are unique, and none can touch the prototype. */
export class PlacedMap {
  readonly #value: Record<string, unknown> = {};
  readonly #keys: PlacedKey[] = [];
  readonly #children: Placed[] = [];

  add(name: string, start: number, end: number, child: Placed): void {
    if (name === '__proto__' || Object.hasOwn(this.#value, name)) throw NOT_PLAIN;
    this.#value[name] = child.value;
    this.#keys.push({ name, start, end });
    this.#children.push(child);
  }

  done(start: number, end: number): Placed {
    return { value: Object.freeze(this.#value), start, end, keys: this.#keys, children: this.#children };
  }
}

export function list(children: readonly Placed[], start: number, end: number): Placed {
  const value = Object.freeze(children.map((child) => child.value));
  return { value, start, end, keys: undefined, children };
}
