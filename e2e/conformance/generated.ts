import fc from 'fast-check';
import { rules } from './cases/manifests.ts';
import type { ConformanceCase } from './conformance-case.ts';
import type { Ask } from './exchange.ts';
import { HOSTS } from './subject.ts';

/** Random rules over few names, so that random requests often match, and often almost do. */

const segment = fc.constantFrom('a', 'b', 'ab', 'v1', 'v22', 'x-y', '%20', 'A', '~', 'é');
const path = fc
  .tuple(fc.array(segment, { maxLength: 3 }), fc.boolean())
  .map(([segments, slash]) => `/${segments.join('/')}${slash && segments.length > 0 ? '/' : ''}`);
/** In a rule a path is written decoded. */
const rulePath = path.map((text) => text.replaceAll('%20', ' '));
const pattern = fc.constantFrom('^/a', '/v[0-9]+$', 'b$', '^/(a|b)/', '.', '^$', '/[a-z]{2}', '(?i)^/A');
const host = fc.constantFrom(...HOSTS);
const name = fc.constantFrom('X-One', 'x-two', 'Accept');
const value = fc.constantFrom('1', '2', 'one', '', 'a b');
const key = fc.constantFrom('q', 'r', 'q[]');
const method = fc.constantFrom('GET', 'POST', 'DELETE');

const quote = (text: string): string => `\`${text}\``;
const call = (matcher: string, ...values: string[]): string => `${matcher}(${values.map(quote).join(', ')})`;
const matcher = fc.oneof(
  { weight: 4, arbitrary: host.map((one) => call('Host', one)) },
  { weight: 4, arbitrary: rulePath.map((one) => call('PathPrefix', one)) },
  { weight: 3, arbitrary: rulePath.map((one) => call('Path', one)) },
  { weight: 2, arbitrary: pattern.map((one) => call('PathRegexp', one)) },
  {
    weight: 1,
    arbitrary: fc.constantFrom('^[a-z]+\\.test$', 'app', '^www\\.', '\\.b\\.').map((one) => call('HostRegexp', one)),
  },
  { weight: 2, arbitrary: method.map((one) => call('Method', one)) },
  { weight: 2, arbitrary: fc.tuple(name, value).map(([a, b]) => call('Header', a, b)) },
  {
    weight: 1,
    arbitrary: fc.tuple(name, fc.constantFrom('^[0-9]$', 'o', '^$')).map(([a, b]) => call('HeaderRegexp', a, b)),
  },
  { weight: 2, arbitrary: fc.tuple(key, value).map(([a, b]) => call('Query', a, b)) },
  { weight: 1, arbitrary: key.map((one) => call('Query', one)) },
  { weight: 1, arbitrary: fc.tuple(key, fc.constantFrom('^[0-9]$', 'o')).map(([a, b]) => call('QueryRegexp', a, b)) },
  {
    weight: 1,
    arbitrary: fc.constantFrom('127.0.0.1', '10.0.0.0/8', '127.0.0.0/8').map((one) => call('ClientIP', one)),
  },
);
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

const route = fc.oneof(
  { weight: 3, arbitrary: rule },
  { weight: 1, arbitrary: fc.record({ match: rule, priority: fc.integer({ min: 1, max: 60 }) }) },
);

const ask: fc.Arbitrary<Ask> = fc.record({
  method,
  host,
  target: fc
    .tuple(path, fc.array(fc.tuple(key, value), { maxLength: 2 }))
    .map(
      ([text, query]) =>
        encodeURI(text).replaceAll('%2520', '%20') +
        (query.length === 0 ? '' : `?${query.map(([a, b]) => `${a}=${encodeURIComponent(b)}`).join('&')}`),
    ),
  headers: fc.array(fc.tuple(name, value), { maxLength: 2 }),
});

/** Cases of one seed. Rules of equal priority that both match are left to chance by Traefik: routes differ in length. */
export function generatedCases(count: number, seed: number): ConformanceCase[] {
  const one = fc.record({
    routes: fc.uniqueArray(route, {
      minLength: 2,
      maxLength: 6,
      selector: (item) => (typeof item === 'string' ? item.length : item.priority),
    }),
    asks: fc.array(ask, { minLength: 12, maxLength: 16 }),
  });
  return fc.sample(one, { numRuns: count, seed }).map(({ routes, asks }, at) => ({
    name: `generated: ${seed}.${at}`,
    manifests: rules(...routes),
    asks,
  }));
}
