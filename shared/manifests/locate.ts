import { isAlias, isMap, isScalar, isSeq, type Document, type LineCounter, type Node } from 'yaml';
import type { FieldPath } from './field-path.ts';
import type { Placed } from './plain-yaml/placed.ts';
import { keyName } from './yaml-scalar.ts';
import type { Position, Range } from './types.ts';

export function positionAt(lines: LineCounter, offset: number): Position {
  const { line, col } = lines.linePos(offset);
  return { line: Math.max(line, 1), column: Math.max(col, 1) };
}

export function rangeAt(lines: LineCounter, start: number, end: number): Range {
  return { start: positionAt(lines, start), end: positionAt(lines, Math.max(start, end)) };
}

/** Something in a text, from one offset to another. */
interface Spot {
  readonly start: number;
  readonly end: number;
  readonly scalar: boolean;
}

interface Child<N> {
  readonly key?: Spot;
  readonly node: N | null;
}

/** A document of either reader: where its values stand. */
export interface Places<N = unknown> {
  readonly start: number;
  readonly root: N | null;
  spotOf(node: N): Spot;
  child(node: N | null, segment: string | number): Child<N> | undefined;
}

/** Range of the field at a path, or of its nearest ancestor that exists; of its value, or of its key. */
export function locate<N>(
  places: Places<N>,
  source: { readonly text: string; readonly lines: LineCounter },
  path: FieldPath,
  what: 'key' | 'value',
): Range {
  let node = places.root;
  let key: Spot | undefined;
  let missing = false;
  for (const segment of path) {
    const child = places.child(node, segment);
    if (child === undefined) {
      missing = true;
      break;
    }
    ({ node } = child);
    key = child.key ?? (node === null ? key : places.spotOf(node));
  }
  // What is absent is best shown at the key of the object that should hold it: its value may span many lines.
  const own = node === null ? undefined : places.spotOf(node);
  const target = (what === 'key' || missing) && key !== undefined ? key : (own ?? key);
  const { start, end } = target ?? { start: places.start, end: places.start };
  const until = missing && target?.scalar !== true ? firstLineOnly(source.text, start, end) : end;
  return rangeAt(source.lines, start, trimEnd(source.text, start, until));
}

/** Of a document that the library read. */
export function libraryPlaces(document: Document.Parsed): Places<Node> {
  return {
    start: document.range[0],
    root: document.contents,
    spotOf: spotOfNode,
    child: (node, segment) => childOf(document, node, segment),
  };
}

/** Of a document that is plain. */
export function plainPlaces(root: Placed): Places<Placed> {
  return { start: root.start, root, spotOf, child: childOfPlaced };
}

function spotOf({ start, end, children }: Placed): Spot {
  return { start, end, scalar: children === undefined };
}

function childOfPlaced(placed: Placed | null, segment: string | number): Child<Placed> | undefined {
  const keys = placed?.keys;
  const at = keys === undefined ? segment : keys.findIndex(({ name }) => name === String(segment));
  const node = typeof at === 'number' ? placed?.children?.[at] : undefined;
  if (node === undefined) return undefined;
  const key = typeof at === 'number' ? keys?.[at] : undefined;
  return key === undefined ? { node } : { key: { start: key.start, end: key.end, scalar: true }, node };
}

function spotOfNode(node: Node): Spot {
  const [start, end] = node.range ?? [0, 0];
  return { start, end, scalar: isScalar(node) };
}

function childOf(document: Document.Parsed, parent: Node | null, segment: string | number): Child<Node> | undefined {
  const node = isAlias(parent) ? (parent.resolve(document) ?? null) : parent;
  if (isMap<Node, Node | null>(node)) {
    const pair = node.items.find((item) => isScalar(item.key) && keyName(item.key) === String(segment));
    return pair === undefined ? undefined : { key: spotOfNode(pair.key), node: pair.value };
  }
  if (isSeq<Node | null>(node) && typeof segment === 'number' && segment < node.items.length) {
    return { node: node.items[segment] ?? null };
  }
  return undefined;
}

/** With nothing better to point at than the whole document, its first line is enough. */
function firstLineOnly(text: string, start: number, end: number): number {
  const newline = text.indexOf('\n', start);
  return newline < 0 ? end : Math.min(end, newline);
}

function trimEnd(text: string, start: number, end: number): number {
  let at = end;
  while (at > start && /\s/.test(text.charAt(at - 1))) at -= 1;
  return at;
}
