import type { ConformanceCase } from '../conformance-case.ts';
import { get, middleware } from './manifests.ts';

export interface IngressPath {
  readonly path?: string;
  readonly type: 'Exact' | 'Prefix' | 'ImplementationSpecific';
  readonly service?: string;
}

/** An Ingress; `annotations` are added, the rules are one for each host (null: none). */
export function ingress(
  name: string,
  rules: readonly { readonly host: string | null; readonly paths: readonly IngressPath[] }[],
  more: {
    readonly annotations?: Readonly<Record<string, string>>;
    readonly spec?: Readonly<Record<string, unknown>>;
  } = {},
): string {
  return `---\n${JSON.stringify({
    apiVersion: 'networking.k8s.io/v1',
    kind: 'Ingress',
    metadata: { name, namespace: 'conf', ...(more.annotations ? { annotations: more.annotations } : {}) },
    spec: {
      rules: rules.map(({ host, paths }) => ({
        ...(host === null ? {} : { host }),
        http: {
          paths: paths.map(({ path, type, service = 'echo' }) => ({
            ...(path === undefined ? {} : { path }),
            pathType: type,
            backend: { service: { name: service, port: { name: 'web' } } },
          })),
        },
      })),
      ...more.spec,
    },
  })}\n`;
}

/** Traefik's, as it comes with the installation. */
export const INGRESS_CLASS = `---
apiVersion: networking.k8s.io/v1
kind: IngressClass
metadata: { name: traefik }
spec: { controller: traefik.io/ingress-controller }
`;

const app = (...paths: readonly IngressPath[]) => [{ host: 'app.test', paths }];
export const router = (option: string, value: string) => ({
  [`traefik.ingress.kubernetes.io/router.${option}`]: value,
});

export const INGRESS_CASES: readonly ConformanceCase[] = [
  {
    name: 'ingress: Exact',
    manifests: ingress('i', app({ path: '/a', type: 'Exact' }, { path: '/b/', type: 'Exact' })),
    asks: get('/a', '/a/', '/a/b', '/A', '/b', '/b/', '/'),
  },
  {
    name: 'ingress: Prefix',
    manifests: ingress('i', app({ path: '/a', type: 'Prefix' }, { path: '/b/', type: 'Prefix', service: 'second' })),
    asks: get('/a', '/a/', '/a/x', '/ab', '/b', '/b/', '/b/x', '/bx', '/'),
  },
  {
    name: 'ingress: ImplementationSpecific',
    manifests: ingress('i', app({ path: '/a', type: 'ImplementationSpecific' })),
    asks: get('/a', '/a/', '/ab', '/b'),
  },
  {
    name: 'ingress: the longer path first, Exact beside Prefix',
    manifests: ingress(
      'i',
      app(
        { path: '/', type: 'Prefix' },
        { path: '/a', type: 'Prefix', service: 'second' },
        { path: '/a', type: 'Exact', service: 'third' },
        { path: '/a/b', type: 'Prefix', service: 'echo' },
      ),
    ),
    asks: get('/', '/a', '/a/', '/a/b', '/a/c', '/x'),
  },
  {
    name: 'ingress: no path',
    manifests: ingress('i', [{ host: 'app.test', paths: [{ type: 'ImplementationSpecific' }] }]),
    asks: get('/', '/x/y'),
  },
  {
    name: 'ingress: hosts, and one without',
    manifests: ingress('i', [
      { host: 'app.test', paths: [{ path: '/', type: 'Prefix' }] },
      { host: 'api.test', paths: [{ path: '/v1', type: 'Prefix', service: 'second' }] },
      { host: null, paths: [{ path: '/all', type: 'Prefix', service: 'third' }] },
    ]),
    asks: ['app.test', 'api.test', 'other.test'].flatMap((host) =>
      ['/', '/v1', '/all', '/all/x'].map((target) => ({ host, target })),
    ),
  },
  {
    name: 'ingress: a wildcard host',
    manifests: ingress('i', [
      { host: '*.app.test', paths: [{ path: '/', type: 'Prefix' }] },
      { host: '*.example.test', paths: [{ path: '/', type: 'Prefix', service: 'second' }] },
    ]),
    asks: ['app.test', 'www.app.test', 'a.b.app.test', 'x2.example.test', 'other.test'].map((host) => ({
      host,
      target: '/',
    })),
  },
  {
    name: 'ingress: a default backend',
    manifests: ingress('i', app({ path: '/a', type: 'Prefix', service: 'second' }), {
      spec: { defaultBackend: { service: { name: 'third', port: { name: 'web' } } } },
    }),
    asks: [...get('/a', '/b'), { host: 'other.test', target: '/a' }],
  },
  {
    name: 'ingress: a class of another controller',
    manifests: ingress('i', app({ path: '/', type: 'Prefix' }), { spec: { ingressClassName: 'nginx' } }),
    asks: get('/'),
  },
  {
    name: "ingress: Traefik's class",
    manifests: `${INGRESS_CLASS}${ingress('i', app({ path: '/', type: 'Prefix' }), { spec: { ingressClassName: 'traefik' } })}`,
    asks: get('/'),
  },
  {
    name: 'ingress: priority by annotation',
    manifests:
      ingress('i', app({ path: '/', type: 'Prefix' }), { annotations: router('priority', '500') }) +
      ingress('j', app({ path: '/a/long/path', type: 'Prefix', service: 'second' })),
    asks: get('/a/long/path', '/'),
  },
  {
    name: 'ingress: middlewares by annotation',
    manifests:
      middleware('strip', '{ stripPrefix: { prefixes: [/a] } }') +
      middleware('add', '{ addPrefix: { prefix: /z } }') +
      ingress('i', app({ path: '/a', type: 'Prefix' }), {
        annotations: router('middlewares', 'conf-strip@kubernetescrd, conf-add@kubernetescrd'),
      }),
    asks: get('/a/x', '/a'),
  },
  {
    name: 'ingress: a missing middleware by annotation',
    manifests: ingress('i', app({ path: '/', type: 'Prefix' }), {
      annotations: router('middlewares', 'conf-absent@kubernetescrd'),
    }),
    asks: get('/'),
  },
  {
    name: 'ingress: the path matcher by annotation',
    manifests: ingress('i', app({ path: '/a', type: 'ImplementationSpecific' }), {
      annotations: router('pathmatcher', 'Path'),
    }),
    asks: get('/a', '/a/', '/a/b'),
  },
  {
    name: 'ingress: a Service that is missing',
    manifests: ingress('i', app({ path: '/gone', type: 'Prefix', service: 'absent' }, { path: '/', type: 'Prefix' })),
    asks: get('/gone', '/'),
  },
  {
    name: 'ingress: a path with a space and one with a backtick-free oddity',
    manifests: ingress(
      'i',
      app({ path: '/a(b)', type: 'Prefix' }, { path: '/c.d', type: 'Prefix', service: 'second' }),
    ),
    asks: get('/a(b)', '/a(b)/x', '/c.d', '/cxd', '/ab'),
  },
];
