import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Matcher } from '../../gateway/config.ts';
import { goQuote, readGoString } from './go-string.ts';
import { parseRule, rulePriority } from './parse-rule.ts';

function problems(rule: string): string[] {
  const parsed = parseRule(rule);
  return 'problems' in parsed ? parsed.problems.map(({ start, end, message }) => `${start}-${end} ${message}`) : [];
}

function matcher(rule: string): Matcher | undefined {
  const parsed = parseRule(rule);
  return 'matcher' in parsed ? parsed.matcher : undefined;
}

describe('reads what Traefik v3 reads', () => {
  const a: Matcher = { kind: 'host', host: 'a' };
  const b: Matcher = { kind: 'path', path: '/b' };
  const c: Matcher = { kind: 'method', method: 'GET' };
  it.each<[string, Matcher]>([
    ['Host(`Example.COM`)', { kind: 'host', host: 'example.com' }],
    ['Host("a")', a],
    ['host(`a`)', a],
    ['HOST(`a`)', a],
    ['HostRegexp(`^.+\\.a$`)', { kind: 'host-regexp', pattern: '^.+\\.a$' }],
    ['Hostregexp(`x`)', { kind: 'host-regexp', pattern: 'x' }],
    ['PathPrefix(`/x`)', { kind: 'path-prefix', prefix: '/x' }],
    ['PathRegexp("^/\\\\d+$")', { kind: 'path-regexp', pattern: '^/\\d+$' }],
    ['Method(`get`)', c],
    ['Header(`X`, `y`)', { kind: 'header', name: 'X', value: 'y' }],
    ['HeaderRegexp(`X`, `y+`)', { kind: 'header-regexp', name: 'X', pattern: 'y+' }],
    ['Query(`q`)', { kind: 'query', name: 'q' }],
    ['Query(`q`, `1`)', { kind: 'query', name: 'q', value: '1' }],
    ['QueryRegexp(`q`, `1+`)', { kind: 'query-regexp', name: 'q', pattern: '1+' }],
    ['ClientIP(`10.0.0.0/8`)', { kind: 'client-ip', cidr: '10.0.0.0/8' }],
    ['ClientIP(`::1`)', { kind: 'client-ip', cidr: '::1' }],
    ['Host(`a`) && Path(`/b`)', { kind: 'all', of: [a, b] }],
    ['Host(`a`) || Path(`/b`) && Method(`GET`)', { kind: 'any', of: [a, { kind: 'all', of: [b, c] }] }],
    ['(Host(`a`) || Path(`/b`)) && Method(`GET`)', { kind: 'all', of: [{ kind: 'any', of: [a, b] }, c] }],
    ['!Host(`a`) && Path(`/b`)', { kind: 'all', of: [{ kind: 'not', of: a }, b] }],
    ['!(Host(`a`) || Path(`/b`))', { kind: 'not', of: { kind: 'any', of: [a, b] } }],
    ['Host(`a`) &&\n  Path(`/b`)\n', { kind: 'all', of: [a, b] }],
    ['Host(`a`) && // which\n /* and */ Path(`/b`,)', { kind: 'all', of: [a, b] }],
    ['QueryRegexp(`q`)', { kind: 'query', name: 'q' }],
    ['PathPrefix("/\\xc3\\244\\u00e4\\U0001F600")', { kind: 'path-prefix', prefix: '/ää😀' }],
    ['Path("/\\xff")', { kind: 'path', path: '/\uDCFF' }],
    ['!!Host(`a`)', { kind: 'not', of: { kind: 'not', of: a } }],
  ])('%s', (rule, expected) => {
    expect(matcher(rule)).toEqual(expected);
  });
});

describe('refuses what Traefik v3 refuses, at the place', () => {
  it.each([
    ['', '0-0 the rule is empty'],
    ['Host(`a`, `b`)', '0-13 unexpected number of parameters for Host; got 2, expected 1'],
    ['Method(`GET`, `POST`)', '0-20 unexpected number of parameters for Method; got 2, expected 1'],
    ['Header(`X`)', '0-10 unexpected number of parameters for Header; got 1, expected 2'],
    ['Host()', '0-4 unexpected number of parameters for Host; got 0, expected 1'],
    ['Hots(`a`)', '0-4 unsupported function: Hots'],
    ['Path(`a`)', `5-8 path "a" does not start with a '/'`],
    ['Host(`ä`)', '5-8 invalid value "ä" for Host matcher, non-ASCII characters are not allowed'],
    ['Host(`a`) & Path(`/`)', '10-11 unexpected character "&"'],
    ['Host(`a`) Path(`/`)', '10-14 unexpected "Path"'],
    ['Host(`a`', "8-8 expected ')', found the end of the rule"],
    ['(Host(`a`)', "10-10 expected ')', found the end of the rule"],
    ['Host(`a', '5-7 the string is not closed: ` is missing'],
    ["Host('a')", "5-6 single quotes do not hold a string in Traefik's rules"],
    ['Host(a)', '5-6 expected a string in backquotes, found "a"'],
    ['Host(`a`) &&', '12-12 expected a matcher such as Host(`…`), found the end of the rule'],
    ['Host(`a`)\n && Path(`/`)', '11-13 a line may not begin with &&'],
    ['ClientIP(`10.0.0`)', '9-17 "10.0.0" is not an IP address or CIDR'],
    ['ClientIP(`10.0.0.01`)', '9-20 "10.0.0.01" is not an IP address or CIDR'],
    ['ClientIP(`10.0.0.0/33`)', '9-22 "10.0.0.0/33" is not an IP address or CIDR'],
    ['Header(`X`, ``)', '12-14 empty args for matcher Header'],
    ['Query(``)', '6-8 empty args for matcher Query'],
    ['Headers(`X`, `y`)', '0-7 unsupported function: Headers'],
    ['HoSt(`a`)', '0-4 unsupported function: HoSt'],
    ['Host(`a`)\n', ''],
    ['Host(`a`\n)', "8-9 expected ')', found the end of the line"],
    ['(Host(`a`)\n)', "10-11 expected ')', found the end of the line"],
    ['Host("\\q")', '5-10 unknown escape sequence \\q: use backquotes for regular expressions'],
    ['Path("/\\400")', '5-13 unknown escape sequence \\4: use backquotes for regular expressions'],
    ['Host(`a`) /* b', '10-14 the comment is not closed: */ is missing'],
  ])('%j', (rule, expected) => {
    expect(problems(rule)).toEqual(expected === '' ? [] : [expected]);
  });

  it('names a pattern that Go would not compile', () => {
    expect(problems('PathRegexp(`(?=x)`)')[0]).toMatch(/^11-18 not a regular expression: /);
  });

  it('gives every wrong matcher of a rule', () => {
    expect(problems('Path(`a`) || Path(`b`)')).toHaveLength(2);
  });

  it('bounds nesting', () => {
    expect(problems('('.repeat(5_000) + 'Host(`a`)')[0]).toContain('nested deeper');
  });
});

describe('reads the syntax of v2 where it is asked for', () => {
  const v2 = (rule: string): Matcher | string => {
    const parsed = parseRule(rule, 'v2');
    return 'matcher' in parsed ? parsed.matcher : (parsed.problems[0]?.message ?? '');
  };
  it.each<[string, Matcher | string]>([
    [
      'Host(`A`, `b`)',
      {
        kind: 'any',
        of: [
          { kind: 'host', host: 'a' },
          { kind: 'host', host: 'b' },
        ],
      },
    ],
    ['HostHeader(`a`)', { kind: 'host', host: 'a' }],
    ['HostRegexp(`{s:[a-z]+}.a`)', { kind: 'host-regexp', pattern: '(?i)^([a-z]+)\\.a$' }],
    ['HostRegexp(`{s}.a`)', { kind: 'host-regexp', pattern: '(?i)^([^.]+)\\.a$' }],
    ['Path(`/a.b`)', { kind: 'path', path: '/a.b' }],
    ['Path(`/a.b/{id:[0-9]{2}}`)', { kind: 'path-regexp', pattern: '^/a\\.b/([0-9]{2})$' }],
    ['PathPrefix(`/{id}/x`)', { kind: 'path-regexp', pattern: '^/([^/]+)/x' }],
    [
      'Method(`get`, `POST`)',
      {
        kind: 'any',
        of: [
          { kind: 'method', method: 'GET' },
          { kind: 'method', method: 'POST' },
        ],
      },
    ],
    ['Headers(`X`, `y`)', { kind: 'header', name: 'X', value: 'y' }],
    [
      'HeadersRegexp(`X`, `y+`, `Z`, `z`)',
      {
        kind: 'all',
        of: [
          { kind: 'header-regexp', name: 'X', pattern: 'y+' },
          { kind: 'header-regexp', name: 'Z', pattern: 'z' },
        ],
      },
    ],
    ['Query(`q=1`)', { kind: 'query-first', name: 'q', pattern: '^q=1$' }],
    ['Query(`q=`)', { kind: 'query-first', name: 'q', pattern: '^q=.*$' }],
    ['Query(`q`, `{x:[0-9]}`)', { kind: 'query-first', name: 'q', pattern: '^q=([0-9])$' }],
    [
      'ClientIP(`10.0.0.0/8`, `::1`)',
      {
        kind: 'any',
        of: [
          { kind: 'client-ip', cidr: '10.0.0.0/8' },
          { kind: 'client-ip', cidr: '::1' },
        ],
      },
    ],
    ['Header(`X`, `y`)', 'unsupported function: Header'],
    ['Path(`a`)', 'path must start with a slash, got "a"'],
    ['Path(`/{id`)', 'unbalanced braces in "/{id"'],
    ['Path(`/{:x}`)', 'missing name or pattern in "{:x}"'],
    ['Headers(`X`)', 'the number of parameters must be a multiple of 2'],
    ['Query(`q`)', 'the number of parameters must be a multiple of 2'],
  ])('%s', (rule, expected) => {
    expect(v2(rule)).toEqual(expected);
  });
});

describe('strings', () => {
  it('are quoted as Go quotes them', () => {
    expect(goQuote('a\\d"`ä\n\u0001\u200b\u{e0001}')).toBe('"a\\\\d\\"`ä\\n\\x01\\u200b\\U000e0001"');
  });

  it('are read back as they were', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        const quoted = goQuote(text);
        expect(readGoString(quoted, 0)).toEqual({ text, end: quoted.length });
      }),
    );
  });
});

const text = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 8 });
const ascii = fc.stringMatching(/^[ -~]{1,12}$/);
const pattern = fc.constantFrom('a+', '^/x$', '[^"`]', '(?i)\\d', '.');
const leaf: fc.Arbitrary<Matcher> = fc.oneof(
  ascii.map((host): Matcher => ({ kind: 'host', host: host.toLowerCase() })),
  pattern.map((of): Matcher => ({ kind: 'host-regexp', pattern: of })),
  text.map((path): Matcher => ({ kind: 'path', path: `/${path}` })),
  text.map((prefix): Matcher => ({ kind: 'path-prefix', prefix: `/${prefix}` })),
  pattern.map((of): Matcher => ({ kind: 'path-regexp', pattern: of })),
  ascii.map((method): Matcher => ({ kind: 'method', method: method.toUpperCase() })),
  fc.tuple(text, text).map(([name, value]): Matcher => ({ kind: 'header', name, value })),
  fc.tuple(text, pattern).map(([name, of]): Matcher => ({ kind: 'header-regexp', name, pattern: of })),
  text.map((name): Matcher => ({ kind: 'query', name })),
  fc.tuple(text, text).map(([name, value]): Matcher => ({ kind: 'query', name, value })),
  fc.tuple(text, pattern).map(([name, of]): Matcher => ({ kind: 'query-regexp', name, pattern: of })),
  fc.oneof(fc.ipV4(), fc.ipV6()).map((cidr): Matcher => ({ kind: 'client-ip', cidr })),
);
const tree = fc.letrec<{ node: Matcher }>((tie) => ({
  node: fc.oneof(
    { maxDepth: 4 },
    leaf,
    tie('node').map((of): Matcher => ({ kind: 'not', of })),
    fc.array(tie('node'), { minLength: 2, maxLength: 3 }).map((of): Matcher => ({ kind: 'all', of })),
    fc.array(tie('node'), { minLength: 2, maxLength: 3 }).map((of): Matcher => ({ kind: 'any', of })),
  ),
})).node;

/** Writes a matcher as a rule, every group in parentheses. */
function write(node: Matcher): string {
  switch (node.kind) {
    case 'all':
      return `(${node.of.map(write).join(' && ')})`;
    case 'any':
      return `(${node.of.map(write).join(' || ')})`;
    case 'not':
      return `!${write(node.of)}`;
    case 'host':
      return call('Host', node.host);
    case 'host-regexp':
      return call('HostRegexp', node.pattern);
    case 'path':
      return call('Path', node.path);
    case 'path-prefix':
      return call('PathPrefix', node.prefix);
    case 'path-regexp':
      return call('PathRegexp', node.pattern);
    case 'method':
      return call('Method', node.method);
    case 'header':
      return call('Header', node.name, node.value);
    case 'header-regexp':
      return call('HeaderRegexp', node.name, node.pattern);
    case 'query':
      return node.value === undefined ? call('Query', node.name) : call('Query', node.name, node.value);
    case 'query-regexp':
      return call('QueryRegexp', node.name, node.pattern);
    case 'client-ip':
      return call('ClientIP', node.cidr);
    case 'query-first':
      throw new Error('not of v3');
  }
}

/** In backquotes where they can hold the text, to have both sorts. */
function call(name: string, ...args: readonly string[]): string {
  return `${name}(${args.map((arg) => (/[`\r]/.test(arg) ? goQuote(arg) : `\`${arg}\``)).join(', ')})`;
}

describe('for any rule', () => {
  it('reads back what was written', () => {
    fc.assert(
      fc.property(tree, (node) => {
        expect(matcher(write(node))).toEqual(node);
      }),
    );
  });

  it('never throws, and points into the rule', () => {
    const noise = fc.array(
      fc.constantFrom('Host', '(', ')', '`a`', '&&', '||', '!', ',', ' ', '\n', '"x', '\\', '/', 'ä'),
      { maxLength: 20 },
    );
    fc.assert(
      fc.property(
        noise.map((parts) => parts.join('')),
        (rule) => {
          const parsed = parseRule(rule);
          for (const { start, end } of 'problems' in parsed ? parsed.problems : []) {
            expect(start).toBeGreaterThanOrEqual(0);
            expect(end).toBeLessThanOrEqual(Math.max(rule.length, 1));
            expect(end).toBeGreaterThanOrEqual(start);
          }
        },
      ),
    );
  });
});

describe('priority', () => {
  it('is the length of the rule in bytes', () => {
    expect(rulePriority('PathPrefix(`/ä`)')).toBe(17);
  });
});
