import { isAlias, isMap, isScalar, isSeq, type Document, type LineCounter, type Node } from 'yaml';
import type { FieldPath } from './field-path.ts';
import { keyName } from './yaml-scalar.ts';
import type { Position, Range } from './types.ts';

export function positionAt(lines: LineCounter, offset: number): Position {
  const { line, col } = lines.linePos(offset);
  return { line: Math.max(line, 1), column: Math.max(col, 1) };
}

export function rangeAt(lines: LineCounter, start: number, end: number): Range {
  return { start: positionAt(lines, start), end: positionAt(lines, Math.max(start, end)) };
}

/** Range of the field at a path, or of its nearest ancestor that exists; of its value, or of its key. */
export function locate(
  document: Document.Parsed,
  source: { readonly text: string; readonly lines: LineCounter },
  path: FieldPath,
  what: 'key' | 'value',
): Range {
  let node: Node | null = document.contents;
  let key: Node | undefined;
  let missing = false;
  for (const segment of path) {
    if (isAlias(node)) node = node.resolve(document) ?? null;
    const child = childOf(node, segment);
    if (child === undefined) {
      missing = true;
      break;
    }
    ({ value: node } = child);
    key = child.key ?? node ?? key;
  }
  // What is absent is best shown at the key of the object that should hold it: its value may span many lines.
  const target = (what === 'key' || missing) && key !== undefined ? key : (node ?? key);
  const [start, end] = target?.range ?? [document.range[0], document.range[0]];
  return rangeAt(
    source.lines,
    start,
    trimEnd(source.text, start, firstLineOnly(target, missing, source.text, start, end)),
  );
}

function childOf(node: Node | null, segment: string | number): { key?: Node; value: Node | null } | undefined {
  if (isMap<Node, Node | null>(node)) {
    const pair = node.items.find((item) => isScalar(item.key) && keyName(item.key) === String(segment));
    return pair === undefined ? undefined : { key: pair.key, value: pair.value };
  }
  if (isSeq<Node | null>(node) && typeof segment === 'number' && segment < node.items.length) {
    return { value: node.items[segment] ?? null };
  }
  return undefined;
}

/** With nothing better to point at than the whole document, its first line is enough. */
function firstLineOnly(
  target: Node | null | undefined,
  missing: boolean,
  text: string,
  start: number,
  end: number,
): number {
  if (!missing || isScalar(target)) return end;
  const newline = text.indexOf('\n', start);
  return newline < 0 ? end : Math.min(end, newline);
}

function trimEnd(text: string, start: number, end: number): number {
  let at = end;
  while (at > start && /\s/.test(text.charAt(at - 1))) at -= 1;
  return at;
}
