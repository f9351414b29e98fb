import { isAlias, isMap, isPair, isScalar, isSeq, type Document, type Node, type YAMLMap } from 'yaml';
import type { DiagnosticCode } from './errors.ts';
import { keyName, scalarValue } from './yaml-scalar.ts';

/** More values than this in one document, aliases expanded, is an attack and not a manifest ("billion laughs"). */
const MAX_VALUES = 200_000;
const MAX_DEPTH = 120;

export interface ValueProblem {
  readonly code: DiagnosticCode;
  readonly message: string;
  readonly offset: number;
  readonly end: number;
  readonly hint?: string;
}

class TooComplex extends Error {
  readonly node: Node;
  constructor(message: string, node: Node) {
    super(message);
    this.node = node;
  }
}

/**
 * Plain, frozen data of a YAML document, with merge keys (`<<`) applied as Kubernetes' reader does. Work is bounded by
 * the number of values after expansion of aliases, so that a small file cannot grow without end.
 */
export function plainValue(document: Document.Parsed): { value: unknown; problems: ValueProblem[] } {
  const problems: ValueProblem[] = [];
  let values = 0;
  // The library would search the whole document for each alias. An anchor holds from where it is written on.
  const anchors = new Map<string, Node>();

  function problem(code: DiagnosticCode, message: string, node: Node, hint?: string): void {
    const range = node.range ?? [0, 0, 0];
    problems.push({ code, message, offset: range[0], end: range[1], ...(hint === undefined ? {} : { hint }) });
  }

  function convert(node: unknown, depth: number, open: readonly Node[]): unknown {
    if (node === null || node === undefined) return null;
    values += 1;
    if (isAlias(node)) {
      const target = anchors.get(node.source);
      if (target === undefined) {
        problem(
          'yaml-alias',
          `the anchor "${node.source}" is not defined before it is used`,
          node,
          `Define it with &${node.source}.`,
        );
        return null;
      }
      if (open.includes(target)) {
        problem('yaml-alias', `the alias "${node.source}" contains itself`, node);
        return null;
      }
      return convert(target, depth + 1, open);
    }
    if ((isScalar(node) || isSeq(node) || isMap(node)) && node.anchor !== undefined) anchors.set(node.anchor, node);
    if (isScalar(node)) {
      if (values > MAX_VALUES) throw new TooComplex(`more than ${MAX_VALUES} values`, node);
      const value = scalarValue(node);
      if (typeof value === 'number' && !Number.isFinite(value)) {
        problem(
          'yaml-syntax',
          `"${node.source ?? ''}" is a number that JSON cannot hold`,
          node,
          'Put a text in quotes.',
        );
        return null;
      }
      return value;
    }
    if (isSeq(node)) {
      if (depth > MAX_DEPTH) throw new TooComplex(`nested deeper than ${MAX_DEPTH} levels`, node);
      const inner = node.anchor === undefined ? open : [...open, node];
      return Object.freeze(node.items.map((item) => convert(isPair(item) ? null : item, depth + 1, inner)));
    }
    if (isMap(node)) {
      if (depth > MAX_DEPTH) throw new TooComplex(`nested deeper than ${MAX_DEPTH} levels`, node);
      return convertMap(node, depth, node.anchor === undefined ? open : [...open, node]);
    }
    return null;
  }

  function convertMap(map: YAMLMap, depth: number, open: readonly Node[]): unknown {
    const own: Record<string, unknown> = {};
    const merged: Record<string, unknown> = {};
    const seen = new Set<string>();
    for (const pair of map.items) {
      const key = pair.key;
      if (!isScalar(key)) {
        problem('yaml-syntax', 'a key must be a plain word', map);
        continue;
      }
      const name = keyName(key);
      if (name === '<<' && key.type === 'PLAIN') {
        const source = convert(pair.value, depth + 1, open);
        for (const from of Array.isArray(source) ? source : [source]) {
          for (const [field, value] of Object.entries(typeof from === 'object' && from !== null ? from : {})) {
            if (!Object.hasOwn(merged, field)) set(merged, field, value);
          }
        }
        continue;
      }
      if (seen.has(name)) {
        problem('yaml-duplicate-key', `key "${name}" is already set in this map`, key, 'Remove one of the two.');
        continue;
      }
      seen.add(name);
      set(own, name, convert(pair.value, depth + 1, open));
    }
    for (const [field, value] of Object.entries(merged)) if (!seen.has(field)) set(own, field, value);
    return Object.freeze(own);
  }

  try {
    return { value: convert(document.contents, 0, []), problems };
  } catch (error) {
    if (error instanceof TooComplex) {
      problem(
        'yaml-too-complex',
        `the document is too complex to read: ${error.message}`,
        error.node,
        'Split the document, or write aliases out.',
      );
      return { value: null, problems };
    }
    throw error;
  }
}

/** `__proto__` must become an own key, never the prototype. */
function set(target: Record<string, unknown>, key: string, value: unknown): void {
  if (key === '__proto__') Object.defineProperty(target, key, { value, enumerable: true });
  else target[key] = value;
}
