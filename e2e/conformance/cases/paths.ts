import type { ConformanceCase } from '../conformance-case.ts';
import { get, middleware, through } from './manifests.ts';

/** Middlewares that change the path on its way to the upstream. */
export const PATH_CASES: readonly ConformanceCase[] = [
  {
    name: 'stripPrefix: the first that fits, once',
    manifests: middleware('m', '{ stripPrefix: { prefixes: [/api, /api/v1, /v2/] } }') + through('m'),
    asks: get(
      '/api',
      '/api/',
      '/api/v1',
      '/api/v1/x?y=1',
      '/apix',
      '/v2/',
      '/v2/x',
      '/v2',
      '/other',
      '/api/api/x',
      '/API/x',
    ),
  },
  {
    name: 'stripPrefix: forceSlash false',
    manifests: middleware('m', '{ stripPrefix: { prefixes: [/api], forceSlash: false } }') + through('m'),
    asks: get('/api', '/api/', '/api/x', '/apix'),
  },
  {
    name: 'stripPrefix: encoded paths stay encoded',
    manifests: middleware('m', '{ stripPrefix: { prefixes: [/a b, /api] } }') + through('m'),
    asks: get('/a%20b/c', '/api/%7Ex', '/api/a%20b', '/api/caf%C3%A9', '/api//x'),
  },
  {
    name: 'stripPrefix: a forged X-Forwarded-Prefix',
    manifests: middleware('m', '{ stripPrefix: { prefixes: [/api] } }') + through('m'),
    asks: [
      { target: '/api/x', headers: [['X-Forwarded-Prefix', '/forged']] },
      { target: '/x', headers: [['X-Forwarded-Prefix', '/forged']] },
    ],
  },
  {
    name: 'stripPrefixRegex: what the pattern matches at the start',
    manifests: middleware('m', '{ stripPrefixRegex: { regex: ["^/v[0-9]+", "/team/[a-z]+"] } }') + through('m'),
    asks: get('/v1/x', '/v12', '/vx/y', '/team/red/x', '/a/team/red/x', '/', '/v1//x', '/v1%20/x'),
  },
  {
    name: 'addPrefix',
    manifests: middleware('m', '{ addPrefix: { prefix: /base } }') + through('m'),
    asks: get('/', '/x', '/x?y=1', '/%7Ex', '/a%20b'),
  },
  {
    name: 'replacePath',
    manifests: middleware('m', '{ replacePath: { path: /fixed } }') + through('m'),
    asks: get('/', '/x/y?z=1', '/a%20b', '/caf%C3%A9'),
  },
  {
    name: 'replacePath: with a query',
    manifests: middleware('m', '{ replacePath: { path: "/fixed?a=b" } }') + through('m'),
    asks: get('/x', '/x?z=1'),
  },
  {
    name: 'replacePathRegex: groups',
    manifests:
      middleware('m', '{ replacePathRegex: { regex: "^/old/([^/]+)/(.*)$", replacement: "/new/$2/$1" } }') +
      through('m'),
    asks: get('/old/a/b', '/old/a/b/c?q=1', '/old/a', '/x/old/a/b', '/old/%20/b', '/old/a/'),
  },
  {
    name: 'replacePathRegex: named and braced groups',
    manifests:
      middleware('m', '{ replacePathRegex: { regex: "/(?P<id>[0-9]+)", replacement: "/item/${id}x$$" } }') +
      through('m'),
    asks: get('/1', '/a/22/b', '/none', '/1/2'),
  },
  {
    name: 'chain: in order, and nested',
    manifests:
      middleware('one', '{ stripPrefix: { prefixes: [/a] } }') +
      middleware('two', '{ addPrefix: { prefix: /b } }') +
      middleware('inner', '{ chain: { middlewares: [{ name: one }, { name: two }] } }') +
      middleware('three', '{ replacePathRegex: { regex: "^/b/(.*)", replacement: "/c/$1" } }') +
      middleware('outer', '{ chain: { middlewares: [{ name: inner }, { name: three }] } }') +
      through('outer'),
    asks: get('/a/x', '/x', '/a'),
  },
  {
    name: 'middlewares: order counts',
    manifests:
      middleware('strip', '{ stripPrefix: { prefixes: [/a] } }') +
      middleware('add', '{ addPrefix: { prefix: /a } }') +
      through('add', 'strip'),
    asks: get('/a/x', '/x'),
  },
  {
    name: 'middlewares: a missing one takes its router away',
    manifests: through('absent'),
    asks: get('/', '/x'),
  },
  {
    name: 'middlewares: a broken regular expression takes its router away',
    manifests: middleware('m', '{ stripPrefixRegex: { regex: ["("] } }') + through('m'),
    asks: get('/'),
  },
];
