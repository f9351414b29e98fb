import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Matcher } from '../../gateway/config.ts';
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
  ])('%j', (rule, expected) => {
    expect(problems(rule)).toEqual([expected]);
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

const word = fc.stringMatching(/^[a-zA-Z0-9./_-]{1,12}$/);
const leaf: fc.Arbitrary<Matcher> = fc.oneof(
  word.map((host): Matcher => ({ kind: 'host', host: host.toLowerCase() })),
  word.map((path): Matcher => ({ kind: 'path', path: `/${path}` })),
  word.map((prefix): Matcher => ({ kind: 'path-prefix', prefix: `/${prefix}` })),
  word.map((method): Matcher => ({ kind: 'method', method: method.toUpperCase() })),
  fc.tuple(word, word).map(([name, value]): Matcher => ({ kind: 'header', name, value })),
  fc
    .tuple(word, fc.option(word, { nil: undefined }))
    .map(([name, value]): Matcher => (value === undefined ? { kind: 'query', name } : { kind: 'query', name, value })),
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
      return `Host(\`${node.host}\`)`;
    case 'path':
      return `Path(\`${node.path}\`)`;
    case 'path-prefix':
      return `PathPrefix("${node.prefix}")`;
    case 'method':
      return `Method(\`${node.method}\`)`;
    case 'header':
      return `Header(\`${node.name}\`,\`${node.value}\`)`;
    case 'query':
      return node.value === undefined ? `Query(\`${node.name}\`)` : `Query(\`${node.name}\`, \`${node.value}\`)`;
    default:
      throw new Error(`not written here: ${node.kind}`);
  }
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
