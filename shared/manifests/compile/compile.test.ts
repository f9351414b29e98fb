import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { GatewayConfig } from '../../gateway/config.ts';
import { analyze, type Analysis } from '../analyze.ts';

const HUB = 'hub.traefik.io/v1alpha1';
const TRAEFIK = 'traefik.io/v1alpha1';

function object(apiVersion: string, kind: string, name: string, body: string, annotations = ''): string {
  const notes = annotations === '' ? '' : `\n  annotations: { ${annotations} }`;
  return `apiVersion: ${apiVersion}\nkind: ${kind}\nmetadata:\n  name: ${name}${notes}\n${body}\n`;
}

const SERVICE = object(
  'v1',
  'Service',
  'web',
  'spec: { ports: [{ name: http, port: 80 }, { name: https-x, port: 8443 }] }',
);
const API = object(HUB, 'API', 'shop', 'spec: { title: Shop }');
const route = (routes: string, annotations = ''): string =>
  object(TRAEFIK, 'IngressRoute', 'r', `spec:\n  routes:\n${routes}`, annotations);
const one = (match: string, more = ''): string =>
  `    - match: ${match}\n      services: [{ name: web, port: 80 }]\n${more}`;

function run(...documents: string[]): Analysis {
  return analyze([{ path: 'a.yaml', text: documents.join('---\n') }], { namespace: 'ns' });
}

function config(...documents: string[]): GatewayConfig {
  const { config: made, diagnostics } = run(...documents);
  expect(diagnostics.filter(({ severity }) => severity === 'error')).toEqual([]);
  return made;
}

function said(analysis: Analysis): string[] {
  return analysis.diagnostics.map(
    ({ severity, code, path, line, column }) => `${severity} ${code} ${path} ${line}:${column}`,
  );
}

describe('routes of an IngressRoute', () => {
  it('rank by the length of their rule, unless they say otherwise', () => {
    const { routes } = config(
      SERVICE,
      route(one('PathPrefix(`/`)') + one('PathPrefix(`/long`)') + one('Path(`/x`)', '      priority: 99\n')),
    );
    expect(routes.map(({ id, priority }) => [id, priority])).toEqual([['IngressRoute/ns/r#2', 99], ['IngressRoute/ns/r#1', 19], ['IngressRoute/ns/r#0', 15]]); // prettier-ignore
  });

  it('name their hosts in order of first appearance, but not those they exclude', () => {
    const { hosts } = config(
      SERVICE,
      route(one('Host(`B.example`) || Host(`a.example`)') + one('Host(`b.example`) && !Host(`c.example`)')),
    );
    expect(hosts).toEqual(['b.example', 'a.example']);
  });

  it('take ports by number and name, weights and passHostHeader', () => {
    const { routes, services, upstreams } = config(
      SERVICE,
      route(
        '    - match: PathPrefix(`/`)\n      services: [{ name: web, port: 80, weight: 3 }, { name: web, port: https-x, weight: 0, passHostHeader: false }]\n',
      ),
    );
    expect(routes[0]?.backends).toEqual([
      { service: 'ns-web-80@kubernetescrd', weight: 3 },
      { service: 'ns-web-https-x@kubernetescrd', weight: 0 },
    ]);
    expect(services).toMatchObject({
      'ns-web-80@kubernetescrd': { upstream: 'ns/web:80', scheme: 'http', passHostHeader: true },
      'ns-web-https-x@kubernetescrd': { upstream: 'ns/web:https-x', scheme: 'https', passHostHeader: false },
    });
    expect(Object.keys(upstreams)).toEqual(['ns/web:80', 'ns/web:https-x']);
  });

  it('reach an ExternalName by its URL', () => {
    const external = object(
      'v1',
      'Service',
      'web',
      'spec: { type: ExternalName, externalName: api.example, ports: [{ port: 443 }] }',
    );
    const made = config(
      external,
      route('    - match: PathPrefix(`/`)\n      services: [{ name: web, port: 443 }, { name: web, port: 8080 }]\n'),
    );
    expect(Object.values(made.upstreams).map(({ servers }) => servers)).toEqual([
      [{ address: 'api.example:443' }],
      [{ address: 'api.example:8080' }],
    ]);
    expect(Object.values(made.services)).toMatchObject([{ scheme: 'https' }, { scheme: 'http' }]);
  });

  it('apply stripPrefix and headers in order', () => {
    const strip = object(TRAEFIK, 'Middleware', 'strip', 'spec: { stripPrefix: { prefixes: [/a, b] } }');
    const headers = object(
      TRAEFIK,
      'Middleware',
      'set',
      'spec: { headers: { customRequestHeaders: { X: "1", W: "" }, frameDeny: true, customResponseHeaders: { Z: z } } }',
    );
    const { routes } = config(
      SERVICE,
      strip,
      headers,
      route(one('PathPrefix(`/a`)', '      middlewares: [{ name: set }, { name: strip }]\n')),
    );
    expect(routes[0]?.middlewares).toEqual([
      expect.objectContaining({
        kind: 'headers',
        request: { X: '1', W: '' },
        response: { Z: 'z' },
        secure: expect.objectContaining({ always: { 'X-Frame-Options': 'DENY' } }),
      }),
      expect.objectContaining({ kind: 'strip-prefix', prefixes: ['/a', 'b'] }),
    ]);
  });
});

describe('what Traefik would not serve is not served, and said at its place', () => {
  it.each([
    ['a rule of v2', one('Host(`a`, `b`)'), 'error rule-syntax spec.routes[0].match 19:14'],
    ['a wrong matcher within a rule', one('Path(`/x`) && Hots(`a`)'), 'error rule-syntax spec.routes[0].match 19:28'],
    ['a wrong matcher in quotes', one("'Path(`x`)'"), 'error rule-syntax spec.routes[0].match 19:20'],
    [
      'a port that the Service lacks',
      '    - match: Path(`/`)\n      services: [{ name: web, port: 81 }]\n',
      'error service-port-missing spec.routes[0].services[0].port 20:37',
    ],
    [
      'a port that is not given',
      '    - match: Path(`/`)\n      services: [{ name: web }]\n',
      'error service-port-missing spec.routes[0].services[0].port 20:18',
    ],
    ['a route without services', '    - match: Path(`/`)\n', 'error route-invalid spec.routes[0].services 19:7'],
    [
      'a Middleware that is missing',
      one('Path(`/`)', '      middlewares: [{ name: nope }]\n'),
      'error reference-missing spec.routes[0].middlewares[0].name 21:29',
    ],
    [
      'a Middleware named across namespaces',
      one('Path(`/`)', '      middlewares: [{ name: x-y@kubernetescrd }]\n'),
      'error reference-cross-namespace spec.routes[0].middlewares[0].name 21:29',
    ],
    [
      'a service of another kind',
      '    - match: Path(`/`)\n      services: [{ name: a@internal, kind: TraefikService }]\n',
      'warning not-enforced spec.routes[0].services[0].name 20:26',
    ],
    ['a matcher of v2 alone', one('Headers(`a`, `b`)'), 'error rule-syntax spec.routes[0].match 19:14'],
    [
      'a priority that Traefik keeps to itself',
      one('Path(`/`)', '      priority: 9223372036854775807\n'),
      'error route-invalid spec.routes[0].priority 21:17',
    ],
  ])('%s', (_, routes, expected) => {
    const analysis = run(SERVICE, API, route(routes));
    expect(said(analysis)).toEqual([expected]);
    expect(analysis.config.routes).toEqual([]);
  });

  it('leaves no route open whose API is missing', () => {
    const analysis = run(SERVICE, API, route(one('PathPrefix(`/`)'), 'hub.traefik.io/api: shpo'));
    expect(analysis.config.routes).toEqual([]);
    expect(analysis.diagnostics).toMatchObject([
      {
        code: 'reference-missing',
        severity: 'error',
        path: 'metadata.annotations[hub.traefik.io/api]',
        hint: 'Did you mean "shop"?',
      },
    ]);
    expect(analysis.graph.nodes).toContainEqual(expect.objectContaining({ role: 'api', title: 'shpo', missing: true }));
    expect(analysis.graph.edges).toContainEqual(
      expect.objectContaining({ to: `hub.traefik.io/API/ns/shpo`, broken: true }),
    );
  });
});

describe('routes of an Ingress', () => {
  const path = (body: string, host = ''): string =>
    `    - ${host === '' ? '' : `host: "${host}"\n      `}http:\n        paths:\n          - ${body}\n            backend: { service: { name: web, port: { number: 80 } } }\n`;
  const ingress = (rules: string, annotations = ''): string =>
    object('networking.k8s.io/v1', 'Ingress', 'i', `spec:\n  rules:\n${rules}`, annotations);
  it.each([
    ['Exact', path('path: /a\n            pathType: Exact'), { kind: 'path', path: '/a' }, 'Path(`/a`)'.length],
    [
      'Prefix',
      path('path: /a\n            pathType: Prefix'),
      { kind: 'path-prefix', prefix: '/a' },
      'PathPrefix(`/a`)'.length,
    ],
    [
      'a host',
      path('path: /a\n            pathType: Prefix', 'x.example'),
      {
        kind: 'all',
        of: [
          { kind: 'host', host: 'x.example' },
          { kind: 'path-prefix', prefix: '/a' },
        ],
      },
      'Host(`x.example`) && PathPrefix(`/a`)'.length,
    ],
    [
      'a wildcard',
      path('pathType: Prefix', '*.x.example'),
      { kind: 'host-regexp', pattern: '^[a-zA-Z0-9-]+\\.x\\.example$' },
      'HostRegexp("^[a-zA-Z0-9-]+\\\\.x\\\\.example$")'.length,
    ],
  ])('%s', (_, rules, match, priority) => {
    expect(config(SERVICE, ingress(rules)).routes).toMatchObject([
      { id: 'Ingress/ns/i#0', match, priority, backends: [{ service: 'ns-web-80@kubernetes' }] },
    ]);
  });

  it('take priority, path matcher and middlewares from annotations', () => {
    const strip = object(TRAEFIK, 'Middleware', 'strip', 'spec: { stripPrefix: { prefixes: [/a] } }');
    const notes =
      'traefik.ingress.kubernetes.io/router.priority: "7", traefik.ingress.kubernetes.io/router.pathmatcher: PathRegexp, traefik.ingress.kubernetes.io/router.middlewares: ns-strip@kubernetescrd';
    const { routes } = config(
      SERVICE,
      strip,
      ingress(path('path: /a.*\n            pathType: ImplementationSpecific'), notes),
    );
    expect(routes).toMatchObject([
      { priority: 7, match: { kind: 'path-regexp', pattern: '/a.*' }, middlewares: [{ kind: 'strip-prefix' }] },
    ]);
  });

  it('serve the default backend last', () => {
    const fallback = object(
      'networking.k8s.io/v1',
      'Ingress',
      'i',
      'spec: { defaultBackend: { service: { name: web, port: { name: http } } } }',
    );
    expect(config(SERVICE, fallback).routes).toMatchObject([
      { priority: -2147483648, match: { kind: 'path-prefix', prefix: '/' } },
    ]);
  });
});

describe('APIs', () => {
  const attached = route(one('PathPrefix(`/`)'), 'hub.traefik.io/api: shop');
  const auth = (name: string, spec: string): string => object(HUB, 'APIAuth', name, `spec: ${spec}`);

  it('ask for a key by default, where there is no APIAuth', () => {
    const made = config(SERVICE, API, attached);
    expect(made.apis['ns/shop']?.auth).toEqual({
      kind: 'api-key',
      header: 'Authorization',
      scheme: 'Bearer',
      query: 'api_key',
    });
    expect(made.routes[0]?.api).toBe('ns/shop');
  });

  it.each([
    ['apiKey: {}', { kind: 'api-key', header: 'Authorization', scheme: 'Bearer', query: 'api_key' }, []],
    [
      'apiKey: { keySource: { header: X-Key } }',
      { kind: 'api-key', header: 'X-Key', scheme: undefined, query: undefined },
      [],
    ],
    ['keyless: {}', { kind: 'keyless' }, []],
    [
      'jwt: { appIdClaim: a, publicKey: k }',
      { kind: 'unsupported', method: 'jwt' },
      ['warning not-enforced spec.jwt.publicKey 7:28'],
    ],
  ])('follow the default APIAuth of their namespace: %s', (method, expected, diagnostics) => {
    const analysis = run(
      API,
      auth('x', `{ isDefault: true, ${method} }`).replace('spec: { isDefault: true, ', 'spec: { isDefault:  true, '),
    );
    expect(analysis.config.apis['ns/shop']?.auth).toMatchObject(expected);
    expect(said(analysis).map((line) => line.replace(/\d+:\d+$/, ''))).toEqual(
      diagnostics.map((line) => line.replace(/\d+:\d+$/, '')),
    );
  });

  it('have one default APIAuth', () => {
    const analysis = run(
      API,
      auth('x', '{ isDefault: true, keyless: {} }'),
      auth('w', '{ isDefault: true, apiKey: {} }'),
    );
    expect(analysis.diagnostics).toMatchObject([{ code: 'default-auth-conflict', object: { name: 'w' } }]);
    expect(analysis.config.apis['ns/shop']?.auth.kind).toBe('keyless');
  });

  it('are found by way of their version', () => {
    const api = object(HUB, 'API', 'shop', 'spec: { versions: [{ name: shop-v1 }] }');
    const version = object(HUB, 'APIVersion', 'shop-v1', 'spec: { release: v1.0.0 }');
    const made = config(SERVICE, api, version, route(one('PathPrefix(`/`)'), 'hub.traefik.io/api-version: shop-v1'));
    expect(made.routes).toMatchObject([{ api: 'ns/shop', apiVersion: 'ns/shop-v1' }]);
    const orphan = run(SERVICE, API, version, route(one('PathPrefix(`/`)'), 'hub.traefik.io/api-version: shop-v1'));
    expect(orphan.config.routes).toEqual([]);
    expect(orphan.diagnostics).toMatchObject([{ code: 'reference-missing', severity: 'error' }]);
  });

  it('and their versions have CORS and operation sets of their own, under the APIs that list them', () => {
    const spec = (more: string): string => `spec: { versions: [{ name: one }]${more} }`;
    const sets = (method: string): string =>
      `openApiSpec: { path: /o, operationSets: [{ name: ${method.toLowerCase()}, matchers: [{ methods: [${method}] }] }] }`;
    const { config: made, diagnostics } = run(
      object(HUB, 'API', 'a', spec(`, ${sets('GET')}, cors: { allowOriginsList: ['https://a.test'] }`)),
      object(HUB, 'API', 'b', spec('')),
      object(HUB, 'APIVersion', 'one', `spec: { release: 1.0.0, ${sets('PUT')}, cors: { maxAge: 5 } }`),
      object(HUB, 'APIVersion', 'alone', 'spec: { release: 1.0.0 }'),
    );
    expect(diagnostics).toEqual([]);
    expect(made.apis['ns/a']).toMatchObject({ operationSets: { get: [{ methods: ['GET'] }] } });
    expect(made.apis['ns/a']?.cors?.allowOrigins).toEqual(['https://a.test']);
    expect(made.versions).toMatchObject({
      'ns/one': { apis: ['ns/a', 'ns/b'], operationSets: { put: [{ methods: ['PUT'] }] }, cors: { maxAgeSeconds: 5 } },
      'ns/alone': { apis: [], operationSets: {} },
    });
    expect(made.versions?.['ns/alone']?.cors).toBeUndefined();
  });

  it('say of a version what is wrong with its patterns, and leave those out', () => {
    const { config: made, diagnostics } = run(
      object(HUB, 'API', 'a', 'spec: { versions: [{ name: one }] }'),
      object(
        HUB,
        'APIVersion',
        'one',
        "spec: { release: 1.0.0, cors: { allowOriginListRegex: ['(', '^https://a'] }, openApiSpec: { path: /o, operationSets: [{ name: x, matchers: [{ pathRegex: '[' }] }] } }",
      ),
    );
    expect(diagnostics.map(({ code, object: of, path }) => `${code} ${of?.kind} ${path}`)).toEqual([
      'regex-invalid APIVersion spec.cors.allowOriginListRegex[0]',
      'regex-invalid APIVersion spec.openApiSpec.operationSets[0].matchers[0].pathRegex',
    ]);
    expect(made.versions?.['ns/one']).toMatchObject({
      cors: { allowOriginPatterns: ['^https://a'] },
      operationSets: { x: [] },
    });
  });
});

describe('access', () => {
  const application = (name: string, keys: string, labels = ''): string =>
    object(HUB, 'ManagedApplication', name, `spec: { appId: ${name}, owner: o, apiKeys: [${keys}] }`).replace(
      'metadata:',
      `metadata:${labels === '' ? '' : `\n  labels: ${labels}`}`,
    );
  const plan = object(
    HUB,
    'APIPlan',
    'p',
    'spec: { title: P, rateLimit: { limit: 5, period: 10s, bucket: application }, quota: { limit: 9, period: 24h } }',
  );
  const subscription = (spec: string): string =>
    object(HUB, 'ManagedSubscription', 's', `spec: { apiPlan: { name: p }, ${spec} }`);
  const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

  it('knows keys only by their digest, from Secrets and as written', () => {
    const made = config(
      application(
        'app',
        '{ secretName: plain }, { secretName: encoded, suspended: true }, { value: inline, title: T }',
      ),
      object('v1', 'Secret', 'plain', 'stringData: { key: one }'),
      object('v1', 'Secret', 'encoded', `data: { value: ${Buffer.from('two').toString('base64')} }`),
    );
    expect(made.applications['ns/app']?.keys).toEqual([
      { sha256: sha256('one'), suspended: false },
      { sha256: sha256('two'), suspended: true },
      { sha256: sha256('inline'), suspended: false, title: 'T' },
    ]);
    expect(JSON.stringify(made)).not.toContain('inline');
  });

  it('resolves names, selectors and bundles', () => {
    const labelled = object(HUB, 'API', 'other', 'spec: {}').replace('metadata:', 'metadata:\n  labels: { a: x }');
    const bundle = object(
      HUB,
      'APIBundle',
      'b',
      'spec: { apiSelector: { matchExpressions: [{ key: a, operator: Exists }] } }',
    );
    const made = config(
      API,
      labelled,
      bundle,
      plan,
      application('app', '', '{ team: t }'),
      subscription('apis: [{ name: shop }], apiBundles: [{ name: b }], managedApplicationSelector: {}, weight: 3'),
    );
    expect(made.subscriptions['ns/s']).toMatchObject({
      apis: ['ns/shop', 'ns/other'],
      applications: ['ns/app'],
      plan: 'ns/p',
      weight: 3,
    });
    expect(made.subscriptions['ns/s']?.operations).toBeUndefined();
    expect(made.plans['ns/p']).toMatchObject({
      rateLimit: { limit: 5, periodMs: 10_000, bucket: 'application' },
      quota: { limit: 9, periodMs: 86_400_000, bucket: 'subscription' },
    });
  });

  it('tells an absent operation filter from an empty one', () => {
    const api = object(
      HUB,
      'API',
      'shop',
      'spec: { openApiSpec: { path: /o, operationSets: [{ name: read, matchers: [{ methods: [GET] }] }] } }',
    );
    expect(
      config(api, plan, subscription('apis: [{ name: shop }], operationFilter: {}')).subscriptions['ns/s']?.operations,
    ).toEqual([]);
    expect(
      config(api, plan, subscription('apis: [{ name: shop }], operationFilter: { include: [read] }')).subscriptions[
        'ns/s'
      ]?.operations,
    ).toEqual(['read']);
    expect(
      run(api, plan, subscription('apis: [{ name: shop }], operationFilter: { include: [raed] }')).diagnostics,
    ).toMatchObject([
      { code: 'reference-missing', path: 'spec.operationFilter.include[0]', hint: 'Did you mean "read"?' },
    ]);
  });

  it('knows the operation sets of versions', () => {
    const made = run(
      object(HUB, 'API', 'shop', 'spec: { versions: [{ name: one }] }'),
      object(
        HUB,
        'APIVersion',
        'one',
        'spec: { release: 1.0.0, openApiSpec: { path: /o, operationSets: [{ name: read, matchers: [{ methods: [GET] }] }] } }',
      ),
      plan,
      subscription('apis: [{ name: shop }], operationFilter: { include: [read] }'),
    );
    expect(made.diagnostics).toEqual([]);
    expect(made.config.subscriptions['ns/s']?.operations).toEqual(['read']);
  });

  it.each([
    [
      'a plan that is missing',
      [API, subscription('apis: [{ name: shop }]')],
      'error reference-missing spec.apiPlan.name',
    ],
    [
      'a Secret that is missing',
      [application('app', '{ secretName: nope }')],
      'warning reference-missing spec.apiKeys[0].secretName',
    ],
    [
      'a Secret without a key',
      [application('app', '{ secretName: s }'), object('v1', 'Secret', 's', 'stringData: { token: x }')],
      'error secret-key-missing spec.apiKeys[0].secretName',
    ],
    [
      'a key that two applications share',
      [application('app', '{ value: k }'), application('bpp', '{ value: k }')],
      'warning application-conflict spec.apiKeys',
    ],
    [
      'a selector that is none',
      [plan, subscription('apiSelector: { matchExpressions: [{ key: a, operator: Equals }] }')],
      'error selector-invalid spec.apiSelector',
    ],
    [
      'a selector of a bundle that is none',
      [object(HUB, 'APIBundle', 'b', 'spec: { apiSelector: { matchExpressions: [{ key: a, operator: In }] } }')],
      'error selector-invalid spec.apiSelector',
    ],
    ['claims that cannot be read', [plan, subscription('claims: "Equals(`a`)"')], 'warning not-enforced spec.claims'],
    ['an object that is defined twice', [API, API], 'error duplicate-object metadata.name'],
    [
      'a kind without effect',
      [object(HUB, 'APIPortal', 'p', 'spec: { trustedUrls: ["https://a.example"] }')],
      'info not-enforced kind',
    ],
    [
      'a Middleware that is not applied',
      [object(TRAEFIK, 'Middleware', 'm', 'spec: { grpcWeb: { allowOrigins: ["*"] } }')],
      'warning not-enforced spec.grpcWeb',
    ],
  ])('speaks of %s', (_, documents, expected) => {
    expect(said(run(...documents)).map((line) => line.replace(/ \d+:\d+$/, ''))).toEqual([expected]);
  });
});
