import type { ConformanceCase } from '../conformance-case.ts';
import { get } from './manifests.ts';

export const GATEWAY = `apiVersion: gateway.networking.k8s.io/v1
kind: GatewayClass
metadata: { name: traefik }
spec: { controllerName: traefik.io/gateway-controller }
---
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: { name: front, namespace: conf }
spec:
  gatewayClassName: traefik
  listeners:
    - { name: web, protocol: HTTP, port: \${ENTRYPOINT}, allowedRoutes: { namespaces: { from: Same } } }
---
`;

export interface Backend {
  readonly name: string;
  readonly weight?: number;
}
export const to = (...backends: readonly (string | Backend)[]) =>
  backends.map((one) => ({ ...(typeof one === 'string' ? { name: one } : one), port: '@PORT@' }));

/** An HTTPRoute of the first host with these rules. */
export function route(
  rules: readonly Readonly<Record<string, unknown>>[],
  hostnames: readonly string[] = ['app.test'],
  name = 'r',
): string {
  const object = {
    apiVersion: 'gateway.networking.k8s.io/v1',
    kind: 'HTTPRoute',
    metadata: { name, namespace: 'conf' },
    spec: { parentRefs: [{ name: 'front' }], ...(hostnames.length > 0 ? { hostnames } : {}), rules },
  };
  return `---\n${JSON.stringify(object).replaceAll('"@PORT@"', '${PORT}')}\n`;
}
export const path = (type: string, value: string) => ({ path: { type, value } });

export const HTTP_ROUTE_CASES: readonly ConformanceCase[] = [
  {
    name: 'HTTPRoute: Exact and PathPrefix',
    manifests:
      GATEWAY +
      route([
        { matches: [path('Exact', '/a')], backendRefs: to('echo') },
        { matches: [path('PathPrefix', '/a')], backendRefs: to('second') },
        { matches: [path('PathPrefix', '/b/')], backendRefs: to('third') },
      ]),
    asks: get('/a', '/a/', '/a/x', '/ab', '/b', '/b/', '/b/x', '/bx', '/'),
  },
  {
    name: 'HTTPRoute: no matches is everything',
    manifests: GATEWAY + route([{ backendRefs: to('echo') }]),
    asks: [...get('/', '/x'), { host: 'other.test', target: '/' }],
  },
  {
    name: 'HTTPRoute: RegularExpression paths',
    manifests: GATEWAY + route([{ matches: [path('RegularExpression', '/v[0-9]+/x')], backendRefs: to('echo') }]),
    asks: get('/v1/x', '/v1/x/y', '/a/v1/x', '/v/x'),
  },
  {
    name: 'HTTPRoute: methods, headers, query parameters',
    manifests:
      GATEWAY +
      route([
        { matches: [{ method: 'POST' }], backendRefs: to('echo') },
        {
          matches: [
            {
              headers: [
                { name: 'X-A', value: '1' },
                { name: 'X-B', value: '2' },
              ],
            },
          ],
          backendRefs: to('second'),
        },
        { matches: [{ queryParams: [{ name: 'q', value: 'x' }] }], backendRefs: to('third') },
        {
          matches: [{ headers: [{ type: 'RegularExpression', name: 'X-C', value: '^[a-z]+$' }] }],
          backendRefs: to('second'),
        },
      ]),
    asks: [
      { method: 'POST', target: '/' },
      { target: '/', headers: [['X-A', '1']] },
      {
        target: '/',
        headers: [
          ['X-A', '1'],
          ['X-B', '2'],
        ],
      },
      { target: '/?q=x' },
      { target: '/?q=y' },
      {
        target: '/?q=x',
        headers: [
          ['X-A', '1'],
          ['X-B', '2'],
        ],
      },
      { target: '/', headers: [['X-C', 'abc']] },
      { target: '/', headers: [['X-C', 'a1']] },
      { method: 'POST', target: '/?q=x' },
    ],
  },
  {
    name: 'HTTPRoute: precedence',
    manifests:
      GATEWAY +
      route([
        { matches: [path('PathPrefix', '/')], backendRefs: to('echo') },
        {
          matches: [{ ...path('PathPrefix', '/'), headers: [{ name: 'X-V', value: '2' }] }],
          backendRefs: to('second'),
        },
        { matches: [path('PathPrefix', '/long')], backendRefs: to('third') },
        { matches: [{ ...path('PathPrefix', '/'), method: 'PUT' }], backendRefs: to('third') },
      ]),
    asks: [
      ...get('/', '/long', '/long/x'),
      { target: '/', headers: [['X-V', '2']] },
      { target: '/long', headers: [['X-V', '2']] },
      { method: 'PUT', target: '/', headers: [['X-V', '2']] },
      { method: 'PUT', target: '/long' },
    ],
  },
  {
    name: 'HTTPRoute: several matches are alternatives',
    manifests:
      GATEWAY +
      route([{ matches: [path('Exact', '/a'), path('Exact', '/b'), { method: 'PUT' }], backendRefs: to('echo') }]),
    asks: [...get('/a', '/b', '/c'), { method: 'PUT', target: '/c' }],
  },
  {
    name: 'HTTPRoute: hosts, exact before wildcard',
    manifests:
      GATEWAY +
      route([{ backendRefs: to('echo') }], ['app.test', 'api.test']) +
      route([{ backendRefs: to('second') }], ['*.app.test'], 'wild') +
      route([{ backendRefs: to('third') }], ['www.app.test'], 'www'),
    asks: ['app.test', 'api.test', 'www.app.test', 'a.b.app.test', 'other.test'].map((host) => ({ host, target: '/' })),
  },
  {
    name: 'HTTPRoute: no host at all',
    manifests: GATEWAY + route([{ matches: [path('PathPrefix', '/any')], backendRefs: to('echo') }], []),
    asks: ['app.test', 'other.test'].flatMap((host) => ['/any', '/none'].map((target) => ({ host, target }))),
  },
  {
    name: 'HTTPRoute: request headers changed',
    manifests:
      GATEWAY +
      route([
        {
          filters: [
            {
              type: 'RequestHeaderModifier',
              requestHeaderModifier: {
                set: [{ name: 'X-Set', value: 'set' }],
                add: [{ name: 'X-Add', value: 'added' }],
                remove: ['X-Remove'],
              },
            },
          ],
          backendRefs: to('echo'),
        },
      ]),
    asks: [
      ...get('/'),
      {
        target: '/',
        headers: [
          ['X-Set', 'old'],
          ['X-Add', 'old'],
          ['X-Remove', 'old'],
          ['X-Keep', 'old'],
        ],
      },
    ],
  },
  {
    name: 'HTTPRoute: response headers changed',
    manifests:
      GATEWAY +
      route([
        {
          filters: [
            {
              type: 'ResponseHeaderModifier',
              responseHeaderModifier: {
                set: [{ name: 'X-Set', value: 'set' }],
                add: [{ name: 'X-Add', value: 'added' }],
                remove: ['X-Remove'],
              },
            },
          ],
          backendRefs: to('echo'),
        },
      ]),
    asks: get('/', '/?header=X-Set:old&header=X-Add:old&header=X-Remove:old&header=X-Keep:old'),
  },
  {
    name: 'HTTPRoute: redirect',
    manifests:
      GATEWAY +
      route([
        {
          matches: [path('PathPrefix', '/host')],
          filters: [
            {
              type: 'RequestRedirect',
              requestRedirect: { scheme: 'https', hostname: 'there.test', port: 8443, statusCode: 301 },
            },
          ],
        },
        {
          matches: [path('PathPrefix', '/prefix')],
          filters: [
            {
              type: 'RequestRedirect',
              requestRedirect: {
                hostname: 'there.test',
                path: { type: 'ReplacePrefixMatch', replacePrefixMatch: '/new' },
              },
            },
          ],
        },
        {
          matches: [path('PathPrefix', '/full')],
          filters: [
            {
              type: 'RequestRedirect',
              requestRedirect: {
                scheme: 'http',
                hostname: 'there.test',
                port: 80,
                path: { type: 'ReplaceFullPath', replaceFullPath: '/whole' },
              },
            },
          ],
        },
      ]),
    asks: [
      ...get('/host/x?y=1', '/prefix', '/prefix/', '/prefix/a/b?c=d', '/full/x?y=1'),
      { method: 'POST', target: '/host' },
    ],
    allowed: { headers: ['location'], why: 'where no port is named the place has that of the entry point' },
  },
  {
    name: 'HTTPRoute: URL rewritten',
    manifests:
      GATEWAY +
      route([
        {
          matches: [path('PathPrefix', '/prefix')],
          filters: [
            { type: 'URLRewrite', urlRewrite: { path: { type: 'ReplacePrefixMatch', replacePrefixMatch: '/new' } } },
          ],
          backendRefs: to('echo'),
        },
        {
          matches: [path('PathPrefix', '/root')],
          filters: [
            { type: 'URLRewrite', urlRewrite: { path: { type: 'ReplacePrefixMatch', replacePrefixMatch: '/' } } },
          ],
          backendRefs: to('echo'),
        },
        {
          matches: [path('PathPrefix', '/full')],
          filters: [
            {
              type: 'URLRewrite',
              urlRewrite: { hostname: 'inside.test', path: { type: 'ReplaceFullPath', replaceFullPath: '/whole' } },
            },
          ],
          backendRefs: to('echo'),
        },
      ]),
    asks: get(
      '/prefix',
      '/prefix/',
      '/prefix/a?b=c',
      '/prefixed',
      '/root',
      '/root/',
      '/root/x',
      '/full',
      '/full/x?y=1',
      '/prefix/a%20b',
    ),
  },
  {
    name: 'HTTPRoute: weights split exactly',
    manifests:
      GATEWAY +
      route([
        {
          matches: [path('PathPrefix', '${PREFIX}')],
          backendRefs: to({ name: 'echo', weight: 3 }, { name: 'second', weight: 1 }, { name: 'third', weight: 0 }),
        },
      ]),
    asks: get('/', '/', '/', '/', '/', '/', '/', '/'),
    stateful: 'turns',
  },
  {
    name: 'HTTPRoute: no backends',
    manifests:
      GATEWAY +
      route([
        { matches: [path('PathPrefix', '/none')] },
        { matches: [path('PathPrefix', '/ok')], backendRefs: to('echo') },
      ]),
    asks: get('/none', '/ok'),
  },
  {
    name: 'HTTPRoute: a backend that is missing',
    manifests:
      GATEWAY +
      route([{ matches: [path('PathPrefix', '/gone')], backendRefs: to('absent') }, { backendRefs: to('echo') }]),
    asks: get('/gone', '/ok'),
  },
  {
    name: 'HTTPRoute: a backend of another namespace without a grant',
    manifests: GATEWAY + route([{ backendRefs: [{ name: 'kubernetes', namespace: 'default', port: 443 }] }]),
    asks: get('/'),
  },
  {
    name: 'HTTPRoute: a Gateway that is missing',
    manifests: route([{ backendRefs: to('echo') }]),
    asks: get('/'),
  },
];
