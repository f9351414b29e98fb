type Value = number | string | boolean;
type Kind = 'int' | 'float' | 'string' | 'condition';

export interface PredicateFunction {
  readonly parameters: readonly ('int' | 'float')[];
  /** `condition`: stands by itself; the others are compared with a literal. */
  readonly result: Kind;
}

/** Whether the expression holds; `call` gives the value of a function. */
export type Predicate = (call: (name: string, parameters: readonly number[]) => Value) => boolean;

/**
 * The conditions of Traefik's circuit breaker and buffering: a subset of Go's expressions, in which a function is compared
 * with a literal of its own type (`NetworkErrorRatio() > 0.5`), joined by `&&` and `||`. A string as result is what is wrong.
 */
export function parsePredicate(
  text: string,
  functions: Readonly<Record<string, PredicateFunction>>,
): Predicate | { readonly problem: string } {
  try {
    const tokens = tokenize(text);
    const parser = new Parser(tokens, functions);
    const predicate = parser.either(0);
    parser.expect(undefined);
    return predicate;
  } catch (error) {
    if (error instanceof PredicateError) return { problem: error.message };
    throw error;
  }
}

class PredicateError extends Error {}

interface Token {
  readonly kind: 'name' | 'int' | 'float' | 'string' | 'sign';
  readonly text: string;
}

const MAX_LENGTH = 4096;
const MAX_DEPTH = 64;
const TOKEN =
  /\s*(?:([A-Za-z_]\w*)|((?:\d+\.\d*|\.\d+)(?:[eE][+-]?\d+)?|\d+[eE][+-]?\d+)|(\d+)|("(?:[^"\\\n]|\\.)*"|`[^`]*`)|(&&|\|\||[=!<>]=|[<>!(),]))/y;

function tokenize(text: string): Token[] {
  if (text.length > MAX_LENGTH) throw new PredicateError(`the expression is longer than ${MAX_LENGTH} characters`);
  const tokens: Token[] = [];
  const end = text.trimEnd().length;
  for (let at = 0; at < end; at = TOKEN.lastIndex) {
    TOKEN.lastIndex = at;
    const match = TOKEN.exec(text);
    if (match === null) throw new PredicateError(`"${text.slice(at).trim().slice(0, 20)}" is not understood`);
    const [, name, float, int, string, sign] = match;
    if (name !== undefined) tokens.push({ kind: 'name', text: name });
    else if (float !== undefined) tokens.push({ kind: 'float', text: float });
    else if (int !== undefined) tokens.push({ kind: 'int', text: int });
    else if (string !== undefined) tokens.push({ kind: 'string', text: string.slice(1, -1) });
    else tokens.push({ kind: 'sign', text: sign ?? '' });
  }
  return tokens;
}

class Parser {
  readonly #tokens: readonly Token[];
  readonly #functions: Readonly<Record<string, PredicateFunction>>;
  #at = 0;

  constructor(tokens: readonly Token[], functions: Readonly<Record<string, PredicateFunction>>) {
    this.#tokens = tokens;
    this.#functions = functions;
  }

  either(depth: number): Predicate {
    const of = [this.#both(depth)];
    while (this.#takes('||')) of.push(this.#both(depth));
    const [only] = of;
    return of.length === 1 && only !== undefined ? only : (call) => of.some((holds) => holds(call));
  }

  expect(sign: string | undefined): void {
    const token = this.#tokens[this.#at++];
    if (token?.text === sign && (token === undefined || token.kind === 'sign')) return;
    const found = token === undefined ? 'the end' : `"${token.text}"`;
    throw new PredicateError(`${found} stands where ${sign === undefined ? 'the end' : `"${sign}"`} should be`);
  }

  #both(depth: number): Predicate {
    const of = [this.#condition(depth)];
    while (this.#takes('&&')) of.push(this.#condition(depth));
    const [only] = of;
    return of.length === 1 && only !== undefined ? only : (call) => of.every((holds) => holds(call));
  }

  #condition(depth: number): Predicate {
    if (depth > MAX_DEPTH) throw new PredicateError('the parentheses are too deep');
    if (this.#takes('(')) {
      const inner = this.either(depth + 1);
      this.expect(')');
      return inner;
    }
    const { name, kind, parameters } = this.#call();
    const token = this.#tokens[this.#at];
    const compare = token?.kind === 'sign' ? COMPARISONS[token.text] : undefined;
    if (kind === 'condition') {
      if (compare !== undefined) throw new PredicateError(`${name}() is compared with nothing`);
      return (call) => call(name, parameters) === true;
    }
    if (compare === undefined) throw new PredicateError(`${name}() must be compared with a value`);
    this.#at += 1;
    const literal = this.#tokens[this.#at++];
    if (literal?.kind !== kind) {
      const words = { int: 'a whole number', float: 'a number with a decimal point', string: 'a text' }[kind];
      throw new PredicateError(`${name}() must be compared with ${words}`);
    }
    if (kind === 'string' && token?.text !== '==' && token?.text !== '!=')
      throw new PredicateError(`${name}() can only be compared with == and !=`);
    const value = kind === 'string' ? literal.text : Number(literal.text);
    return (call) => compare(call(name, parameters), value);
  }

  #call(): { name: string; kind: Kind; parameters: readonly number[] } {
    const token = this.#tokens[this.#at++];
    if (token?.kind !== 'name') throw new PredicateError(`${token === undefined ? 'the end' : `"${token.text}"`} stands where a function should be`); // prettier-ignore
    const wanted = Object.hasOwn(this.#functions, token.text) ? this.#functions[token.text] : undefined;
    if (wanted === undefined) throw new PredicateError(`"${token.text}" is no function; there are ${Object.keys(this.#functions).join(', ')}`); // prettier-ignore
    this.expect('(');
    const parameters: number[] = [];
    for (const [index, kind] of wanted.parameters.entries()) {
      if (index > 0) this.expect(',');
      const literal = this.#tokens[this.#at++];
      if (literal?.kind !== kind) {
        const words = kind === 'int' ? 'a whole number' : 'a number with a decimal point';
        throw new PredicateError(`parameter ${index + 1} of ${token.text}() must be ${words}`);
      }
      parameters.push(Number(literal.text));
    }
    this.expect(')');
    return { name: token.text, kind: wanted.result, parameters };
  }

  #takes(sign: string): boolean {
    const token = this.#tokens[this.#at];
    if (token?.kind !== 'sign' || token.text !== sign) return false;
    this.#at += 1;
    return true;
  }
}

const COMPARISONS: Readonly<Record<string, (one: Value, other: Value) => boolean>> = {
  '==': (one, other) => one === other,
  '!=': (one, other) => one !== other,
  '<': (one, other) => one < other,
  '<=': (one, other) => one <= other,
  '>': (one, other) => one > other,
  '>=': (one, other) => one >= other,
};

/** For the circuit breaker: what became of the calls of the last seconds. */
export const breakerFunctions: Readonly<Record<string, PredicateFunction>> = {
  NetworkErrorRatio: { parameters: [], result: 'float' },
  ResponseCodeRatio: { parameters: ['int', 'int', 'int', 'int'], result: 'float' },
  LatencyAtQuantileMS: { parameters: ['float'], result: 'int' },
};

/** For buffering: what became of the try before. */
export const retryFunctions: Readonly<Record<string, PredicateFunction>> = {
  RequestMethod: { parameters: [], result: 'string' },
  IsNetworkError: { parameters: [], result: 'condition' },
  Attempts: { parameters: [], result: 'int' },
  ResponseCode: { parameters: [], result: 'int' },
};
