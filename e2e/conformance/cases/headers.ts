import type { ConformanceCase } from '../conformance-case.ts';
import { get, middleware, through } from './manifests.ts';

const echo = '/?header=X-Up:1&header=X-Powered-By:Go&header=Set-Cookie:a=1&header=Set-Cookie:b=2';

export const HEADER_CASES: readonly ConformanceCase[] = [
  {
    name: 'headers: request set, replaced and removed',
    manifests:
      middleware('m', '{ headers: { customRequestHeaders: { X-New: "1", X-Old: "two", X-Gone: "" } } }') + through('m'),
    asks: [
      { target: '/' },
      {
        target: '/',
        headers: [
          ['X-Old', 'one'],
          ['X-Old', 'more'],
          ['X-Gone', 'here'],
          ['x-new', '0'],
        ],
      },
    ],
  },
  {
    name: 'headers: Host of the upstream',
    manifests: middleware('m', '{ headers: { customRequestHeaders: { Host: inside.test } } }') + through('m'),
    asks: get('/'),
  },
  {
    name: 'headers: response set, replaced and removed',
    manifests:
      middleware(
        'm',
        '{ headers: { customResponseHeaders: { X-Up: "two", X-Powered-By: "", X-Also: yes } } }'.replace(
          'yes',
          '"yes"',
        ),
      ) + through('m'),
    asks: get(echo, '/', '/?status=404', '/?status=500&header=X-Up:1'),
  },
  {
    name: 'headers: security',
    manifests:
      middleware(
        'm',
        '{ headers: { frameDeny: true, contentTypeNosniff: true, browserXssFilter: true, referrerPolicy: same-origin, permissionsPolicy: "camera=()", contentSecurityPolicy: "default-src \'self\'", contentSecurityPolicyReportOnly: "img-src *", stsSeconds: 600, stsIncludeSubdomains: true, stsPreload: true } }',
      ) + through('m'),
    asks: [...get('/', '/?header=X-Frame-Options:ALLOW'), { target: '/', headers: [['X-Forwarded-Proto', 'https']] }],
  },
  {
    name: 'headers: forced strict transport security, own frame options and filter',
    manifests:
      middleware(
        'm',
        '{ headers: { forceSTSHeader: true, stsSeconds: 31536000, customFrameOptionsValue: SAMEORIGIN, customBrowserXSSValue: "1; report=/x" } }',
      ) + through('m'),
    asks: get('/'),
  },
  {
    name: 'headers: in development no security',
    manifests:
      middleware(
        'm',
        '{ headers: { isDevelopment: true, forceSTSHeader: true, stsSeconds: 60, frameDeny: true, contentTypeNosniff: true } }',
      ) + through('m'),
    asks: get('/'),
  },
  {
    name: 'headers: allowed hosts',
    manifests: middleware('m', '{ headers: { allowedHosts: [other.test] } }') + through('m'),
    asks: get('/'),
  },
  {
    name: 'headers: cross-origin, listed origins',
    manifests:
      middleware(
        'm',
        '{ headers: { accessControlAllowOriginList: ["https://a.test", "https://b.test"], accessControlAllowMethods: [GET, PUT], accessControlAllowHeaders: [X-One, Content-Type], accessControlExposeHeaders: [X-Two], accessControlMaxAge: 100, addVaryHeader: true, accessControlAllowCredentials: true } }',
      ) + through('m'),
    asks: [
      { target: '/', headers: [['Origin', 'https://a.test']] },
      { target: '/', headers: [['Origin', 'https://c.test']] },
      { target: '/' },
      { target: '/?header=Vary:Accept', headers: [['Origin', 'https://b.test']] },
      { target: '/?header=Vary:Origin', headers: [['Origin', 'https://b.test']] },
      { target: '/?header=Access-Control-Allow-Origin:*', headers: [['Origin', 'https://b.test']] },
      {
        method: 'OPTIONS',
        target: '/',
        headers: [
          ['Origin', 'https://a.test'],
          ['Access-Control-Request-Method', 'PUT'],
        ],
      },
      {
        method: 'OPTIONS',
        target: '/',
        headers: [
          ['Origin', 'https://c.test'],
          ['Access-Control-Request-Method', 'PUT'],
          ['Access-Control-Request-Headers', 'X-One'],
        ],
      },
      { method: 'OPTIONS', target: '/', headers: [['Origin', 'https://a.test']] },
      { method: 'OPTIONS', target: '/' },
    ],
  },
  {
    name: 'headers: cross-origin, any origin and a pattern',
    manifests:
      middleware('m', '{ headers: { accessControlAllowOriginList: ["*"], accessControlAllowMethods: ["*"] } }') +
      through('m'),
    asks: [
      { target: '/', headers: [['Origin', 'https://a.test']] },
      {
        method: 'OPTIONS',
        target: '/',
        headers: [
          ['Origin', 'https://a.test'],
          ['Access-Control-Request-Method', 'PUT'],
        ],
      },
    ],
  },
  {
    name: 'headers: cross-origin by pattern',
    manifests:
      middleware(
        'm',
        '{ headers: { accessControlAllowOriginListRegex: ["^https://[a-z]+[.]a[.]test$"], accessControlAllowMethods: [GET] } }',
      ) + through('m'),
    asks: [
      { target: '/', headers: [['Origin', 'https://x.a.test']] },
      { target: '/', headers: [['Origin', 'https://x.b.test']] },
      { target: '/', headers: [['Origin', 'null']] },
    ],
  },
  {
    name: 'forwarded headers: what a visitor claims is not believed',
    manifests: middleware('m', '{ addPrefix: { prefix: /x } }') + through('m'),
    asks: [
      {
        target: '/',
        headers: [
          ['X-Forwarded-For', '9.9.9.9'],
          ['X-Forwarded-Proto', 'https'],
          ['X-Real-Ip', '9.9.9.9'],
          ['X-Forwarded-Method', 'PUT'],
          ['X-Forwarded-Uri', '/forged'],
          ['X-Forwarded-Prefix', '/forged'],
          ['X-Forwarded-Tls-Client-Cert', 'forged'],
        ],
      },
    ],
  },
  {
    name: 'hop-by-hop headers stay behind',
    manifests: through(),
    asks: [
      {
        target: '/',
        headers: [
          ['Connection', 'X-Hop'],
          ['X-Hop', '1'],
          ['Te', 'gzip'],
          ['Keep-Alive', 'timeout=5'],
          ['Proxy-Authorization', 'x'],
        ],
      },
      { target: '/', headers: [['Te', 'trailers']] },
      { target: '/', headers: [['User-Agent', '']] },
      { target: '/', headers: [['X-Empty', '']] },
      {
        target: '/',
        headers: [
          ['Cookie', 'a=1'],
          ['Cookie', 'b=2'],
        ],
      },
      { target: '/?header=Connection:X-Hop&header=X-Hop:1&header=Proxy-Authenticate:Basic' },
    ],
  },
  {
    name: 'bodies: methods and bodies arrive as sent',
    manifests: through(),
    asks: [
      { method: 'POST', target: '/', body: 'hello', headers: [['Content-Type', 'text/plain']] },
      { method: 'PUT', target: '/', body: '' },
      { method: 'DELETE', target: '/', body: 'bye' },
      { method: 'GET', target: '/', body: 'odd' },
      { method: 'POST', target: '/?size=70000', body: 'x'.repeat(100_000) },
      { method: 'HEAD', target: '/?size=5000' },
      { target: '/?status=204' },
      { target: '/?status=418&body=teapot' },
    ],
  },
  {
    name: 'bodies: not modified',
    manifests: through(),
    asks: [{ target: '/?status=304' }, { target: '/?status=304&header=ETag:"x"' }],
    allowed: {
      headers: ['content-type'],
      why: "Go's server takes it from every 304; ours passes on what the upstream says",
    },
  },
];
