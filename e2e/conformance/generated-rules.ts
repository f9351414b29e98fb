import fc from 'fast-check';
import type { Ask } from './exchange.ts';
import { HOSTS } from './subject.ts';

/** Random rules over few names, so that random requests often match, and often almost do. */

const segment = fc.constantFrom('a', 'b', 'ab', 'v1', 'v22', 'x-y', '%20', 'A', '~', 'é', '%2F', 'a+b', '(c)', '%25');
const path = fc
  .tuple(fc.array(segment, { maxLength: 3 }), fc.boolean())
  .map(([segments, slash]) => `/${segments.join('/')}${slash && segments.length > 0 ? '/' : ''}`);
/** In a rule a path is written decoded. */
const rulePath = path.map((text) => text.replaceAll('%20', ' '));
const pattern = fc.constantFrom('^/a', '/v[0-9]+$', 'b$', '^/(a|b)/', '.', '^$', '/[a-z]{2}', '(?i)^/A');
const hostPattern = fc.constantFrom('^[a-z]+\\.test$', 'app', '^www\\.', '\\.b\\.');
const host = fc.constantFrom(...HOSTS);
const sentName = fc.constantFrom('X-One', 'x-two', 'Accept');
const name = fc.oneof(
  { weight: 4, arbitrary: sentName },
  { weight: 1, arbitrary: fc.constantFrom('X-Forwarded-For', 'Host') },
);
const value = fc.constantFrom('1', '2', 'one', '', 'a b');
const valuePattern = fc.constantFrom('^[0-9]$', 'o', '^$');
const key = fc.constantFrom('q', 'r', 'q[]');
const method = fc.constantFrom('GET', 'POST', 'DELETE');
const network = fc.constantFrom(
  '127.0.0.1',
  '10.0.0.0/8',
  '127.0.0.0/8',
  '::1',
  '2001:db8::/32',
  '::ffff:10.0.0.0/104',
  '::/0',
);

type Matcher = fc.Arbitrary<string>;
const quote = (text: string): string => `\`${text}\``;
const call = (matcher: string, ...values: readonly string[]): string => `${matcher}(${values.map(quote).join(', ')})`;
const calls = (matcher: string, ...values: readonly Matcher[]): Matcher =>
  fc.tuple(...values).map((texts) => call(matcher, ...texts));
/** One value, sometimes two or three. */
const some = (matcher: string, each: Matcher): Matcher =>
  fc.array(each, { minLength: 1, maxLength: 3 }).map((texts) => call(matcher, ...texts));

const v3 = fc.oneof(
  { weight: 4, arbitrary: calls('Host', host) },
  { weight: 4, arbitrary: calls('PathPrefix', rulePath) },
  { weight: 3, arbitrary: calls('Path', rulePath) },
  { weight: 2, arbitrary: calls('PathRegexp', pattern) },
  { weight: 1, arbitrary: calls('HostRegexp', hostPattern) },
  { weight: 2, arbitrary: calls('Method', method) },
  { weight: 2, arbitrary: calls('Header', name, value) },
  { weight: 1, arbitrary: calls('HeaderRegexp', name, valuePattern) },
  { weight: 2, arbitrary: calls('Query', key, value) },
  { weight: 1, arbitrary: calls('Query', key) },
  { weight: 1, arbitrary: calls('QueryRegexp', key, valuePattern) },
  { weight: 1, arbitrary: calls('ClientIP', network) },
);

const templatePath = fc
  .array(fc.oneof(segment, fc.constantFrom('{id}', '{id:[0-9]+}', 'x{rest:.*}', '{n:[a-z]{2}}')), { maxLength: 3 })
  .map((segments) => `/${segments.join('/')}`.replaceAll('%20', ' '));
const templateHost = fc.constantFrom('{any:.+}', '{sub:[a-z]+}.app.test', 'app.test', '{a}.test', '{a:[a-z]}.b.{c:.*}');
const templateQuery = fc.constantFrom('q=1', 'q={x}', 'r={n:[0-9]+}', 'q[]=one', 'q=', 'q');
const v2 = fc.oneof(
  { weight: 4, arbitrary: some('Host', host) },
  { weight: 1, arbitrary: some('HostHeader', host) },
  { weight: 2, arbitrary: some('HostRegexp', templateHost) },
  { weight: 4, arbitrary: some('PathPrefix', templatePath) },
  { weight: 3, arbitrary: some('Path', templatePath) },
  { weight: 2, arbitrary: some('Method', method) },
  { weight: 2, arbitrary: calls('Headers', name, value) },
  { weight: 1, arbitrary: calls('HeadersRegexp', name, valuePattern) },
  { weight: 2, arbitrary: some('Query', templateQuery) },
  { weight: 1, arbitrary: some('ClientIP', network) },
);

function combined(matcher: Matcher): Matcher {
  const { rule } = fc.letrec<{ rule: string; inner: string }>((tie) => ({
    rule: fc.oneof(
      { depthSize: 'small', withCrossShrink: true },
      matcher,
      fc.tuple(tie('inner'), tie('inner')).map(([a, b]) => `${a} && ${b}`),
      fc.tuple(tie('inner'), tie('inner')).map(([a, b]) => `${a} || ${b}`),
      tie('inner').map((one) => `!${one}`),
    ),
    inner: fc.oneof(
      { depthSize: 'small' },
      matcher,
      tie('rule').map((one) => `(${one})`),
    ),
  }));
  return rule;
}

export const rule: Matcher = combined(v3);
export const ruleV2: Matcher = combined(v2);

/** A rule with one character too many, too few, or another: some are rules still. */
export function damaged(of: Matcher): Matcher {
  const damage = fc.constantFrom(
    '',
    '(',
    ')',
    '`',
    '"',
    '!',
    '&',
    '|',
    ',',
    ' ',
    '\n',
    '.',
    '/',
    '*',
    '{',
    '9',
    'x',
    'é',
  );
  return fc.tuple(of, fc.nat(), fc.nat({ max: 1 }), damage).map(([text, position, taken, put]) => {
    const at = position % (text.length + 1);
    return text.slice(0, at) + put + text.slice(at + taken);
  });
}

const parameter = fc.oneof(
  { weight: 5, arbitrary: fc.tuple(key, value).map(([a, b]) => `${a}=${encodeURIComponent(b)}`) },
  { weight: 1, arbitrary: fc.constantFrom('q', 'q=a+b', 'r=%zz', '%71=1', 'q=one=1', '', '=', 'q[]&') },
);

export const ask: fc.Arbitrary<Ask> = fc.record({
  method,
  host,
  target: fc
    .tuple(path, fc.array(parameter, { maxLength: 2 }))
    .map(
      ([text, query]) =>
        encodeURI(text).replaceAll(/%25(?=2)/g, '%') + (query.length === 0 ? '' : `?${query.join('&')}`),
    ),
  headers: fc
    .tuple(
      fc.array(fc.tuple(sentName, value), { maxLength: 2 }),
      fc.option(fc.tuple(fc.constant('X-Forwarded-For'), fc.oneof(value, fc.constantFrom('10.1.2.3', '127.0.0.1')))),
    )
    .map(([headers, forwarded]) => (forwarded === null ? headers : [...headers, forwarded])),
});
