import type { HubCase } from './rig.ts';
import { bearer, hub, managedShop, refusedByServer, route, service, SHOP, subscription } from './manifests.ts';

const on = (match: string): string => `Host(\`app.test\`) && ${match}`;
const KEY = [bearer('key-app')];

/** API `shop` with versions `one` and `two`; a route for each is the case's. */
const VERSIONED = [
  hub('API', 'shop', '{ versions: [{ name: one }, { name: two }] }'),
  hub('APIVersion', 'one', '{ release: v1.0.0, openApiSpec: { path: /v1.json, operationSets: [{ name: read, matchers: [{ methods: [GET] }] }] } }'),
  hub('APIVersion', 'two', '{ release: 2.0.0-rc.1+build.5 }'),
  service('second'),
  hub('APIPlan', 'free', '{ title: free }'),
  hub('ManagedApplication', 'app', '{ appId: app, owner: o, apiKeys: [{ value: key-app }] }'),
].join(''); // prettier-ignore

const versions = (one: string, two: string, more = ''): string =>
  VERSIONED +
  route('one', on(one), { 'api-version': 'one' }) +
  route('two', on(two), { 'api-version': 'two' }, more, 'second') +
  subscription('versions');
const strip = '---\napiVersion: traefik.io/v1alpha1\nkind: Middleware\nmetadata: { name: strip, namespace: conf }\nspec: { stripPrefix: { prefixes: [/shop] } }\n'; // prettier-ignore

export const versionCases: readonly HubCase[] = [
  {
    part: '2.1',
    says: 'adding the annotation to a route turns authentication on, and taking it away turns it off',
    manifests: managedShop('', {}),
    asks: [
      { target: '/shop', status: 200 },
      { target: '/shop', status: 401, manifests: managedShop('', { api: 'shop' }) },
      { target: '/shop', status: 200, manifests: managedShop('', {}) },
    ],
  },
  {
    part: '2.1',
    says: 'all rules of an object belong to its one API',
    manifests:
      SHOP +
      subscription('s') +
      route('both', on('PathPrefix(`/a`)'), { api: 'shop' }, `\n  - { kind: Rule, match: '${on('PathPrefix(`/b`)')}', services: [{ name: echo, port: \${PORT} }] }`),
    asks: ['/a', '/b'].flatMap((target) => [
      { target, status: 401 },
      { target, headers: KEY, status: 200 },
    ]),
  },
  {
    part: '2.1',
    says: 'an Ingress is attached by its annotation',
    manifests:
      SHOP +
      subscription('s') +
      '---\napiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: { name: plain, namespace: conf, annotations: { hub.traefik.io/api: shop } }\nspec: { rules: [{ host: api.test, http: { paths: [{ path: /, pathType: Prefix, backend: { service: { name: echo, port: { number: ${PORT} } } } }] } }] }\n',
    asks: [
      { host: 'api.test', target: '/any', status: 401 },
      { host: 'api.test', target: '/any', headers: KEY, status: 200 },
    ],
  },
  {
    part: '2.1',
    says: 'an HTTPRoute is attached by its annotation',
    manifests:
      SHOP +
      subscription('s') +
      '---\napiVersion: gateway.networking.k8s.io/v1\nkind: Gateway\nmetadata: { name: edge, namespace: conf }\nspec: { gatewayClassName: traefik, listeners: [{ name: web, protocol: HTTP, port: 8000 }] }\n' +
      '---\napiVersion: gateway.networking.k8s.io/v1\nkind: HTTPRoute\nmetadata: { name: plain, namespace: conf, annotations: { hub.traefik.io/api: shop } }\nspec: { parentRefs: [{ name: edge }], hostnames: [api.test], rules: [{ backendRefs: [{ name: echo, port: ${PORT} }] }] }\n',
    asks: [
      { host: 'api.test', target: '/any', status: 401 },
      { host: 'api.test', target: '/any', headers: KEY, status: 200 },
    ],
  },
  {
    part: '2.1',
    says: 'an API of another namespace is not meant, and leaves no route open',
    manifests: route('open', on('PathPrefix(`/gate`)'), { api: 'away' }) + hub('API', 'away', '{}', 'other'),
    asks: [{ target: '/gate', status: 404 }],
  },
  {
    part: '2.1',
    says: 'a version that is not listed by the API of its namespace leaves no route open',
    manifests: hub('API', 'shop', '{ versions: [{ name: two }] }') + hub('APIVersion', 'two', '{ release: 2.0.0 }') + hub('APIVersion', 'one', '{ release: 1.0.0 }') + route('one', on('PathPrefix(`/gate`)'), { 'api-version': 'one' }),
    asks: [{ target: '/gate', status: 404 }],
  },
  {
    part: '2.2',
    says: 'without a stripPrefix Middleware the upstream gets the whole path',
    manifests: SHOP + subscription('s'),
    asks: [{ target: '/shop/orders/1?x=y', headers: KEY, status: 200, received: { ':target': '/shop/orders/1?x=y', 'x-forwarded-prefix': null } }],
  },
  {
    part: '2.2',
    says: 'a stripPrefix Middleware takes the prefix off and tells it to the upstream',
    manifests: SHOP.replace('services: [', 'middlewares: [{ name: strip }], services: [') + strip + subscription('s'),
    asks: [
      { target: '/shop', headers: KEY, status: 200, received: { ':target': '/', 'x-forwarded-prefix': '/shop' } },
      { target: '/shop/a?b=c', headers: KEY, status: 200, received: { ':target': '/a?b=c' } },
    ],
  },
  {
    part: '2.2',
    says: 'the public base URL in override.servers is for the portal: it changes no route',
    manifests: managedShop('openApiSpec: { path: /spec, override: { servers: [{ url: "https://public.test/base" }] } }') + subscription('s'),
    asks: [
      { target: '/shop', headers: KEY, status: 200, received: { ':target': '/shop' } },
      { target: '/base/shop', headers: KEY, status: 404 },
    ],
  },
  {
    part: '2.3',
    says: 'versions by path',
    manifests: versions('PathPrefix(`/v1`)', 'PathPrefix(`/v2`)'),
    asks: [
      { target: '/v1', headers: KEY, status: 200, received: { ':service': 'echo' } },
      { target: '/v2', headers: KEY, status: 200, received: { ':service': 'second' } },
      { target: '/v2', status: 401 },
      { target: '/v3', headers: KEY, status: 404 },
    ],
  },
  {
    part: '2.3',
    says: 'versions by header: the more specific rule wins',
    manifests: versions('PathPrefix(`/shop`)', 'PathPrefix(`/shop`) && Header(`X-Version`, `preview`)'),
    asks: [
      { target: '/shop', headers: KEY, status: 200, received: { ':service': 'echo' } },
      { target: '/shop', headers: [...KEY, ['X-Version', 'preview']], status: 200, received: { ':service': 'second' } },
      { target: '/shop', headers: [...KEY, ['X-Version', 'other']], status: 200, received: { ':service': 'echo' } },
      { target: '/shop', headers: [['X-Version', 'preview']], status: 401 },
    ],
  },
  {
    part: '2.3',
    says: 'versions by query',
    manifests: versions('PathPrefix(`/shop`)', 'PathPrefix(`/shop`) && Query(`version`, `2`)'),
    asks: [
      { target: '/shop?version=1', headers: KEY, status: 200, received: { ':service': 'echo' } },
      { target: '/shop?a=b&version=2', headers: KEY, status: 200, received: { ':service': 'second' } },
    ],
  },
  {
    part: '2.3',
    says: 'versions by host',
    manifests: versions('PathPrefix(`/shop`)', 'PathPrefix(`/shop`)').replace(/app\.test(?!.*app\.test)/s, 'canary.test'),
    asks: [
      { target: '/shop', headers: KEY, status: 200, received: { ':service': 'echo' } },
      { host: 'canary.test', target: '/shop', headers: KEY, status: 200, received: { ':service': 'second' } },
    ],
  },
  {
    part: '2.3',
    says: 'versions by media type',
    manifests: versions('PathPrefix(`/shop`)', 'PathPrefix(`/shop`) && HeaderRegexp(`Accept`, `application/vnd\\.shop\\.v2\\+json`)'),
    asks: [
      { target: '/shop', headers: [...KEY, ['Accept', 'application/json']], status: 200, received: { ':service': 'echo' } },
      { target: '/shop', headers: [...KEY, ['Accept', 'application/vnd.shop.v2+json']], status: 200, received: { ':service': 'second' } },
    ],
  },
  {
    part: '2.3',
    says: 'a priority that is set comes before the length of a rule',
    manifests: versions('PathPrefix(`/shop`) && Header(`X-Version`, `preview`)', 'PathPrefix(`/shop`)', ', priority: 900'),
    asks: [{ target: '/shop', headers: [...KEY, ['X-Version', 'preview']], status: 200, received: { ':service': 'second' } }],
  },
  {
    part: '2.3',
    says: 'a canary within one version is a weighted TraefikService',
    manifests:
      VERSIONED +
      route('one', on('PathPrefix(`/shop`)'), { 'api-version': 'one' }).replace('{ name: echo, port: ${PORT} }', '{ kind: TraefikService, name: canary }') +
      '---\napiVersion: traefik.io/v1alpha1\nkind: TraefikService\nmetadata: { name: canary, namespace: conf }\nspec: { weighted: { services: [{ name: echo, port: ${PORT}, weight: 3 }, { name: second, port: ${PORT}, weight: 1 }] } }\n' +
      subscription('versions'),
    asks: [
      { target: '/shop', status: 401 },
      { target: '/shop', headers: KEY, status: 200, spread: { echo: 6, second: 2 } },
    ],
  },
  refusedByServer(
    '2.3',
    'a release that is no semantic version',
    versions('PathPrefix(`/shop`)', 'PathPrefix(`/v2`)').replace('release: v1.0.0', 'release: v1.0'),
    [{ target: '/v2', headers: KEY, status: 200 }],
  ),
  {
    part: '2.2',
    says: 'stripPathPrefix of a version, as before 2024-03, strips nothing any more',
    manifests: versions('PathPrefix(`/v1`)', 'PathPrefix(`/v2`)').replace('release: v1.0.0', 'stripPathPrefix: true, release: v1.0.0'),
    asks: [{ target: '/v1/a', headers: KEY, status: 200, received: { ':target': '/v1/a' } }],
  },
  {
    part: '2.3',
    says: 'an edit that the API server would refuse changes nothing',
    manifests: versions('PathPrefix(`/v1`)', 'PathPrefix(`/v2`)'),
    asks: [
      { target: '/v1', headers: KEY, status: 200 },
      { target: '/v1', headers: KEY, status: 200, manifests: versions('PathPrefix(`/v1`)', 'PathPrefix(`/v2`)').replace('release: v1.0.0', 'release: one') },
    ],
  },
  {
    part: '1.3',
    says: "a version's own cors takes the place of that of its API; one without has its API's",
    manifests: versions('PathPrefix(`/v1`)', 'PathPrefix(`/v2`)')
      .replace('{ versions:', "{ cors: { allowOriginsList: ['https://api.test'] }, versions:")
      .replace('{ release: v1.0.0,', "{ release: v1.0.0, cors: { allowOriginsList: ['https://one.test'] },"),
    asks: (['v1', 'v2'] as const).flatMap((version) =>
      ['https://api.test', 'https://one.test'].map((origin) => ({
        target: `/${version}`,
        headers: [...KEY, ['Origin', origin]] as [string, string][],
        status: 200,
        answer: { 'access-control-allow-origin': (version === 'v1') === origin.includes('one') ? origin : null },
      })),
    ),
  },
  {
    part: '2.3',
    says: 'operation sets of a version are its own: those of the API of the same name count for the other versions',
    manifests: versions('PathPrefix(`/v1`)', 'PathPrefix(`/v2`)')
      .replace('{ versions:', '{ openApiSpec: { path: /o, operationSets: [{ name: read, matchers: [{ methods: [PUT] }] }] }, versions:')
      .replace('apiPlan:', 'operationFilter: { include: [read] }, apiPlan:'),
    asks: [
      { target: '/v1', headers: KEY, status: 200 },
      { target: '/v1', method: 'PUT', headers: KEY, status: 403 },
      { target: '/v2', method: 'PUT', headers: KEY, status: 200 },
      { target: '/v2', headers: KEY, status: 403 },
    ],
  },
  {
    part: '2.3',
    says: 'operation sets of a version count for the filter of a subscription',
    manifests: versions('PathPrefix(`/v1`)', 'PathPrefix(`/v2`)').replace('apiPlan:', 'operationFilter: { include: [read] }, apiPlan:'),
    asks: [
      { target: '/v1', headers: KEY, status: 200 },
      { target: '/v1', method: 'PUT', headers: KEY, status: 403 },
    ],
  },
]; // prettier-ignore
