import { describe, expect, it } from 'vitest';
import type { RouteConfig } from '../../gateway/config.ts';
import { analyze, type Analysis } from '../analyze.ts';

const GROUP = 'gateway.networking.k8s.io/v1';
const CLASS = `apiVersion: ${GROUP}\nkind: GatewayClass\nmetadata: { name: c }\nspec: { controllerName: traefik.io/gateway-controller }\n`;
const SERVICE = `---\napiVersion: v1\nkind: Service\nmetadata: { name: web }\nspec: { ports: [{ port: 80 }, { port: 81, protocol: UDP }, { port: 82, appProtocol: kubernetes.io/h2c }, { port: 83, appProtocol: x.y/z }] }\n`;
const BACKEND = 'backendRefs: [{ name: web, port: 80 }]';

function gateway(listeners: string, more = ''): string {
  return `---\napiVersion: ${GROUP}\nkind: Gateway\nmetadata: { name: g }\nspec: { gatewayClassName: c, listeners: [${listeners}] }\n${more}`;
}
const LISTENER = '{ name: web, port: 80, protocol: HTTP }';
function route(spec: string, kind = 'HTTPRoute', name = 'r'): string {
  return `---\napiVersion: ${GROUP}\nkind: ${kind}\nmetadata: { name: ${name} }\nspec: ${spec}\n`;
}
const rule = (match: string, more = BACKEND): string =>
  `{ parentRefs: [{ name: g }], rules: [{ matches: [${match}], ${more} }] }`;

function run(...documents: string[]): Analysis {
  return analyze([{ path: 'a.yaml', text: CLASS + SERVICE + documents.join('') }], { namespace: 'ns' });
}
function routes(spec: string, kind = 'HTTPRoute'): readonly RouteConfig[] {
  return run(gateway(LISTENER), route(spec, kind)).config.routes;
}
const said = ({ diagnostics }: Analysis): string[] =>
  diagnostics.map(({ severity, code, object, path }) => `${severity} ${code} ${object?.kind} ${path}`);

describe('a match of an HTTPRoute', () => {
  const all = (...of: object[]): object => (of.length === 1 ? (of[0] ?? {}) : { kind: 'all', of });
  const under = (prefix: string): object => ({
    kind: 'any',
    of: [{ kind: 'path', path: prefix }, { kind: 'path-prefix', prefix: `${prefix}/` }],
  }); // prettier-ignore
  const ROOT = { kind: 'path-prefix', prefix: '/' };

  // The single rule of a route adds 1.
  it.each([
    ['{}', all(ROOT), 2],
    ['{ path: { value: /a/ } }', under('/a'), 10_301],
    ['{ path: { type: Exact, value: /a } }', { kind: 'path', path: '/a' }, 100_001],
    ['{ path: { type: RegularExpression, value: "/a+" } }', { kind: 'path-regexp', pattern: '/a+' }, 10_301],
    ['{ method: GET }', all(ROOT, { kind: 'method', method: 'GET' }), 1_002],
    [
      '{ headers: [{ name: X, value: "1" }, { type: RegularExpression, name: Z, value: ^a }] }',
      all(ROOT, { kind: 'header', name: 'X', value: '1' }, { kind: 'header-regexp', name: 'Z', pattern: '^a' }),
      202,
    ],
    [
      '{ queryParams: [{ name: q, value: "1" }, { type: RegularExpression, name: p, value: . }] }',
      all(ROOT, { kind: 'query', name: 'q', value: '1' }, { kind: 'query-regexp', name: 'p', pattern: '.' }),
      22,
    ],
  ])('%s', (match, matcher, priority) => {
    expect(routes(rule(match))).toMatchObject([{ match: matcher, priority, backends: [{ weight: 1 }] }]);
  });

  it('is everything where there is none', () => {
    expect(routes(`{ parentRefs: [{ name: g }], rules: [{ ${BACKEND} }] }`)).toMatchObject([{ match: ROOT, priority: 2 }]);
    expect(routes('{ parentRefs: [{ name: g }], rules: [{ matches: [] }] }')).toEqual([]);
  });

  it('goes before the same one of a later rule', () => {
    const same = `{ ${BACKEND} }`;
    expect(routes(`{ parentRefs: [{ name: g }], rules: [${same}, ${same}] }`).map(({ id, priority }) => [id, priority])).toEqual([
      ['HTTPRoute/ns/r#0', 3], ['HTTPRoute/ns/r#1', 2],
    ]);
  }); // prettier-ignore

  it('says which part is wrong', () => {
    const analysis = run(gateway(LISTENER), route(rule('{ headers: [{ type: RegularExpression, name: X, value: "(" }] }')));
    expect(said(analysis)).toEqual(['error regex-invalid HTTPRoute spec.rules[0].matches[0].headers[0].value']);
    expect(analysis.config.routes).toEqual([]);
  });
}); // prettier-ignore

describe('a match of a GRPCRoute', () => {
  it.each([
    ['{}', { kind: 'path-prefix', prefix: '/' }, 'PathPrefix("/")'],
    ['{ method: { service: a.B, method: C } }', { kind: 'path-regexp', pattern: '/a.B/C' }, 'PathRegexp("/a.B/C")'],
    ['{ method: { service: a.B } }', { kind: 'path-regexp', pattern: '/a.B/[^/]+' }, 'PathRegexp("/a.B/[^/]+")'],
    ['{ method: { method: C } }', { kind: 'path-regexp', pattern: '/[^/]+/C' }, 'PathRegexp("/[^/]+/C")'],
  ])('%s', (match, matcher, text) => {
    const made = routes(rule(match), 'GRPCRoute');
    expect(made).toMatchObject([{ match: matcher, priority: text.length }]);
  });

  it('is raised by its host', () => {
    const made = routes(`{ parentRefs: [{ name: g }], hostnames: [a.example], rules: [{ ${BACKEND} }] }`, 'GRPCRoute');
    expect(made).toMatchObject([{ priority: 'PathPrefix("/")'.length + 'a.example'.length }]);
  });
});

describe('hosts of a route', () => {
  it.each([
    ['', '', []],
    ['hostname: a.example', '', ['a.example']],
    ['', 'a.example, b.example', ['a.example', 'b.example']],
    ['hostname: "*.example"', 'a.example, b.other', ['a.example']],
    ['hostname: a.b.example', '"*.example"', ['a.b.example']],
    ['hostname: "*.example"', '"*.a.example"', []],
    ['hostname: a.example', 'b.example', undefined],
  ])('are those that the listener (%s) and the route (%s) share', (listener, hostnames, expected) => {
    const { config } = run(
      gateway(`{ name: web, port: 80, protocol: HTTP, ${listener} }`),
      route(`{ parentRefs: [{ name: g }], hostnames: [${hostnames}], rules: [{ ${BACKEND} }] }`),
    );
    expect(config.routes).toHaveLength(expected === undefined ? 0 : 1);
    expect(config.hosts).toEqual(expected ?? []);
  });

  it('with a wildcard stand for any number of labels', () => {
    const [made] = routes(`{ parentRefs: [{ name: g }], hostnames: ["*.a.example"], rules: [{ ${BACKEND} }] }`);
    expect(made).toMatchObject({
      match: { of: [{ kind: 'host-regexp', pattern: '^[a-z0-9-\\.]+\\.a\\.example$' }, {}] },
      priority: 2 + '*.a.example'.length,
    });
  });

  it('come from each listener, and the same ones once', () => {
    const listeners = '{ name: a, port: 80, protocol: HTTP, hostname: a.example }, { name: b, port: 80, protocol: HTTP, hostname: b.example }, { name: c, port: 81, protocol: HTTP, hostname: b.example }';
    const of = (parents: string): readonly string[] =>
      run(gateway(listeners), route(`{ parentRefs: [${parents}], rules: [{ ${BACKEND} }] }`)).config.hosts;
    expect(of('{ name: g }')).toEqual(['a.example', 'b.example']);
    expect(of('{ name: g, sectionName: a }')).toEqual(['a.example']);
    expect(of('{ name: g, port: 81 }')).toEqual(['b.example']);
  });
}); // prettier-ignore

describe('a route is not attached, and it is said where and why', () => {
  const plain = `{ parentRefs: [{ name: g }], rules: [{ ${BACKEND} }] }`;
  it.each([
    ['to a listener of another name', gateway(LISTENER), plain.replace('name: g', 'name: g, sectionName: x'), 'warning route-invalid HTTPRoute spec.parentRefs[0]'],
    ['to a listener for other routes', gateway('{ name: web, port: 80, protocol: HTTP, allowedRoutes: { kinds: [{ kind: GRPCRoute }] } }'), plain, 'warning route-invalid HTTPRoute spec.parentRefs[0]'],
    ['to a listener for other namespaces', gateway('{ name: web, port: 80, protocol: HTTP, allowedRoutes: { namespaces: { from: Selector, selector: { matchLabels: { kubernetes.io/metadata.name: x } } } } }'), plain, 'warning route-invalid HTTPRoute spec.parentRefs[0]'],
    ['to a listener of another protocol', gateway('{ name: web, port: 80, protocol: TCP }'), plain, 'warning not-enforced Gateway spec.listeners[0].protocol'],
    ['to an HTTPS listener without TLS', gateway('{ name: web, port: 443, protocol: HTTPS }'), plain, 'warning route-invalid Gateway spec.listeners[0].tls'],
    ['to a Gateway of another class', gateway(LISTENER).replace('gatewayClassName: c', 'gatewayClassName: istio'), plain, 'warning not-enforced Gateway spec.gatewayClassName'],
    ['to a Gateway that is missing', '', plain, 'warning not-enforced HTTPRoute spec.parentRefs[0].name'],
    ['to nothing', gateway(LISTENER), `{ rules: [{ ${BACKEND} }] }`, 'warning route-invalid HTTPRoute spec'],
  ])('%s', (_, made, spec, expected) => {
    const analysis = run(made, route(spec));
    expect(analysis.config.routes).toEqual([]);
    expect(said(analysis)).toContain(expected);
  }); // prettier-ignore

  it('but is served for a Gateway of another namespace that is not among the files', () => {
    const analysis = run(route(plain.replace('name: g', 'name: shared, namespace: infra')));
    expect(analysis.config.routes).toHaveLength(1);
    expect(said(analysis)).toContain('warning not-enforced HTTPRoute spec.parentRefs[0].name');
  });
});

describe('backends', () => {
  it.each([
    ['{ name: web, port: 80, weight: 3 }', { service: expect.any(String), weight: 3 }],
    ['{ name: web, port: 9 }', { weight: 1, status: 500 }],
    ['{ name: web, port: 81 }', { weight: 1, status: 500 }],
    ['{ name: web, port: 83 }', { weight: 1, status: 500 }],
    ['{ name: web, namespace: other, port: 80 }', { weight: 1, status: 500 }],
    ['{ group: x.y, kind: Z, name: web, port: 80 }', { weight: 1, status: 500 }],
    ['{ name: missing, port: 80 }', { service: expect.any(String), weight: 1, unknownStatus: 500 }],
  ])('%s', (backend, expected) => {
    const [made] = routes(rule('{}', `backendRefs: [${backend}]`));
    expect(made?.backends).toEqual([expect.objectContaining(expected)]);
  });

  it('may be a TraefikService', () => {
    const service = '---\napiVersion: traefik.io/v1alpha1\nkind: TraefikService\nmetadata: { name: t }\nspec: { weighted: { services: [{ name: web, port: 80, weight: 2 }, { name: web, port: 82 }] } }\n';
    const { config } = run(gateway(LISTENER), service, route(rule('{}', 'backendRefs: [{ group: traefik.io, kind: TraefikService, name: t, weight: 4 }]')));
    const [backend] = config.routes[0]?.backends ?? [];
    expect(backend?.weight).toBe(4);
    expect(config.services[backend?.service ?? '']).toMatchObject({ kind: 'weighted', services: [{ weight: 2 }, { weight: 1 }] });
  }); // prettier-ignore

  it('without endpoints have no server to choose', () => {
    const slice =
      '---\napiVersion: discovery.k8s.io/v1\nkind: EndpointSlice\nmetadata: { name: s, labels: { kubernetes.io/service-name: web } }\naddressType: IPv4\nports: [{ port: 8080, name: "" }]\nendpoints: []\n';
    const { config } = run(gateway(LISTENER), slice, route(rule('{}')));
    expect(config.routes[0]?.backends).toMatchObject([{ status: 503 }]);
  });

  it('of a GRPCRoute that lead nowhere are answered with a status of gRPC', () => {
    const [made] = routes(rule('{}', 'backendRefs: [{ name: web, port: 9 }]'), 'GRPCRoute');
    expect(made?.backends).toMatchObject([{ status: 200, grpcStatus: { code: 14, message: 'Service Unavailable' } }]);
  });

  it('of a port for HTTP/2 are asked so', () => {
    const { config } = run(gateway(LISTENER), route(rule('{}', 'backendRefs: [{ name: web, port: 82 }]')));
    expect(Object.values(config.services)).toMatchObject([{ scheme: 'h2c', passHostHeader: true }]);
  });

  it('that another namespace grants are used', () => {
    const other = SERVICE.replace('name: web', 'name: web, namespace: other');
    const grant = `---\napiVersion: ${GROUP}beta1\nkind: ReferenceGrant\nmetadata: { name: x, namespace: other }\nspec: { from: [{ group: gateway.networking.k8s.io, kind: HTTPRoute, namespace: ns }], to: [{ group: "", kind: Service }] }\n`;
    const analysis = run(gateway(LISTENER), other, grant, route(rule('{}', 'backendRefs: [{ name: web, namespace: other, port: 80 }]')));
    expect(analysis.config.routes[0]?.backends[0]?.status).toBeUndefined();
    expect(said(analysis)).toEqual([]);
  }); // prettier-ignore

  it('that there are none of is said', () => {
    const analysis = run(gateway(LISTENER), route('{ parentRefs: [{ name: g }], rules: [{ name: x }] }'));
    expect(analysis.config.routes[0]?.backends).toEqual([]);
    expect(said(analysis)).toEqual(['warning route-invalid HTTPRoute spec.rules[0]']);
  });
});

describe('filters', () => {
  const middlewares = (filter: string, match = '{}', kind = 'HTTPRoute'): readonly object[] | string => {
    const [made] = routes(rule(match, `filters: [${filter}], ${BACKEND}`), kind);
    return made === undefined ? 'not served' : made.backends[0]?.status !== undefined ? 'refused' : made.middlewares;
  };
  const MODIFIER = '{ set: [{ name: A, value: a }], add: [{ name: B, value: b }], remove: [C] }';
  it.each([
    [`{ type: RequestHeaderModifier, requestHeaderModifier: ${MODIFIER} }`, [{ kind: 'request-header-modifier', set: { A: 'a' }, add: { B: 'b' }, remove: ['C'] }]],
    [`{ type: ResponseHeaderModifier, responseHeaderModifier: ${MODIFIER} }`, [{ kind: 'response-header-modifier', set: { A: 'a' } }]],
    ['{ type: URLRewrite, urlRewrite: { hostname: a.example } }', [{ kind: 'url-rewrite', hostname: 'a.example' }]],
    ['{ type: URLRewrite, urlRewrite: { path: { type: ReplaceFullPath, replaceFullPath: /x } } }', [{ kind: 'url-rewrite', path: { path: '/x' } }]],
    ['{ type: URLRewrite, urlRewrite: {} }', 'refused'],
    ['{ type: RequestRedirect, requestRedirect: { port: 8080 } }', [{ kind: 'request-redirect', port: '8080', status: 302 }]],
    ['{ type: RequestRedirect, requestRedirect: { scheme: https, statusCode: 301 } }', [{ kind: 'request-redirect', scheme: 'https', port: '', status: 301 }]],
    ['{ type: RequestRedirect, requestRedirect: { statusCode: 307 } }', 'not served'],
    ['{ type: RequestMirror, requestMirror: { backendRef: { name: web, port: 80 } } }', 'refused'],
    ['{ type: CORS, cors: {} }', 'refused'],
    ['{ type: ExtensionRef, extensionRef: { group: x.y, kind: Z, name: z } }', 'refused'],
    ['{ type: ExtensionRef, extensionRef: { group: traefik.io, kind: Middleware, name: missing } }', 'not served'],
  ])('%s', (filter, expected) => {
    const made = middlewares(filter);
    if (typeof expected === 'string') expect(made).toBe(expected);
    else expect(made).toMatchObject(expected);
  });

  it('replace the prefix that was matched', () => {
    const filter = '{ type: URLRewrite, urlRewrite: { path: { type: ReplacePrefixMatch, replacePrefixMatch: /x } } }';
    expect(middlewares(filter, '{ path: { value: /a/ } }')).toMatchObject([{ path: { path: '/x', prefix: '/a/' } }]);
  });

  it('of a GRPCRoute are fewer', () => {
    const filter = (type: string): string => `{ type: ${type}HeaderModifier, ${type.toLowerCase()}HeaderModifier: ${MODIFIER} }`;
    expect(middlewares(filter('Request'), '{}', 'GRPCRoute')).toHaveLength(1);
    expect(middlewares(filter('Response'), '{}', 'GRPCRoute')).toBe('refused');
  });

  it('lead to Middleware objects', () => {
    const object = '---\napiVersion: traefik.io/v1alpha1\nkind: Middleware\nmetadata: { name: m }\nspec: { stripPrefix: { prefixes: [/a] } }\n';
    const filter = '{ type: ExtensionRef, extensionRef: { group: traefik.io, kind: Middleware, name: m } }';
    const { config } = run(gateway(LISTENER), object, route(rule('{}', `filters: [${filter}], ${BACKEND}`)));
    expect(config.routes[0]?.middlewares).toMatchObject([{ kind: 'strip-prefix', source: { name: 'm' } }]);
  });
}); // prettier-ignore

it('fields that Traefik does not look at are told', () => {
  const analysis = run(gateway(LISTENER), route(rule('{}', `timeouts: { request: 1s }, ${BACKEND}`)));
  expect(said(analysis)).toEqual(['info not-enforced HTTPRoute spec.rules[0].timeouts']);
});
