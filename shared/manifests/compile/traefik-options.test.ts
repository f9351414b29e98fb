import { describe, expect, it } from 'vitest';
import { analyze } from '../analyze.ts';
import { TRAEFIK_DEFAULTS, type TraefikOptions } from '../traefik-options.ts';

const FAR = `
apiVersion: v1
kind: Service
metadata: { name: web, namespace: far }
spec: { ports: [{ port: 80 }] }
---
apiVersion: traefik.io/v1alpha1
kind: Middleware
metadata: { name: add, namespace: far }
spec: { addPrefix: { prefix: /far } }
---
apiVersion: traefik.io/v1alpha1
kind: TraefikService
metadata: { name: both, namespace: far }
spec: { weighted: { services: [{ name: web, port: 80 }] } }
---
apiVersion: v1
kind: Service
metadata: { name: web, namespace: near }
spec: { ports: [{ port: 80 }] }
`;

function run(text: string, options: Partial<TraefikOptions> = {}) {
  const traefik = { ...TRAEFIK_DEFAULTS, ...options };
  const { config, diagnostics } = analyze([{ path: 'a.yaml', text: `${FAR}---\n${text}` }], {
    namespace: 'near',
    traefik,
  });
  return { routes: config.routes, told: diagnostics.map(({ code, path }) => `${code} ${path}`) };
}

const route = (of: string): string => `
apiVersion: traefik.io/v1alpha1
kind: IngressRoute
metadata: { name: r }
spec: { routes: [{ kind: Rule, match: PathPrefix(\`/\`), ${of} }] }
`;

describe('what is in another namespace', () => {
  const base = 'spec.routes[0]';
  it.each([
    ['a service', route('services: [{ name: web, namespace: far, port: 80 }]'), `${base}.services[0].name`],
    [
      'a TraefikService',
      route('services: [{ kind: TraefikService, name: both, namespace: far }]'),
      `${base}.services[0].name`,
    ],
    [
      'a middleware',
      route('services: [{ name: web, port: 80 }], middlewares: [{ name: add, namespace: far }]'),
      `${base}.middlewares[0].name`,
    ],
    [
      'a middleware by its joined name',
      route('services: [{ name: web, port: 80 }], middlewares: [{ name: far-add@kubernetescrd }]'),
      `${base}.middlewares[0].name`,
    ],
  ])('%s takes the route away, unless allowed', (_, text, path) => {
    expect(run(text)).toMatchObject({ routes: [], told: [`reference-cross-namespace ${path}`] });
    const allowed = run(text, { allowCrossNamespace: true });
    expect(allowed.routes).toHaveLength(1);
    expect(allowed.told).toEqual([]);
  });

  it('a parent too', () => {
    const parent = route('services: []').replace('name: r', 'name: parent, namespace: far');
    const child = route('services: [{ name: web, port: 80 }]').replace(
      'spec: {',
      'spec: { parentRefs: [{ name: parent, namespace: far }],',
    );
    const text = `${parent}---\n${child}`;
    expect(run(text)).toMatchObject({
      routes: [],
      told: expect.arrayContaining(['reference-cross-namespace spec.parentRefs[0].name']),
    });
    expect(run(text, { allowCrossNamespace: true }).routes).toHaveLength(2);
  });

  it('of a chain it is never looked at', () => {
    const chain = `
apiVersion: traefik.io/v1alpha1
kind: Middleware
metadata: { name: chained }
spec: { chain: { middlewares: [{ name: add, namespace: far }] } }
`;
    const { routes, told } = run(
      `${chain}---\n${route('services: [{ name: web, port: 80 }], middlewares: [{ name: chained }]')}`,
    );
    expect(routes.map(({ middlewares }) => middlewares.map(({ kind }) => kind))).toEqual([['add-prefix']]);
    expect(told).toEqual([]);
  });
});

it('a prefix of an Ingress is compared by elements where Traefik is told to', () => {
  const ingress = (path: string): string => `
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: { name: i }
spec:
  rules:
    - http: { paths: [{ path: ${path}, pathType: Prefix, backend: { service: { name: web, port: { number: 80 } } } }] }
`;
  const matchOf = (path: string, strictPrefixMatching: boolean) => {
    const [only] = run(ingress(path), { strictPrefixMatching }).routes;
    return only === undefined ? undefined : { match: only.match, priority: only.priority };
  };
  expect(matchOf('/a', false)).toEqual({ match: { kind: 'path-prefix', prefix: '/a' }, priority: 16 });
  for (const path of ['/a', '/a/'])
    expect(matchOf(path, true)).toEqual({
      match: {
        kind: 'any',
        of: [
          { kind: 'path', path: '/a' },
          { kind: 'path-prefix', prefix: '/a/' },
        ],
      },
      priority: 33,
    });
  expect(matchOf('/', true)).toEqual({ match: { kind: 'path-prefix', prefix: '/' }, priority: 15 });
});
