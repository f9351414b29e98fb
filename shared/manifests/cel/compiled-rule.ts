import { Environment, parse, serialize, type ASTNode } from '@marcbachmann/cel-js';
import { RE2JS } from 're2js';
import { isUrl } from './is-url.ts';

/**
 * A rule, ready to run. `run` gives true or false, or throws the evaluation's error; `depth` is how deeply its loops
 * over lists are nested, for the estimate of its cost.
 */
export interface CompiledRule {
  readonly run: (self: unknown) => unknown;
  readonly depth: number;
  readonly size: number;
}

export type Compilation = CompiledRule | { readonly unsupported: string } | { readonly transition: true };

const MACROS = new Set(['all', 'exists', 'exists_one', 'map', 'filter']);
/** The library's own `matches` runs JavaScript's engine; rules are written for RE2. */
const RE2_MATCHES = 'matchesRe2';

const environment = new Environment({
  unlistedVariablesAreDyn: false,
  homogeneousAggregateLiterals: false,
  limits: { maxAstNodes: 2_000, maxDepth: 64 },
})
  .registerVariable('self', 'dyn')
  .registerFunction('isURL(string): bool', (text: string) => isUrl(text))
  .registerFunction(`string.${RE2_MATCHES}(string): bool`, (text: string, pattern: string) =>
    re2(pattern).matcher(text).find(),
  );

const patterns = new Map<string, RE2JS>();
const rules = new Map<string, Compilation>();
/** Rules come from CRDs, which are few; a cluster with many must not fill the memory. */
const MAX_KEPT = 2_000;

/** Compiles a rule once. Rules on `oldSelf` are about changes, and do not hold for a file. */
export function compiledRule(rule: string): Compilation {
  const known = rules.get(rule);
  if (known !== undefined) return known;
  if (rules.size >= MAX_KEPT) rules.clear();
  const made = compile(rule);
  rules.set(rule, made);
  return made;
}

function compile(rule: string): Compilation {
  try {
    const { ast } = parse(rule);
    const seen = inspect(ast);
    if (seen.transition) return { transition: true };
    const program = environment.parse(serialize(ast));
    const checked = program.check();
    if (!checked.valid) return { unsupported: firstLine(checked.error?.message ?? 'it does not type-check') };
    return { run: (self) => program({ self }), depth: seen.depth, size: seen.size };
  } catch (error) {
    return { unsupported: firstLine(error instanceof Error ? error.message : String(error)) };
  }
}

/** Looks at every node once, and turns `matches` into ours in place. */
function inspect(root: ASTNode): { depth: number; size: number; transition: boolean } {
  let size = 0;
  let transition = false;
  function visit(node: ASTNode, loops: number): number {
    size += 1;
    let deepest = loops;
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
  return { depth, size, transition };
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
