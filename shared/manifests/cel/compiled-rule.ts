import { Environment, parse, serialize, type ASTNode } from '@marcbachmann/cel-js';
import { RE2JS } from 're2js';
import { isUrl } from './is-url.ts';

/**
 * A rule, ready to run. `run` gives true or false, or throws the evaluation's error; `depth` is how deeply its loops
 * over lists are nested, for the estimate of its cost. `growth` bounds how much larger than what it was given a value can
 * become in loops that follow each other: each that doubles it doubles what the next one gets.
 */
export interface CompiledRule {
  readonly run: (self: unknown) => unknown;
  readonly depth: number;
  readonly size: number;
  readonly growth: number;
}

export type Compilation = CompiledRule | { readonly unsupported: string } | { readonly transition: true };

/** Loops, and what takes as long as one. */
const MACROS = new Set(['all', 'exists', 'exists_one', 'map', 'filter', 'join', 'split', 'replace', 'format']);
/** Operators whose result can hold what they were given several times. */
const GROWING: ReadonlySet<string> = new Set(['+', 'list', 'map']);
/** The library's own `matches` runs JavaScript's engine; rules are written for RE2. */
const RE2_MATCHES = 'matchesRe2';

/** What a rule calls the value that it looks at: `self` in schemas, `object` in policies. */
type Variable = 'self' | 'object';
const environments = { self: environmentOf('self'), object: environmentOf('object') };

function environmentOf(variable: Variable): Environment {
  return new Environment({
    unlistedVariablesAreDyn: false,
    homogeneousAggregateLiterals: false,
    limits: { maxAstNodes: 2_000, maxDepth: 64 },
  })
    .registerVariable(variable, 'dyn')
    .registerFunction('isURL(string): bool', (text: string) => isUrl(text))
    .registerFunction(`string.${RE2_MATCHES}(string): bool`, (text: string, pattern: string) =>
      re2(pattern).matcher(text).find(),
    );
}

const patterns = new Map<string, RE2JS>();
const rules = new Map<string, Compilation>();
/** Rules come from CRDs, which are few; a cluster with many must not fill the memory. */
const MAX_KEPT = 2_000;

/** Compiles a rule once. Rules on `oldSelf` are about changes, and do not hold for a file. */
export function compiledRule(rule: string, variable: Variable = 'self'): Compilation {
  const key = `${variable}:${rule}`;
  const known = rules.get(key);
  if (known !== undefined) return known;
  if (rules.size >= MAX_KEPT) rules.clear();
  const made = compile(rule, variable);
  rules.set(key, made);
  return made;
}

function compile(rule: string, variable: Variable): Compilation {
  try {
    const { ast } = parse(rule);
    const seen = inspect(ast);
    if (seen.transition) return { transition: true };
    const program = environments[variable].parse(serialize(ast));
    const checked = program.check();
    if (!checked.valid) return { unsupported: firstLine(checked.error?.message ?? 'it does not type-check') };
    const { depth, size, growth } = seen;
    return { run: (value) => program({ [variable]: value }), depth, size, growth };
  } catch (error) {
    return { unsupported: firstLine(error instanceof Error ? error.message : String(error)) };
  }
}

/** Looks at every node once, and turns `matches` into ours in place. */
function inspect(root: ASTNode): { depth: number; size: number; growth: number; transition: boolean } {
  let size = 0;
  let growth = 1;
  let transition = false;
  function visit(node: ASTNode, loops: number): number {
    size += 1;
    let deepest = loops;
    if (loops > 0 && GROWING.has(node.op)) growth *= Array.isArray(node.args) ? Math.max(2, node.args.length) : 2;
    if (node.op === 'id') {
      if (node.args === 'oldSelf') transition = true;
    } else if (node.op === 'rcall') {
      const [name, receiver, args] = node.args;
      if (name === 'matches') node.args[0] = RE2_MATCHES;
      deepest = Math.max(deepest, visit(receiver, loops));
      const inner = MACROS.has(name) ? loops + 1 : loops;
      for (const arg of args) deepest = Math.max(deepest, visit(arg, inner));
    } else if (Array.isArray(node.args)) {
      for (const part of node.args.flat(2)) if (isNode(part)) deepest = Math.max(deepest, visit(part, loops));
    } else if (isNode(node.args)) {
      deepest = Math.max(deepest, visit(node.args, loops));
    }
    return deepest;
  }
  const depth = visit(root, 0);
  return { depth, size, growth, transition };
}

function isNode(value: unknown): value is ASTNode {
  return typeof value === 'object' && value !== null && 'op' in value && 'args' in value;
}

function re2(pattern: string): RE2JS {
  const known = patterns.get(pattern);
  if (known !== undefined) return known;
  if (patterns.size >= MAX_KEPT) patterns.clear();
  const made = RE2JS.compile(pattern);
  patterns.set(pattern, made);
  return made;
}

export function firstLine(message: string): string {
  return message.split('\n', 1)[0]?.trim() ?? message;
}
