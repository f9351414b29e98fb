import { keyText, plainScalar } from '../yaml-scalar.ts';
import { list, NOT_PLAIN, PlacedMap, scalar, type Placed } from './placed.ts';

/** A key that needs no quotes, before `: `. */
export const KEY = /[A-Za-z0-9_$/][-\w.$/@+]*(?=:(?: |\n|$))/y;
const DOUBLE_QUOTED = /"([^"\\\n]*)"/y;
const SINGLE_QUOTED = /'((?:[^'\n]|'')*)'/y;
/** In brackets fewer characters are plain; what else YAML allows there is left to the whole reader. */
const IN_BRACKETS = /[A-Za-z0-9_$/.^~<(+\\](?: *[^ ,[\]{}#:'"\n]+)*/y;
/** Characters that no plain value begins with, or that have a meaning there. */
const MARKS = new Set('-?:,[]{}#&*!|>\'"%@`');
const DEEPEST = 40;
const LONGEST_KEY = 200;

/** A value that begins and ends on one line: quoted, in brackets, or plain. `end` is that of the value, not of the line. */
export function readInLine(text: string, at: number): Placed {
  const mark = text.charAt(at);
  if (mark === '"' || mark === "'") return quoted(text, at);
  if (mark === '[' || mark === '{') return bracketed(text, at, 0);
  if (MARKS.has(mark) && !(mark === '-' && /[A-Za-z0-9.]/.test(text.charAt(at + 1)))) throw NOT_PLAIN;
  let end = at;
  for (let here = at; here < text.length; here += 1) {
    const code = text.charCodeAt(here);
    if (code === NEWLINE) break;
    if (code === SPACE) continue;
    const before = text.charCodeAt(here - 1);
    if (code === HASH && before === SPACE) break;
    if (code === COLON && isBlank(text.charCodeAt(here + 1))) throw NOT_PLAIN;
    end = here + 1;
  }
  return scalar(plainScalar(text.slice(at, end)), at, end);
}

/** Where the line ends after a value, comment included, without what is blank; throws when something else follows. */
export function endOfLine(text: string, valueEnd: number): number {
  let at = valueEnd;
  while (text.charCodeAt(at) === SPACE) at += 1;
  if (at === text.length || text.charCodeAt(at) === NEWLINE) return valueEnd;
  if (text.charCodeAt(at) !== HASH || at === valueEnd) throw NOT_PLAIN;
  const newline = text.indexOf('\n', at);
  return newline < 0 ? text.length : newline;
}

/** The key at an offset, or undefined: its name and where it ends. */
export function readKey(text: string, at: number): { readonly name: string; readonly end: number } | undefined {
  KEY.lastIndex = at;
  if (!KEY.test(text)) return undefined;
  const end = KEY.lastIndex;
  // YAML bounds the length of a key that stands before its colon (1024, §8.1).
  if (end - at > LONGEST_KEY) throw NOT_PLAIN;
  return { name: keyText(plainScalar(text.slice(at, end))), end };
}

export const NEWLINE = 10;
export const SPACE = 32;
export const HASH = 35;
export const DASH = 45;
const COLON = 58;

export function isBlank(code: number): boolean {
  return code === SPACE || code === NEWLINE || Number.isNaN(code);
}

function quoted(text: string, at: number): Placed {
  const double = text.charAt(at) === '"';
  const pattern = double ? DOUBLE_QUOTED : SINGLE_QUOTED;
  pattern.lastIndex = at;
  const inside = pattern.exec(text)?.[1];
  if (inside === undefined) throw NOT_PLAIN;
  return scalar(double ? inside : inside.replaceAll("''", "'"), at, pattern.lastIndex);
}

function bracketed(text: string, at: number, depth: number): Placed {
  if (depth > DEEPEST) throw NOT_PLAIN;
  return text.charAt(at) === '[' ? flowList(text, at, depth) : flowMap(text, at, depth);
}

function flowList(text: string, start: number, depth: number): Placed {
  const children: Placed[] = [];
  let at = skipSpaces(text, start + 1);
  while (text.charAt(at) !== ']') {
    const child = flowValue(text, at, depth);
    children.push(child);
    at = afterEntry(text, child.end, ']');
  }
  return list(children, start, at + 1);
}

function flowMap(text: string, start: number, depth: number): Placed {
  const map = new PlacedMap();
  let at = skipSpaces(text, start + 1);
  while (text.charAt(at) !== '}') {
    const key = readKey(text, at);
    if (key === undefined) throw NOT_PLAIN;
    const child = flowValue(text, skipSpaces(text, key.end + 1), depth);
    map.add(key.name, at, key.end, child);
    at = afterEntry(text, child.end, '}');
  }
  return map.done(start, at + 1);
}

function flowValue(text: string, at: number, depth: number): Placed {
  const mark = text.charAt(at);
  if (mark === '[' || mark === '{') return bracketed(text, at, depth + 1);
  if (mark === '"' || mark === "'") return quoted(text, at);
  IN_BRACKETS.lastIndex = at;
  const value = IN_BRACKETS.exec(text)?.[0];
  if (value === undefined) throw NOT_PLAIN;
  return scalar(plainScalar(value), at, at + value.length);
}

/** At the closing mark, or at the next entry after a comma. */
function afterEntry(text: string, end: number, close: ']' | '}'): number {
  const at = skipSpaces(text, end);
  if (text.charAt(at) === close) return at;
  const next = skipSpaces(text, at + 1);
  if (text.charAt(at) !== ',' || text.charAt(next) === close) throw NOT_PLAIN;
  return next;
}

function skipSpaces(text: string, from: number): number {
  let at = from;
  while (text.charCodeAt(at) === SPACE) at += 1;
  return at;
}
