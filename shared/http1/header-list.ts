import { Http1Error } from './errors.ts';
import { lowerName } from './field-name.ts';
import { FIELD_VALUE, putText, TOKEN } from './octets.ts';

export type HeaderPair = readonly [name: string, value: string];

const NO_PAIRS: readonly HeaderPair[] = [];
const COLON = 0x3a;
const SPACE = 0x20;
const TAB = 0x09;
const CR = 0x0d;
const LF = 0x0a;

/** Header lines in their order with their case kept; names compare without case. Values are Latin-1 text. */
export class HeaderList {
  #pairs: readonly HeaderPair[];
  #lines: Buffer | undefined;
  #recurring = false;

  constructor(pairs: Iterable<HeaderPair> = NO_PAIRS) {
    this.#pairs = pairs === NO_PAIRS ? NO_PAIRS : [...pairs];
  }

  /**
   * A list over pairs that others may hold too: they are never changed, changes of the list make pairs of its own.
   * `recurring`: the connection has had this very array before.
   */
  static over(pairs: readonly HeaderPair[], recurring = false): HeaderList {
    const list = new HeaderList(NO_PAIRS);
    list.#pairs = pairs;
    list.#recurring = recurring;
    return list;
  }

  /** True when it is worth while to remember what is made of `pairs`: the same array came before and may come again. */
  get recurring(): boolean {
    return this.#recurring;
  }

  /** The field lines with their ends, made once for as long as nothing changes; to be read only. Throws `Http1Error`. */
  get lines(): Buffer {
    return (this.#lines ??= fieldLines(this.#pairs));
  }

  get size(): number {
    return this.#pairs.length;
  }

  /** The same array for as long as nothing changes. */
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
    this.#change([...this.#pairs, [name, value]]);
  }

  appendAll(pairs: readonly HeaderPair[]): void {
    if (pairs.length > 0) this.#change([...this.#pairs, ...pairs]);
  }

  /** Replaces every line of this name by one, in the place of the first; appends when there was none. */
  set(name: string, value: string): void {
    const first = this.#pairs.findIndex((pair) => sameName(pair[0], name));
    if (first < 0) {
      this.append(name, value);
      return;
    }
    const kept = this.#pairs.filter((pair, index) => index === first || !sameName(pair[0], name));
    kept[first] = [name, value];
    this.#change(kept);
  }

  remove(name: string): void {
    this.removeWhere((other) => sameName(other, name));
  }

  /** Removes the lines for which `test` is true of the name in lower case. */
  removeWhere(test: (lowerName: string) => boolean): void {
    const pairs = this.#pairs;
    let kept: HeaderPair[] | undefined;
    for (let at = 0; at < pairs.length; at++) {
      const pair = pairs[at];
      if (pair === undefined) continue;
      if (test(lowerName(pair[0]))) kept ??= pairs.slice(0, at);
      else kept?.push(pair);
    }
    if (kept !== undefined) this.#change(kept);
  }

  clone(): HeaderList {
    return HeaderList.over(this.#pairs);
  }

  #change(pairs: readonly HeaderPair[]): void {
    this.#pairs = pairs;
    this.#lines = undefined;
    this.#recurring = false;
  }

  toJSON(): HeaderPair[] {
    return [...this.#pairs];
  }
}

/** The lines of fields, in Latin-1. Checks each part again, so that nothing set on the way can inject a line. Throws `Http1Error`. */
export function fieldLines(pairs: readonly HeaderPair[]): Buffer {
  const lines = Buffer.allocUnsafe(fieldBytes(pairs));
  putFields(lines, 0, pairs);
  return lines;
}

/** How many bytes `putFields` takes. */
export function fieldBytes(pairs: readonly HeaderPair[]): number {
  let bytes = 0;
  for (const [name, value] of pairs) bytes += name.length + value.length + 4;
  return bytes;
}

/** As `fieldLines`, from `start` on; returns where they end. */
export function putFields(bytes: Buffer, start: number, pairs: readonly HeaderPair[]): number {
  let at = start;
  for (const [name, value] of pairs) {
    if (name === '' || !putText(TOKEN, name, bytes, at)) throw new Http1Error('http1.bad-header-name');
    at += name.length;
    bytes[at] = COLON;
    bytes[at + 1] = SPACE;
    at += 2;
    if (!putText(FIELD_VALUE, value, bytes, at)) throw new Http1Error('http1.bad-header-value', `of ${name}`);
    at += value.length;
    bytes[at] = CR;
    bytes[at + 1] = LF;
    at += 2;
  }
  return at;
}

function sameName(one: string, other: string): boolean {
  return one.length === other.length && (one === other || lowerName(one) === lowerName(other));
}

/** True when a comma-separated list, such as the value of `Connection`, has this lower-case token. */
export function listHas(value: string, token: string): boolean {
  if (value.length < token.length) return false;
  if (value === token) return true;
  for (const part of value.split(',')) if (withoutBlanks(part).toLowerCase() === token) return true;
  return false;
}

/** Without spaces and tabs around it: the only white space of HTTP (RFC 9110 §5.6.3), and less than `trim` takes. */
export function withoutBlanks(text: string): string {
  let from = 0;
  let to = text.length;
  while (from < to && isBlank(text.charCodeAt(from))) from += 1;
  while (to > from && isBlank(text.charCodeAt(to - 1))) to -= 1;
  return text.slice(from, to);
}

function isBlank(code: number): boolean {
  return code === SPACE || code === TAB;
}
