import { claimAt, claimText, splitClaimPath, type Claims } from './claim-path.ts';

/** Whether the claims of a credential are as the expression asks. */
export type ClaimCheck = (claims: Claims) => boolean;

const MAX_LENGTH = 16_384;
const MAX_DEPTH = 64;

type Make = (value: (claims: Claims) => unknown, given: readonly string[]) => ClaimCheck;

/** Function → how many arguments follow the key, and what it checks (`hub-kinds` facts 2.4). */
const FUNCTIONS: Readonly<Record<string, { readonly min: number; readonly max: number; readonly make: Make }>> = {
  Equals: { min: 1, max: 1, make: oneOf },
  Prefix: {
    min: 1,
    max: 1,
    make:
      (value, [prefix = '']) =>
      (claims) =>
        claimText(value(claims))?.startsWith(prefix) === true,
  },
  Contains: {
    min: 1,
    max: 1,
    make:
      (value, [part = '']) =>
      (claims) => {
        const found = value(claims);
        if (Array.isArray(found)) return found.some((entry) => claimText(entry) === part);
        return typeof found === 'string' && found.includes(part);
      },
  },
  SplitContains: {
    min: 2,
    max: 2,
    make:
      (value, [separator = '', part = '']) =>
      (claims) => {
        const found = value(claims);
        return typeof found === 'string' && found.split(separator).includes(part);
      },
  },
  OneOf: { min: 1, max: Infinity, make: oneOf },
};

function oneOf(value: (claims: Claims) => unknown, wanted: readonly string[]): ClaimCheck {
  return (claims) => {
    const found = claimText(value(claims));
    return found !== undefined && wanted.includes(found);
  };
}

class ClaimExpressionError extends Error {}

/**
 * Reads a claim expression: `Equals(`key`, `value`)`, `Prefix`, `Contains`, `SplitContains`, `OneOf`, joined by `&&`, `||`
 * and `!`, which bind as in Go, and parentheses. What cannot be read is told with its place.
 */
export function parseClaimExpression(text: string): ClaimCheck | { readonly problem: string } {
  try {
    if (text.length > MAX_LENGTH) throw new ClaimExpressionError(`longer than ${MAX_LENGTH} characters`);
    const parser = new Parser(text);
    const check = parser.either(0);
    parser.end();
    return check;
  } catch (error) {
    if (error instanceof ClaimExpressionError) return { problem: error.message };
    throw error;
  }
}

class Parser {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  either(depth: number): ClaimCheck {
    const parts = [this.#all(depth)];
    while (this.#take('||')) parts.push(this.#all(depth));
    const [only] = parts;
    return parts.length === 1 && only !== undefined ? only : (claims) => parts.some((part) => part(claims));
  }

  end(): void {
    this.#space();
    if (this.#at < this.#text.length) this.#fail('expected && or || or the end');
  }

  #all(depth: number): ClaimCheck {
    const parts = [this.#one(depth)];
    while (this.#take('&&')) parts.push(this.#one(depth));
    const [only] = parts;
    return parts.length === 1 && only !== undefined ? only : (claims) => parts.every((part) => part(claims));
  }

  #one(depth: number): ClaimCheck {
    if (depth > MAX_DEPTH) this.#fail(`nested more than ${MAX_DEPTH} deep`);
    if (this.#take('!')) {
      const part = this.#one(depth + 1);
      return (claims) => !part(claims);
    }
    if (!this.#take('(')) return this.#call();
    const inside = this.either(depth + 1);
    this.#expect(')');
    return inside;
  }

  #call(): ClaimCheck {
    this.#space();
    const start = this.#at;
    const [name = ''] = /^[A-Za-z_]\w*/.exec(this.#text.slice(start, start + 64)) ?? [];
    const known = Object.hasOwn(FUNCTIONS, name) ? FUNCTIONS[name] : undefined;
    if (name === '') this.#fail('expected a function');
    if (known === undefined) return this.#fail(`no function "${name}"; there are ${Object.keys(FUNCTIONS).join(', ')}`);
    this.#at += name.length;
    this.#expect('(');
    const given = [this.#argument()];
    while (this.#take(',')) given.push(this.#argument());
    this.#expect(')');
    const [key = '', ...rest] = given;
    if (rest.length < known.min || rest.length > known.max) {
      this.#at = start;
      const wanted = known.max === Infinity ? `at least ${known.min + 1}` : String(known.min + 1);
      this.#fail(`${name} takes ${wanted} arguments, not ${given.length}`);
    }
    const keys = splitClaimPath(key);
    return known.make((claims) => claimAt(claims, keys), rest);
  }

  #argument(): string {
    this.#space();
    const quote = this.#text[this.#at];
    if (quote !== '`' && quote !== '"') return this.#fail('expected an argument in backquotes');
    const end = this.#text.indexOf(quote, this.#at + 1);
    if (end < 0) return this.#fail('the quote is never closed');
    const value = this.#text.slice(this.#at + 1, end);
    if (quote === '"' && /[\\\n]/.test(value)) this.#fail('escapes are not read here: use backquotes');
    this.#at = end + 1;
    return value;
  }

  #take(sign: string): boolean {
    this.#space();
    if (!this.#text.startsWith(sign, this.#at)) return false;
    this.#at += sign.length;
    return true;
  }

  #expect(sign: string): void {
    if (!this.#take(sign)) this.#fail(`expected ${sign}`);
  }

  #space(): void {
    while (/\s/.test(this.#text[this.#at] ?? '')) this.#at += 1;
  }

  #fail(message: string): never {
    throw new ClaimExpressionError(`${message}, at character ${this.#at + 1}`);
  }
}
