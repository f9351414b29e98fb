import { isIP } from 'node:net';
import type { Matcher } from '../../gateway/matcher.ts';
import { regexProblem } from '../regex.ts';
import type { RuleProblem } from './token.ts';

export interface Argument {
  readonly text: string;
  readonly start: number;
  readonly end: number;
}

/** A call of a matcher in a rule. */
export interface Call {
  readonly name: Argument;
  readonly args: readonly Argument[];
}

export type Problem = Omit<RuleProblem, 'code'> & Partial<Pick<RuleProblem, 'code'>>;
export type Made = Matcher | Problem;

/** What a syntax knows of one matcher. */
export interface Known {
  /** Numbers of arguments that are taken; absent: any but none. */
  readonly counts?: readonly number[];
  /** Gets at least one argument, none of them empty. */
  readonly make: (args: readonly Argument[]) => Made;
}

/** One matcher from each argument, of which one must hold. The first that is wrong is the result. */
export function anyOf(args: readonly Argument[], make: (arg: Argument) => Made): Made {
  return joined('any', args.map(make));
}

export function joined(kind: 'any' | 'all', made: readonly Made[]): Made {
  const of: Matcher[] = [];
  for (const one of made) {
    if (!('kind' in one)) return one;
    of.push(one);
  }
  return of.length === 1 && of[0] !== undefined ? of[0] : { kind, of };
}

export function at(arg: Argument, message: string): Problem {
  return { message, start: arg.start, end: arg.end };
}

export function onlyAscii(arg: Argument, name: string): Problem | undefined {
  for (const char of arg.text) {
    if ((char.codePointAt(0) ?? 0) > 127) {
      return at(arg, `invalid value "${arg.text}" for ${name} matcher, non-ASCII characters are not allowed`);
    }
  }
  return undefined;
}

export function badPattern(arg: Argument, pattern = arg.text): Problem | undefined {
  const problem = regexProblem(pattern);
  return problem === undefined
    ? undefined
    : { ...at(arg, `not a regular expression: ${problem}`), code: 'regex-invalid' };
}

/** An IP address or a CIDR, as Go's `net` reads them. */
export function clientIp(arg: Argument): Made {
  const [address = '', bits, rest] = arg.text.split('/');
  const version = address.includes('%') ? 0 : isIP(address);
  const size = bits === undefined || (/^\d{1,4}$/.test(bits) && Number(bits) <= (version === 4 ? 32 : 128));
  if (version !== 0 && size && rest === undefined) return { kind: 'client-ip', cidr: arg.text };
  return at(arg, `"${arg.text}" is not an IP address or CIDR`);
}
