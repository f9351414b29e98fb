import type { ConformanceCase } from '../conformance-case.ts';
import { ingress } from './ingress.ts';
import { APP, get, middleware } from './manifests.ts';

const FAR = 'conf-far';
const far = (manifests: string): string => manifests.replaceAll('namespace: conf ', `namespace: ${FAR} `);

/** An IngressRoute of the first host. */
function route(of: string, name = 'r'): string {
  return `---
apiVersion: traefik.io/v1alpha1
kind: IngressRoute
metadata: { name: ${name}, namespace: conf }
spec: { ${of} }
`;
}
const one = (match: string, more: string): string =>
  `{ kind: Rule, match: "${match.replaceAll('"', '\\"')}", ${more} }`;
const near = 'services: [{ name: echo, port: ${PORT} }]';
const APP_ALL = `${APP} && PathPrefix(\`/\`)`;

/** Of options that Traefik has off: asked once with all of them off and once with all on. */
export const OPTION_CASES: readonly ConformanceCase[] = [
  {
    name: 'options: a Service of another namespace',
    manifests: route(
      `routes: [${one(APP_ALL, near)}, ${one(`${APP} && PathPrefix(\`/far\`)`, `services: [{ name: far, namespace: ${FAR}, port: \${PORT} }]`)}]`,
    ),
    asks: get('/', '/far', '/far/x'),
  },
  {
    name: 'options: a middleware of another namespace',
    manifests:
      far(middleware('strip', '{ stripPrefix: { prefixes: [/far] } }')) +
      route(
        `routes: [${one(APP_ALL, near)}, ${one(`${APP} && PathPrefix(\`/far\`)`, `${near}, middlewares: [{ name: strip, namespace: ${FAR} }]`)}]`,
      ),
    asks: get('/', '/far/x'),
  },
  {
    name: 'options: a middleware by its joined name',
    manifests:
      far(middleware('strip', '{ stripPrefix: { prefixes: [/far] } }')) +
      route(
        `routes: [${one(APP_ALL, near)}, ${one(`${APP} && PathPrefix(\`/far\`)`, `${near}, middlewares: [{ name: ${FAR}-strip@kubernetescrd }]`)}]`,
      ),
    asks: get('/', '/far/x'),
  },
  {
    name: 'options: a chain reaches into another namespace',
    manifests:
      far(middleware('strip', '{ stripPrefix: { prefixes: [/far] } }')) +
      middleware('chained', `{ chain: { middlewares: [{ name: strip, namespace: ${FAR} }] } }`) +
      route(`routes: [${one(`${APP} && PathPrefix(\`/far\`)`, `${near}, middlewares: [{ name: chained }]`)}]`),
    asks: get('/', '/far/x'),
  },
  {
    name: 'options: a TraefikService of another namespace, and one that names a Service of another',
    manifests: `---
apiVersion: traefik.io/v1alpha1
kind: TraefikService
metadata: { name: there, namespace: ${FAR} }
spec: { weighted: { services: [{ name: far, port: \${PORT}, nativeLB: true }] } }
---
apiVersion: traefik.io/v1alpha1
kind: TraefikService
metadata: { name: here, namespace: conf }
spec: { weighted: { services: [{ name: far, namespace: ${FAR}, port: \${PORT}, nativeLB: true }] } }
${route(
  `routes: [${one(APP_ALL, near)}, ${one(`${APP} && PathPrefix(\`/there\`)`, `services: [{ kind: TraefikService, name: there, namespace: ${FAR} }]`)}, ${one(`${APP} && PathPrefix(\`/here\`)`, 'services: [{ kind: TraefikService, name: here }]')}]`,
)}`,
    asks: get('/', '/there', '/here'),
  },
  {
    name: 'options: a page for errors from another namespace',
    manifests:
      middleware(
        'pages',
        `{ errors: { status: ["500-599"], query: "/page", service: { name: far, namespace: ${FAR}, port: \${PORT}, nativeLB: true } } }`,
      ) + route(`routes: [${one(APP_ALL, `${near}, middlewares: [{ name: pages }]`)}]`),
    asks: get('/', '/?status=503'),
  },
  {
    name: 'options: a parent of another namespace',
    manifests:
      far(route(`routes: [${one(APP_ALL, 'services: []').replace(', services: []', '')}]`, 'parent')) +
      route(
        `parentRefs: [{ name: parent, namespace: ${FAR} }], routes: [${one('PathPrefix(`/child`)', near)}]`,
        'child',
      ),
    asks: get('/', '/child'),
  },
  {
    name: 'options: prefixes of an Ingress, whole elements or not',
    manifests: ingress('i', [
      {
        host: 'app.test',
        paths: [
          { path: '/', type: 'Prefix' },
          { path: '/a', type: 'Prefix', service: 'second' },
          { path: '/b/c/', type: 'Prefix', service: 'third' },
          { path: '/free', type: 'ImplementationSpecific', service: 'third' },
          { path: '/just', type: 'Exact', service: 'second' },
        ],
      },
    ]),
    asks: get(
      '/a',
      '/a/',
      '/a/b',
      '/ab',
      '/b',
      '/b/c',
      '/b/c/',
      '/b/c/d',
      '/b/cd',
      '/free',
      '/freed',
      '/just',
      '/just/x',
    ),
  },
];
