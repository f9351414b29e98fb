import type { Matcher } from '../../gateway/matcher.ts';
import {
  anyOf,
  at,
  badPattern,
  clientIp,
  joined,
  onlyAscii,
  type Argument,
  type Known,
  type Made,
  type Problem,
} from './call.ts';
import { templatePattern, type Template } from './template.ts';

/**
 * The matchers of Traefik v2, as v3 has them for rules with `ruleSyntax: v2`: most take several values, of which one must
 * fit; hosts of `HostRegexp`, paths and values of a query are templates.
 */
export const matchersV2: Readonly<Record<string, Known>> = {
  Host: { make: hosts },
  HostHeader: { make: hosts },
  HostRegexp: {
    make: (args) =>
      anyOf(args, (arg) => onlyAscii(arg, 'HostRegexp') ?? fromTemplate(arg, 'host', (pattern) => ({ kind: 'host-regexp', pattern }))),
  },
  Path: {
    make: (args) =>
      anyOf(args, (arg) => (plain(arg) ? { kind: 'path', path: arg.text } : path(arg, 'path'))),
  },
  PathPrefix: {
    make: (args) =>
      anyOf(args, (arg) => (plain(arg) ? { kind: 'path-prefix', prefix: arg.text } : path(arg, 'path-prefix'))),
  },
  Method: { make: (args) => anyOf(args, (arg) => ({ kind: 'method', method: arg.text.toUpperCase() })) },
  Headers: { make: (args) => pairs(args, (name, value) => ({ kind: 'header', name: name.text, value: value.text })) },
  HeadersRegexp: {
    make: (args) =>
      pairs(args, (name, value) => badPattern(value) ?? { kind: 'header-regexp', name: name.text, pattern: value.text }),
  },
  Query: { make: queries },
  ClientIP: { make: (args) => anyOf(args, clientIp) },
}; // prettier-ignore

function hosts(args: readonly Argument[]): Made {
  return anyOf(args, (arg) => onlyAscii(arg, 'Host') ?? { kind: 'host', host: arg.text.toLowerCase() });
}

function plain(arg: Argument): boolean {
  return arg.text.startsWith('/') && !/[{}]/.test(arg.text);
}

function path(arg: Argument, what: 'path' | 'path-prefix'): Made {
  if (!arg.text.startsWith('/')) return at(arg, `path must start with a slash, got "${arg.text}"`);
  return fromTemplate(arg, what, (pattern) => ({ kind: 'path-regexp', pattern }));
}

function fromTemplate(
  arg: Argument,
  what: Parameters<typeof templatePattern>[1],
  make: (pattern: string) => Matcher,
): Made {
  const read = templatePattern(arg.text, what);
  if ('problem' in read) return at(arg, read.problem);
  return badTemplate(arg, read) ?? make(read.pattern);
}

/** Traefik takes no part that is no pattern by itself, even where a part behind it would make one of the whole. */
function badTemplate(arg: Argument, { pattern, variables }: Template): Problem | undefined {
  for (const part of variables) {
    const problem = badPattern(arg, part.pattern);
    if (problem !== undefined) return problem;
  }
  return badPattern(arg, pattern);
}

/** A name twice counts once, with its last value. */
function pairs(args: readonly Argument[], make: (name: Argument, value: Argument) => Made): Made {
  if (args.length % 2 !== 0) return unpaired(args);
  const byName = new Map<string, Made>();
  for (let index = 0; index < args.length; index += 2) {
    const [name, value] = [args[index], args[index + 1]];
    if (name !== undefined && value !== undefined) byName.set(name.text, make(name, value));
  }
  return joined('all', [...byName.values()]);
}

/**
 * Each argument is `NAME=VALUE`; those without `=` are taken two by two, as the name and the value. All are one route of
 * Traefik's template language, in which no two may name a variable alike.
 */
function queries(args: readonly Argument[]): Made {
  const flat = args.flatMap((arg) => {
    const mark = arg.text.indexOf('=');
    const texts = mark < 0 ? [arg.text] : [arg.text.slice(0, mark), arg.text.slice(mark + 1)];
    return texts.map((text) => ({ ...arg, text }));
  });
  if (flat.length % 2 !== 0) return unpaired(args);
  const made: Made[] = [];
  const variables = new Set<string>();
  for (let index = 0; index < flat.length; index += 2) {
    const [name, value] = [flat[index], flat[index + 1]];
    if (name === undefined || value === undefined) continue;
    const template = `${name.text}=${value.text}`;
    const [key = ''] = template.split('=', 1);
    const read = templatePattern(template, 'query');
    if ('problem' in read) return at(name, read.problem);
    const known = read.variables.find((variable) => variables.has(variable.name));
    if (known !== undefined) return at(name, `duplicated route variable "${known.name}"`);
    for (const variable of read.variables) variables.add(variable.name);
    made.push(badTemplate(name, read) ?? { kind: 'query-first', name: key, pattern: read.pattern });
  }
  return joined('all', made);
}

function unpaired(args: readonly Argument[]): Made {
  const [first, last] = [args[0], args.at(-1)];
  return { message: 'the number of parameters must be a multiple of 2', start: first?.start ?? 0, end: last?.end ?? 0 };
}
