import fc from 'fast-check';
import { beforeAll, expect, test } from 'vitest';
import type { Matcher, RouteConfig } from '../../shared/gateway/config.ts';
import { HeaderList } from '../../shared/http1/header-list.ts';
import { buildRouter } from './build-router.ts';
import { compileMatcher } from './compile-matcher.ts';
import { HeadView } from './head-view.ts';
import { PrefixTree } from './prefix-tree.ts';
import { loadRe2 } from './re2.ts';
import { readRequestPath } from './request-path.ts';
import { route } from './testing/config.ts';

function view(
  parts: { method?: string; host?: string | null; path?: string; query?: string; headers?: [string, string][] } = {},
): HeadView {
  const { method = 'GET', host = null, path = '/', query = '', headers = [] } = parts;
  return new HeadView({ method, host, path, rawQuery: query, headers: new HeaderList(headers) });
}
const matches = (matcher: Matcher, parts: Parameters<typeof view>[0]): boolean => compileMatcher(matcher)(view(parts));

beforeAll(loadRe2);

test('each matcher holds what Traefik says it holds', () => {
  expect(matches({ kind: 'path-prefix', prefix: '/api' }, { path: '/apis' })).toBe(true);
  expect(matches({ kind: 'path-regexp', pattern: '/v[0-9]+$' }, { path: '/a/v12' })).toBe(true);
  expect(
    matches(
      { kind: 'header', name: 'X-Version', value: 'preview' },
      {
        headers: [
          ['x-version', 'other'],
          ['x-version', 'preview'],
        ],
      },
    ),
  ).toBe(true);
  expect(matches({ kind: 'header-regexp', name: 'X-V', pattern: '^p' }, { headers: [['X-V', 'preview']] })).toBe(true);
  expect(matches({ kind: 'query', name: 'a', value: 'b c' }, { query: 'x=1&a=b+c' })).toBe(true);
  expect(matches({ kind: 'query', name: 'a' }, { query: 'a=' })).toBe(true);
  expect(matches({ kind: 'query', name: 'a' }, { query: 'a=1' })).toBe(false);
  expect(matches({ kind: 'query', name: 'a', value: '%zz' }, { query: 'a=%zz' })).toBe(false);
  expect(matches({ kind: 'query-first', name: 'a', pattern: '^a=2$' }, { query: 'a=1&a=2' })).toBe(false);
  expect(matches({ kind: 'query-first', name: 'a', pattern: '^a=.*$' }, { query: 'b=1' })).toBe(false);
  expect(matches({ kind: 'header', name: 'X', value: 'ä' }, { headers: [['X', '\u00C3\u00A4']] })).toBe(true);
  expect(matches({ kind: 'header', name: 'Host', value: 'a' }, { headers: [['Host', 'a']] })).toBe(false);
  expect(
    matches(
      { kind: 'header-regexp', name: 'X-Forwarded-For', pattern: '.' },
      { headers: [['X-Forwarded-For', '192.0.2.7']] },
    ),
  ).toBe(false);
  expect(matches({ kind: 'path-regexp', pattern: '^/.$' }, { path: readRequestPath('/%FF')?.routing ?? '' })).toBe(
    true,
  );
  expect(matches({ kind: 'host', host: 'shop.example.' }, { host: 'shop.example' })).toBe(true);
  expect(matches({ kind: 'query-regexp', name: 'a', pattern: '^[0-9]+$' }, { query: 'a=x&a=12' })).toBe(true);
  expect(matches({ kind: 'method', method: 'get' }, {})).toBe(true);
  expect(matches({ kind: 'host-regexp', pattern: '^[a-z]+\\.example$' }, { host: 'shop.example' })).toBe(true);
  const forwarded = (ip: string): Parameters<typeof view>[0] => ({ headers: [['X-Forwarded-For', `10.0.0.1, ${ip}`]] });
  expect(matches({ kind: 'client-ip', cidr: '192.0.2.0/24' }, forwarded('192.0.2.7'))).toBe(true);
  expect(matches({ kind: 'client-ip', cidr: '2001:db8::/32' }, forwarded('2001:db8::1'))).toBe(true);
  expect(matches({ kind: 'client-ip', cidr: '192.0.2.1' }, forwarded('not an address'))).toBe(false);
});

test('a hostile pattern does not stop the gateway', () => {
  const path = `/${'a'.repeat(5000)}!`;
  expect(matches({ kind: 'path-regexp', pattern: '^(/(a+)+)+$' }, { path })).toBe(false);
});

const hosts = ['a.example', 'b.example', 'c.example'];
const PATHS = ['/', '/x', '/x/', '/x/y', '/xy', '/x/y/z', '/z'];
const leaf: fc.Arbitrary<Matcher> = fc.oneof(
  fc.constantFrom(...hosts, 'A.example.').map((host): Matcher => ({ kind: 'host', host })),
  fc.constantFrom('^[a-b]', 'c').map((pattern): Matcher => ({ kind: 'host-regexp', pattern })),
  fc.constantFrom(...PATHS).map((prefix): Matcher => ({ kind: 'path-prefix', prefix })),
  fc.constantFrom(...PATHS).map((path): Matcher => ({ kind: 'path', path })),
  fc.constantFrom('^/x', 'y').map((pattern): Matcher => ({ kind: 'path-regexp', pattern })),
  fc.constantFrom('GET', 'POST').map((method): Matcher => ({ kind: 'method', method })),
);
const { matcher } = fc.letrec<{ matcher: Matcher }>((tie) => ({
  matcher: fc.oneof(
    { depthSize: 'small' },
    leaf,
    fc.array(tie('matcher'), { maxLength: 3 }).map((of): Matcher => ({ kind: 'all', of })),
    fc.array(tie('matcher'), { maxLength: 3 }).map((of): Matcher => ({ kind: 'any', of })),
    tie('matcher').map((of): Matcher => ({ kind: 'not', of })),
  ),
}));

test('the index finds the same route as looking at all of them', () => {
  fc.assert(
    fc.property(
      fc.array(matcher, { maxLength: 12 }),
      fc.array(
        fc.record({
          host: fc.constantFrom(null, ...hosts, 'd.example'),
          path: fc.constantFrom(...PATHS, '/other', ''),
          method: fc.constantFrom('GET', 'POST'),
        }),
        { minLength: 5, maxLength: 5 },
      ),
      (matchers, requests) => {
        const routes = matchers.map((match, at) => route(`r${at}`, match));
        const router = buildRouter(routes);
        for (const parts of requests) {
          const request = view(parts);
          const expected = routes.find(({ match }) => compileMatcher(match)(request));
          expect(router.match(request)?.id).toBe(expected?.id);
        }
      },
    ),
    { numRuns: 500 },
  );
});

test('a tree of prefixes finds every one that a text begins with', () => {
  const word = fc.string({ unit: fc.constantFrom('/', 'a', 'b'), maxLength: 6 });
  fc.assert(
    fc.property(fc.array(word), word, (prefixes, text) => {
      const tree = new PrefixTree<string>();
      for (const prefix of prefixes) tree.add(prefix, prefix);
      const found: string[] = [];
      tree.visit(text, (values) => found.push(...values));
      expect(found.toSorted()).toEqual(prefixes.filter((prefix) => text.startsWith(prefix)).toSorted());
    }),
  );
});

test('of ten thousand routes a request looks at those of its host and path alone', () => {
  let looked = 0;
  const routes = Array.from({ length: 10_000 }, (_, at): RouteConfig => {
    const match: Matcher = {
      kind: 'all',
      of: [
        { kind: 'host', host: `h${at % 100}.example` },
        { kind: 'path-prefix', prefix: `/p${at}/` },
      ],
    };
    return route(`r${at}`, match);
  });
  const router = buildRouter(routes);
  const request = view({ host: 'h7.example', path: '/p4207/x' });
  const counted = new Proxy(request, {
    get(target, key, receiver) {
      if (key === 'path') looked += 1;
      return Reflect.get(target, key, receiver) as unknown;
    },
  });
  expect(router.match(counted)?.id).toBe(routes[4207]?.id);
  expect(looked).toBeLessThan(10);
});

test('paths are compared decoded, but for reserved characters', () => {
  expect(readRequestPath('/a%20b')).toEqual({ routing: '/a b', raw: '/a%20b' });
  expect(readRequestPath('/%41%2fb%2F')).toEqual({ routing: '/A%2Fb%2F', raw: '/A%2Fb%2F' });
  expect(readRequestPath('/%C3%A4')).toEqual({ routing: '/ä', raw: '/%C3%A4' });
  expect(readRequestPath('/%FF')).toEqual({ routing: '/\uDCFF', raw: '/%FF' });
  expect(readRequestPath('/a%2')).toBeUndefined();
  expect(readRequestPath('/a//b/./c/../d/..')).toEqual({ routing: '/a/b', raw: '/a/b' });
  expect(readRequestPath('/a/./')?.raw).toBe('/a/');
  expect(readRequestPath('/a"{}')).toEqual({ routing: '/a"{}', raw: '/a%22%7B%7D' });
  // Go writes a path anew that has a character which should have been escaped, and loses what else was escaped.
  expect(readRequestPath('/a%2Fb"')?.raw).toBe('/a/b%22');
  expect(readRequestPath('/../..')?.raw).toBe('/');
});

test('no path with dot segments is left, however it was written', () => {
  const segment = fc.constantFrom('..', '.', '%2e%2e', '%2E.', '', 'a', 'b%20c', '...');
  fc.assert(
    fc.property(fc.array(segment, { maxLength: 10 }), (segments) => {
      const path = readRequestPath(`/${segments.join('/')}`);
      expect(path?.routing.split('/').filter((part) => part === '..' || part === '.')).toEqual([]);
      expect(path?.routing.startsWith('/')).toBe(true);
    }),
  );
});
