import type { Matcher } from '../../gateway/config.ts';
import { regexProblem } from '../regex.ts';
import type { RuleProblem } from './token.ts';

export interface Argument {
  readonly text: string;
  readonly start: number;
  readonly end: number;
}

export interface Call {
  readonly name: Argument;
  readonly args: readonly Argument[];
}

interface Known {
  readonly min: number;
  readonly max: number;
  /** The matcher, or the argument that is wrong and why. */
  readonly make: (first: Argument, second: Argument | undefined) => Matcher | Omit<RuleProblem, 'code'> | RuleProblem;
}

const MATCHERS: Readonly<Record<string, Known>> = {
  Host: { min: 1, max: 1, make: (arg) => onlyAscii(arg, 'Host') ?? { kind: 'host', host: arg.text.toLowerCase() } },
  HostRegexp: {
    min: 1,
    max: 1,
    make: (arg) => onlyAscii(arg, 'HostRegexp') ?? badRegex(arg) ?? { kind: 'host-regexp', pattern: arg.text },
  },
  Path: { min: 1, max: 1, make: (arg) => noSlash(arg) ?? { kind: 'path', path: arg.text } },
  PathPrefix: { min: 1, max: 1, make: (arg) => noSlash(arg) ?? { kind: 'path-prefix', prefix: arg.text } },
  PathRegexp: { min: 1, max: 1, make: (arg) => badRegex(arg) ?? { kind: 'path-regexp', pattern: arg.text } },
  Method: { min: 1, max: 1, make: (arg) => ({ kind: 'method', method: arg.text.toUpperCase() }) },
  Header: { min: 2, max: 2, make: (name, value) => ({ kind: 'header', name: name.text, value: value?.text ?? '' }) },
  HeaderRegexp: {
    min: 2,
    max: 2,
    make: (name, value) => badRegex(value) ?? { kind: 'header-regexp', name: name.text, pattern: value?.text ?? '' },
  },
  Query: {
    min: 1,
    max: 2,
    make: (name, value) => ({ kind: 'query', name: name.text, ...(value === undefined ? {} : { value: value.text }) }),
  },
  QueryRegexp: {
    min: 1,
    max: 2,
    make: (name, value) =>
      value === undefined
        ? { kind: 'query', name: name.text }
        : (badRegex(value) ?? { kind: 'query-regexp', name: name.text, pattern: value.text }),
  },
  ClientIP: { min: 1, max: 1, make: (arg) => notAnAddress(arg) ?? { kind: 'client-ip', cidr: arg.text } },
};

/** Traefik registers each name as written, in lower case, in upper case and capitalised. */
const BY_SPELLING = new Map<string, string>(
  Object.keys(MATCHERS).flatMap((name) => {
    const lower = name.toLowerCase();
    return [name, lower, name.toUpperCase(), lower.charAt(0).toUpperCase() + lower.slice(1)].map(
      (spelling) => [spelling, name] as const,
    );
  }),
);

export const matcherNames: readonly string[] = Object.keys(MATCHERS);

/** The matcher that a call of Traefik v3's rule language stands for, or what v3 refuses about it. */
export function matcherOf(call: Call): { matcher: Matcher } | { problem: RuleProblem } {
  const { name, args } = call;
  const known = MATCHERS[BY_SPELLING.get(name.text) ?? ''];
  if (known === undefined) {
    const hint = `Traefik v3 knows ${matcherNames.join(', ')}.`;
    return {
      problem: {
        code: 'rule-syntax',
        message: `unsupported function: ${name.text}`,
        start: name.start,
        end: name.end,
        hint,
      },
    };
  }
  const [first, second] = args;
  if (first === undefined || args.length < known.min || args.length > known.max) {
    const wanted = known.min === known.max ? `${known.min}` : `${known.min} or ${known.max}`;
    const message = `unexpected number of parameters for ${name.text}; got ${args.length}, expected ${wanted}`;
    const hint =
      args.length > known.max
        ? `Since v3 each takes one value: join several by ||, as in ${name.text}(\`a\`) || ${name.text}(\`b\`).`
        : undefined;
    return {
      problem: {
        code: 'rule-syntax',
        message,
        start: name.start,
        end: (args.at(-1) ?? name).end,
        ...(hint === undefined ? {} : { hint }),
      },
    };
  }
  const made = known.make(first, second);
  return 'kind' in made ? { matcher: made } : { problem: { code: 'rule-syntax', ...made } };
}

function at(arg: Argument, message: string): Omit<RuleProblem, 'code'> {
  return { message, start: arg.start, end: arg.end };
}

function noSlash(arg: Argument): Omit<RuleProblem, 'code'> | undefined {
  return arg.text.startsWith('/') ? undefined : at(arg, `path "${arg.text}" does not start with a '/'`);
}

function onlyAscii(arg: Argument, name: string): Omit<RuleProblem, 'code'> | undefined {
  for (const char of arg.text) {
    if ((char.codePointAt(0) ?? 0) > 127) {
      return at(arg, `invalid value "${arg.text}" for ${name} matcher, non-ASCII characters are not allowed`);
    }
  }
  return undefined;
}

function badRegex(arg: Argument | undefined): RuleProblem | undefined {
  const problem = arg === undefined ? undefined : regexProblem(arg.text);
  if (arg === undefined || problem === undefined) return undefined;
  return { ...at(arg, `not a regular expression: ${problem}`), code: 'regex-invalid' };
}

function notAnAddress(arg: Argument): Omit<RuleProblem, 'code'> | undefined {
  const [address = '', bits, rest] = arg.text.split('/');
  const v4 = /^(25[0-5]|2[0-4]\d|1?\d?\d)(\.(25[0-5]|2[0-4]\d|1?\d?\d)){3}$/.test(address);
  const v6 = address.includes(':') && /^[0-9a-fA-F:.]{2,45}$/.test(address) && URL.canParse(`http://[${address}]/`);
  const size = bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= (v4 ? 32 : 128));
  if ((v4 || v6) && size && rest === undefined) return undefined;
  return at(arg, `"${arg.text}" is not an IP address or CIDR`);
}
