import { expect, test } from 'vitest';
import type { HeadersConfig, MiddlewareConfig } from '../../../shared/gateway/middleware.ts';
import { plain, prefix, ref, route } from '../testing/config.ts';
import { useGateway } from '../testing/use-gateway.ts';
import type { Answer, Ask } from '../testing/visitor.ts';

const start = useGateway();
const source = ref('Middleware', 'm');

async function asked(middlewares: readonly MiddlewareConfig[], target: string, ask: Ask = {}): Promise<Answer> {
  const { ask: send } = await start(plain(route('all', prefix('/'), { middlewares })));
  return send(target, ask);
}

interface Seen {
  url: string;
  headers: Record<string, string | undefined>;
}

const headers = (more: Partial<HeadersConfig>): HeadersConfig => ({
  kind: 'headers',
  source,
  request: {},
  response: {},
  ...more,
});
const cors = {
  allowOrigins: ['https://a.test'],
  allowOriginPatterns: ['^https://.*\\.b\\.test$'],
  allowMethods: ['GET', 'PUT'],
  allowHeaders: ['X-One'],
  exposeHeaders: ['X-Two'],
  allowCredentials: true,
  maxAgeSeconds: 100,
  addVaryHeader: true,
};
const secure = { always: {}, overTls: {}, tlsHeaders: {}, allowedHosts: [], hostHeaders: [] };
const strip = (prefixes: string[], forceSlash = false): MiddlewareConfig => ({
  kind: 'strip-prefix',
  source,
  prefixes,
  forceSlash,
});
const add = (path: string): MiddlewareConfig => ({ kind: 'add-prefix', source, prefix: path });

test.each<[string, readonly MiddlewareConfig[], string, string, Record<string, string>]>([
  ['the first prefix that fits', [strip(['/b', '/a'])], '/a/x?y', '/x?y', { 'x-forwarded-prefix': '/a' }],
  ['a prefix within a segment', [strip(['/ap'])], '/api', '/i', {}],
  ['a prefix without its slash', [strip(['api'])], '/api/x', '/api/x', {}],
  ['an empty rest', [strip(['/a'])], '/a', '/', {}],
  ['an empty rest before a prefix', [strip(['/a']), add('/z')], '/a', '/z', {}],
  ['an empty rest with forceSlash', [strip(['/a'], true), add('/z')], '/a', '/z/', {}],
  ['escapes in what is stripped', [strip(['/a b'])], '/a%20b/c%2Fd', '/c%2Fd', {}],
  ['a pattern', [{ kind: 'strip-prefix-regex', source, patterns: ['/v[0-9]+'] }], '/v12/x', '/x', { 'x-forwarded-prefix': '/v12' }],
  ['a pattern further on', [{ kind: 'strip-prefix-regex', source, patterns: ['/v[0-9]+'] }], '/a/v12', '/a/v12', {}],
  ['a prefix', [add('/base')], '/a%2Fb', '/base/a%2Fb', {}],
  ['a prefix with a space', [add('/b c')], '/x', '/b%20c/x', {}],
  ['another path', [{ kind: 'replace-path', source, path: '/n w' }], '/old%2F', '/n%20w', { 'x-replaced-path': '/old%2F' }],
  [
    'a path by pattern',
    [{ kind: 'replace-path-regex', source, pattern: '^/(\\w+)/(?P<id>\\d+)$', replacement: '/$2/${1}x/$id$$' }],
    '/pets/7',
    '/7/petsx/7$',
    { 'x-replaced-path': '/pets/7' },
  ],
])('the path upstream: %s', async (_, middlewares, target, url, more) => {
  const seen = (await asked(middlewares, target)).json() as unknown as Seen;
  expect(seen.url).toBe(url);
  expect(seen.headers).toMatchObject(more);
}); // prettier-ignore

test('a path with wrong escapes is answered 500, as Traefik does', async () => {
  const answer = await asked([{ kind: 'replace-path', source, path: '/a%zz' }], '/');
  expect([answer.status, answer.body.toString()]).toEqual([500, 'invalid URL escape "%zz"\n']);
});

test.each<[string, MiddlewareConfig, string, Ask, number, string | undefined]>([
  ['another scheme', { kind: 'redirect-scheme', source, scheme: 'https', port: '', permanent: false }, '/x?y=1', {}, 302, 'https://shop.preview.test/x?y=1'],
  ['another scheme for good', { kind: 'redirect-scheme', source, scheme: 'https', port: '', permanent: true }, '/', {}, 301, 'https://shop.preview.test/'],
  ['a POST', { kind: 'redirect-scheme', source, scheme: 'https', port: '8443', permanent: true }, '/', { method: 'POST' }, 308, 'https://shop.preview.test:8443/'],
  ['the scheme that it has', { kind: 'redirect-scheme', source, scheme: 'https', port: '443', permanent: true }, '/', { headers: { 'X-Forwarded-Proto': 'https' } }, 200, undefined],
  ['by pattern', { kind: 'redirect-regex', source, pattern: '^http://[^/]+/old/(.*)', replacement: 'https://new.test/$1', permanent: false }, '/old/a?b', {}, 302, 'https://new.test/a?b'],
  ['by pattern, to a name in other letters', { kind: 'redirect-regex', source, pattern: '^http://[^/]+/old/(.*)', replacement: 'https://\u0142.test/$1', permanent: false }, '/old/a', {}, 302, 'https://%C5%82.test/a'],
  ['by pattern, to half a letter', { kind: 'redirect-regex', source, pattern: '/old', replacement: '/\ud800', permanent: false }, '/old', {}, 302, 'http://shop.preview.test/%EF%BF%BD'],
  ['by pattern, a PUT', { kind: 'redirect-regex', source, pattern: '/old', replacement: '/new', permanent: false }, '/old', { method: 'PUT' }, 307, 'http://shop.preview.test/new'],
  ['by a pattern that does not fit', { kind: 'redirect-regex', source, pattern: '/old', replacement: '/new', permanent: false }, '/x', {}, 200, undefined],
  ['to where it is', { kind: 'redirect-regex', source, pattern: '/x', replacement: '/x', permanent: false }, '/x', {}, 200, undefined],
])('redirects: %s', async (_, middleware, target, ask, status, location) => {
  const answer = await asked([middleware], target, ask);
  expect([answer.status, answer.header('location')]).toEqual([status, location]);
}); // prettier-ignore

test('a preflight is answered by the middleware, and its headers are those of no other answer', async () => {
  const preflight = { Origin: 'https://a.test', 'Access-Control-Request-Method': 'PUT' };
  const answer = await asked([headers({ cors })], '/', { method: 'OPTIONS', headers: preflight });
  expect([answer.status, answer.body.length]).toEqual([200, 0]);
  expect(Object.fromEntries(answer.head.headers.pairs)).toEqual({
    'Access-Control-Allow-Credentials': 'true',
    'Access-Control-Allow-Headers': 'X-One',
    'Access-Control-Allow-Methods': 'GET,PUT',
    'Access-Control-Allow-Origin': 'https://a.test',
    'Access-Control-Max-Age': '100',
    'Content-Length': '0',
  });
});

test('each origin gets its own answer, on one kept stream and from one kept connection', async () => {
  const { visitor } = await start(plain(route('all', prefix('/'), { middlewares: [headers({ cors })] })));
  const one = visitor();
  const origins = ['https://a.test', 'https://x.b.test', 'https://evil.test', 'https://a.test', 'https://x.b.test'];
  const seen: (string | undefined)[] = [];
  for (const Origin of [...origins, ...origins])
    seen.push((await one.ask('/', { headers: { Origin } })).header('access-control-allow-origin'));
  const allowed = origins.map((origin) => (origin === 'https://evil.test' ? undefined : origin));
  expect(seen).toEqual([...allowed, ...allowed]);
});

test('headers are set and removed both ways, the framing is left alone', async () => {
  const config = headers({
    request: { 'x-new': '1', 'X-Gone': '', Host: 'other.test', 'Content-Length': '7', 'Transfer-Encoding': 'chunked' },
    response: { 'X-Out': '1', 'Content-Type': '', 'Content-Length': '3' },
  });
  const answer = await asked([config], '/', { headers: { 'X-Gone': '1' } });
  const seen = answer.json() as unknown as Seen & { raw: string[] };
  expect(seen.headers).toMatchObject({ host: 'other.test', 'x-new': '1' });
  expect(seen.headers['x-gone']).toBeUndefined();
  expect(seen.raw).toContain('X-New');
  expect([answer.header('x-out'), answer.header('content-type')]).toEqual(['1', undefined]);
});

test('security headers are for TLS where they must be, and hosts that are not allowed get no further', async () => {
  const config = headers({
    response: { 'X-Out': '1' },
    secure: {
      ...secure,
      always: { 'X-Frame-Options': 'DENY', 'Content-Security-Policy': 'script-src $NONCE' },
      overTls: { 'Strict-Transport-Security': 'max-age=10' },
      tlsHeaders: { 'X-Tls': 'on' },
      allowedHosts: ['SHOP.preview.test'],
      hostHeaders: ['X-Host'],
    },
  });
  const { ask } = await start(plain(route('all', prefix('/'), { middlewares: [config] })));
  const bare = await ask('/');
  expect([bare.header('x-frame-options'), bare.header('strict-transport-security')]).toEqual(['DENY', undefined]);
  const nonce = /^script-src 'nonce-[A-Za-z0-9+/=]{24}'$/;
  const again = await ask('/', { headers: { 'X-Tls': 'on' } });
  expect(bare.header('content-security-policy')).toMatch(nonce);
  expect(again.header('content-security-policy')).not.toBe(bare.header('content-security-policy'));
  expect(again.header('strict-transport-security')).toBe('max-age=10');
  const wrong = await ask('/', { headers: { 'X-Host': 'other.test' } });
  // The part that sets headers stands outside, the part that checks hosts within.
  expect([wrong.status, wrong.body.toString(), wrong.header('x-out')]).toEqual([500, 'Bad Host\n', '1']);
  expect(wrong.header('x-frame-options')).toBeUndefined();
});

test('an answer is seen by the middlewares outside the one that gave it, and by no others', async () => {
  const outer = headers({ response: { 'X-Outer': '1' } });
  const inner = headers({ response: { 'X-Inner': '1' } });
  const wall: MiddlewareConfig = {
    kind: 'ip-allow-list', source, ranges: ['10.0.0.0/8'], strategy: { kind: 'peer' }, rejectStatus: 404,
  }; // prettier-ignore
  const retry: MiddlewareConfig = { kind: 'retry', source, attempts: 2, initialIntervalMs: 0 };
  for (const chain of [
    [outer, wall, inner],
    [outer, retry, wall, inner],
  ]) {
    const answer = await asked(chain, '/', { headers: { 'X-Forwarded-For': '192.0.2.1' } });
    expect([answer.status, answer.body.toString()]).toEqual([404, 'Not Found']);
    expect([answer.header('x-outer'), answer.header('x-inner')]).toEqual(['1', undefined]);
    const let_in = await asked(chain, '/', { headers: { 'X-Forwarded-For': '10.1.2.3' } });
    expect([let_in.status, let_in.header('x-outer'), let_in.header('x-inner')]).toEqual([200, '1', '1']);
  }
});

test.each<[string, MiddlewareConfig & { kind: 'ip-allow-list' }, string, number]>([
  ['the peer', { kind: 'ip-allow-list', source, ranges: ['192.0.2.7'], strategy: { kind: 'peer' }, rejectStatus: 403 }, '10.0.0.1, 192.0.2.7', 200],
  ['one before the peer', { kind: 'ip-allow-list', source, ranges: ['10.0.0.1'], strategy: { kind: 'depth', depth: 1 }, rejectStatus: 403 }, '10.0.0.1, 192.0.2.7', 200],
  ['none before the peer', { kind: 'ip-allow-list', source, ranges: ['0.0.0.0/0'], strategy: { kind: 'depth', depth: 1 }, rejectStatus: 403 }, '192.0.2.7', 403],
  ['the last that is not ours', { kind: 'ip-allow-list', source, ranges: ['203.0.113.0/24'], strategy: { kind: 'excluded', addresses: ['10.0.0.0/8'] }, rejectStatus: 403 }, '203.0.113.5, 10.0.0.1, 192.0.2.7', 200],
  ['IPv6', { kind: 'ip-allow-list', source, ranges: ['2001:db8::/32'], strategy: { kind: 'peer' }, rejectStatus: 403 }, '2001:db8:1::1', 200],
  ['IPv4 within IPv6', { kind: 'ip-allow-list', source, ranges: ['192.0.2.0/24'], strategy: { kind: 'peer' }, rejectStatus: 403 }, '::ffff:192.0.2.9', 200],
])('the address that is compared: %s', async (_, middleware, forwardedFor, status) => {
  expect((await asked([middleware], '/', { headers: { 'X-Forwarded-For': forwardedFor } })).status).toBe(status);
}); // prettier-ignore

test('what a visitor claims of other proxies is not believed, unless the broker trusted who came before', async () => {
  const { ask } = await start(plain(route('all', prefix('/'))));
  const claims = { 'X-Forwarded-Prefix': '/x', 'X-Forwarded-Uri': '/y', 'X-Real-Ip': '6.6.6.6' };
  const seen = async (forwardedFor: string): Promise<Seen['headers']> => {
    const answer = await ask('/', { headers: { ...claims, 'X-Forwarded-For': forwardedFor } });
    return (answer.json() as unknown as Seen).headers;
  };
  const bare = await seen('192.0.2.1');
  expect([bare['x-forwarded-prefix'], bare['x-forwarded-uri'], bare['x-real-ip']]).toEqual([
    undefined,
    undefined,
    '192.0.2.1',
  ]);
  const trusted = await seen('203.0.113.1, 192.0.2.1');
  expect([trusted['x-forwarded-prefix'], trusted['x-real-ip']]).toEqual(['/x', '192.0.2.1']);
});

test('an answer whose status lets it have no body leaves the stream in step', async () => {
  const wall = (rejectStatus: number): MiddlewareConfig => ({
    kind: 'ip-allow-list',
    source,
    ranges: ['10.0.0.0/8'],
    strategy: { kind: 'peer' },
    rejectStatus,
  });
  const retry: MiddlewareConfig = { kind: 'retry', source, attempts: 2, initialIntervalMs: 0 };
  for (const status of [204, 304, 101]) {
    for (const chain of [[wall(status)], [retry, wall(status)]]) {
      const { visitor } = await start(plain(route('all', prefix('/'), { middlewares: chain })));
      const one = visitor();
      for (let call = 0; call < 3; call++) {
        const answer = await one.ask('/');
        expect(answer.status).toBe(status < 200 ? 200 : status);
        expect(answer.body.toString()).toBe(status < 200 ? 'Switching Protocols' : '');
      }
    }
  }
});
