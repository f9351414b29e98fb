import type { Matcher } from '../../gateway/matcher.ts';
import type { Argument } from './call.ts';
import { matcherOf, type RuleSyntax } from './matcher-of.ts';
import { tokenise, type RuleProblem, type Token } from './token.ts';

/** Far above any real rule; bounds the recursion and the work of a request. */
const MAX_RULE = 16_384;
const MAX_DEPTH = 64;

export type ParsedRule = { readonly matcher: Matcher } | { readonly problems: readonly RuleProblem[] };

/**
 * Parses a rule of Traefik: calls of matchers joined by `&&` (binds tighter) and `||`, negated by `!`, grouped by
 * parentheses. As in Go, from whose parser Traefik's derives, a line may break after an operator but not before one.
 * The syntax says which matchers there are.
 */
export function parseRule(rule: string, syntax: RuleSyntax = 'v3'): ParsedRule {
  if (rule.trim() === '') return { problems: [syntaxProblem('the rule is empty', 0, rule.length)] };
  if (rule.length > MAX_RULE)
    return { problems: [syntaxProblem(`the rule is longer than ${MAX_RULE} characters`, 0, 1)] };
  const { tokens, problem } = tokenise(rule);
  if (problem !== undefined) return { problems: [problem] };
  return new RuleParser(tokens, syntax).parse();
}

/** Traefik's priority of a router without one of its own: the length of its rule in bytes. */
export function rulePriority(rule: string): number {
  return new TextEncoder().encode(rule).length;
}

class Stop extends Error {
  readonly problem: RuleProblem;
  constructor(problem: RuleProblem) {
    super(problem.message);
    this.problem = problem;
  }
}

class RuleParser {
  readonly #tokens: readonly Token[];
  readonly #syntax: RuleSyntax;
  readonly #problems: RuleProblem[] = [];
  #at = 0;

  constructor(tokens: readonly Token[], syntax: RuleSyntax) {
    this.#tokens = tokens;
    this.#syntax = syntax;
  }

  parse(): ParsedRule {
    try {
      const matcher = this.#any(0);
      // Trailing line breaks are what a YAML block scalar leaves.
      this.#skipNewlines();
      const rest = this.#peek();
      if (rest.kind !== 'end') {
        const broken = this.#tokens[this.#at - 1]?.kind === 'newline' && (rest.kind === '&&' || rest.kind === '||');
        throw new Stop(
          broken
            ? {
                ...syntaxProblem(`a line may not begin with ${rest.kind}`, rest.start, rest.end),
                hint: `Put ${rest.kind} at the end of the line before.`,
              }
            : syntaxProblem(`unexpected ${describe(rest)}`, rest.start, rest.end),
        );
      }
      return this.#problems.length > 0 ? { problems: this.#problems } : { matcher };
    } catch (error) {
      if (error instanceof Stop) return { problems: [...this.#problems, error.problem] };
      throw error;
    }
  }

  #any(depth: number): Matcher {
    const of = [this.#all(depth)];
    while (this.#take('||')) of.push(this.#all(depth));
    return of.length === 1 && of[0] !== undefined ? of[0] : { kind: 'any', of };
  }

  #all(depth: number): Matcher {
    const of = [this.#unary(depth)];
    while (this.#take('&&')) of.push(this.#unary(depth));
    return of.length === 1 && of[0] !== undefined ? of[0] : { kind: 'all', of };
  }

  #unary(depth: number): Matcher {
    if (depth > MAX_DEPTH)
      throw new Stop(syntaxProblem(`nested deeper than ${MAX_DEPTH} levels`, this.#peek().start, this.#peek().end));
    this.#skipNewlines();
    if (this.#take('!')) return { kind: 'not', of: this.#unary(depth + 1) };
    if (this.#take('(')) {
      const inner = this.#any(depth + 1);
      this.#expect(')', depth);
      return inner;
    }
    return this.#call();
  }

  #call(): Matcher {
    const name = this.#peek();
    if (name.kind !== 'word')
      throw new Stop(
        syntaxProblem(`expected a matcher such as Host(\`…\`), found ${describe(name)}`, name.start, name.end),
      );
    this.#at += 1;
    this.#expect('(', 0);
    const args: Argument[] = [];
    this.#skipNewlines();
    while (this.#peek().kind !== ')') {
      const arg = this.#peek();
      if (arg.kind !== 'string')
        throw new Stop(syntaxProblem(`expected a string in backquotes, found ${describe(arg)}`, arg.start, arg.end));
      this.#at += 1;
      args.push({ text: arg.text, start: arg.start, end: arg.end });
      if (!this.#take(',')) break;
      this.#skipNewlines();
    }
    this.#expect(')', 0);
    const result = matcherOf({ name: { text: name.text, start: name.start, end: name.end }, args }, this.#syntax);
    if ('matcher' in result) return result.matcher;
    this.#problems.push(result.problem);
    return { kind: 'any', of: [] };
  }

  #peek(): Token {
    return this.#tokens[this.#at] ?? { kind: 'end', start: 0, end: 0 };
  }

  #take(kind: Token['kind']): boolean {
    if (this.#peek().kind !== kind) return false;
    this.#at += 1;
    return true;
  }

  #expect(kind: ')' | '(', depth: number): void {
    const found = this.#peek();
    if (this.#take(kind)) return;
    const where = depth > 0 ? ' of the group' : '';
    throw new Stop(syntaxProblem(`expected '${kind}'${where}, found ${describe(found)}`, found.start, found.end));
  }

  #skipNewlines(): void {
    while (this.#take('newline'));
  }
}

function syntaxProblem(message: string, start: number, end: number): RuleProblem {
  return { code: 'rule-syntax', message, start, end };
}

function describe(token: Token): string {
  if (token.kind === 'end') return 'the end of the rule';
  if (token.kind === 'newline') return 'the end of the line';
  return token.kind === 'word' || token.kind === 'string' ? `${JSON.stringify(token.text)}` : `'${token.kind}'`;
}
