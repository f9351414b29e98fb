import { list, NOT_PLAIN, PlacedMap, type Placed } from './placed.ts';
import { DASH, endOfLine, HASH, isBlank, NEWLINE, readInLine, readKey, SPACE } from './read-line.ts';

/** As long as this, nothing in a text can be beyond the bounds of the whole reader (`too-complex.ts`, `plain-value.ts`). */
const LONGEST = 150_000;
const DEEPEST = 60;
const MOST_DOCUMENTS = 2_000;
/** Tabs, other control characters and marks that YAML gives a meaning. */
// oxlint-disable-next-line no-control-regex -- they are what is looked for
const UNUSUAL = /[\u0000-\u0009\u000B-\u001F\u007F-\u009F\u2028\u2029\uFEFF\uFFFD]/;

/**
 * The documents of a text as most manifests are written: block maps and lists, values of one line, comments that stand
 * where the next line does. Each is what the library would make of it, several times as fast; undefined for an empty document.
 * Returns undefined for any other text, right or wrong: that is the library's to read.
 */
export function readPlain(text: string): readonly (Placed | undefined)[] | undefined {
  if (text.length > LONGEST || UNUSUAL.test(text)) return undefined;
  try {
    return new PlainReader(text).documents();
  } catch (error) {
    if (error === NOT_PLAIN) return undefined;
    throw error;
  }
}

/** Stands at the first character of a line that has content, at a mark between documents, or at the end. */
class PlainReader {
  readonly #text: string;
  #at = 0;
  /** Column of what is at hand; -1 at the end of a document, so that nothing is as deep. */
  #indent = -1;

  constructor(text: string) {
    this.#text = text;
  }

  documents(): (Placed | undefined)[] {
    const found: (Placed | undefined)[] = [];
    this.#nextLine(0);
    if (this.#indent >= 0) found.push(this.#document());
    while (this.#at < this.#text.length) {
      this.#nextLine(this.#at + '---'.length);
      found.push(this.#indent < 0 ? undefined : this.#document());
      if (found.length > MOST_DOCUMENTS) throw NOT_PLAIN;
    }
    return found;
  }

  #document(): Placed {
    if (this.#indent !== 0) throw NOT_PLAIN;
    const root = this.#block(0);
    if (this.#indent >= 0) throw NOT_PLAIN;
    return root;
  }

  #block(depth: number): Placed {
    if (depth > DEEPEST) throw NOT_PLAIN;
    return this.#atDash() ? this.#list(depth) : this.#map(depth);
  }

  #map(depth: number): Placed {
    const start = this.#at;
    const indent = this.#indent;
    const map = new PlacedMap();
    let end = start;
    while (this.#indent === indent) {
      const at = this.#at;
      const key = readKey(this.#text, at);
      if (key === undefined) throw NOT_PLAIN;
      const child = this.#inLine(key.end + 1) ?? this.#below(indent, depth, true);
      map.add(key.name, at, key.end, child.placed);
      end = child.end;
    }
    if (this.#indent > indent) throw NOT_PLAIN;
    return map.done(start, end);
  }

  #list(depth: number): Placed {
    const start = this.#at;
    const indent = this.#indent;
    const children: Placed[] = [];
    let end = start;
    while (this.#indent === indent && this.#atDash()) {
      const at = this.#skipSpaces(this.#at + 1);
      const compact = this.#startsBlock(at);
      if (compact) {
        this.#indent = indent + at - this.#at;
        this.#at = at;
      }
      const child = compact ? this.#nested(depth) : (this.#inLine(this.#at + 1) ?? this.#below(indent, depth, false));
      children.push(child.placed);
      end = child.end;
    }
    if (this.#indent > indent) throw NOT_PLAIN;
    return list(children, start, end);
  }

  /** The value on the rest of a line, which it is all of; undefined when the line has none. */
  #inLine(from: number): { placed: Placed; end: number } | undefined {
    const at = this.#skipSpaces(from);
    const code = this.#text.charCodeAt(at);
    if (Number.isNaN(code) || code === NEWLINE || (code === HASH && at > from)) {
      this.#nextLine(at);
      return undefined;
    }
    const placed = readInLine(this.#text, at);
    const end = endOfLine(this.#text, placed.end);
    // A deeper line would go on with the value: the caller finds it too deep.
    this.#nextLine(end);
    return { placed, end };
  }

  /** The value on the lines below its key or dash. */
  #below(indent: number, depth: number, ofKey: boolean): { placed: Placed; end: number } {
    if (this.#indent > indent || (ofKey && this.#indent === indent && this.#atDash())) return this.#nested(depth);
    throw NOT_PLAIN;
  }

  #nested(depth: number): { placed: Placed; end: number } {
    const placed = this.#block(depth + 1);
    return { placed, end: placed.end };
  }

  #atDash(): boolean {
    return this.#text.charCodeAt(this.#at) === DASH && isBlank(this.#text.charCodeAt(this.#at + 1));
  }

  #startsBlock(at: number): boolean {
    const dash = this.#text.charCodeAt(at) === DASH && isBlank(this.#text.charCodeAt(at + 1));
    return dash || readKey(this.#text, at) !== undefined;
  }

  #skipSpaces(from: number): number {
    let at = from;
    while (this.#text.charCodeAt(at) === SPACE) at += 1;
    return at;
  }

  /** Goes on to the next line with content. `from`: in a line of which the rest is blank or a comment. */
  #nextLine(from: number): void {
    const text = this.#text;
    let comments = -1;
    let line = from === 0 ? 0 : text.indexOf('\n', from) + 1;
    if (line === 0 && from > 0) line = text.length;
    while (line < text.length) {
      const at = this.#skipSpaces(line);
      const code = text.charCodeAt(at);
      if (code !== NEWLINE && code !== HASH) {
        if (at < text.length) return this.#stand(at, at - line, comments);
        break;
      }
      if (code === HASH) comments = comments < 0 || comments === at - line ? at - line : Infinity;
      const newline = text.indexOf('\n', at);
      line = newline < 0 ? text.length : newline + 1;
    }
    this.#stand(text.length, 0, comments);
  }

  /** Comments deeper or less deep than what follows may count to what is before: only the library knows. */
  #stand(at: number, indent: number, comments: number): void {
    if (comments >= 0 && comments !== indent) throw NOT_PLAIN;
    const between = indent === 0 && this.#text.startsWith('---', at);
    if (between && endOfLine(this.#text, at + 3) !== at + 3) throw NOT_PLAIN;
    this.#at = at;
    this.#indent = between || at === this.#text.length ? -1 : indent;
  }
}
