import type { ConformanceCase } from '../conformance-case.ts';
import { get } from './manifests.ts';

const times = (count: number) => get(...Array.from({ length: count }, () => '/'));

function routeTo(...services: readonly string[]): string {
  return `---
apiVersion: traefik.io/v1alpha1
kind: IngressRoute
metadata: { name: services, namespace: conf }
spec:
  routes:
    - kind: Rule
      match: Host(\`app.test\`) && PathPrefix(\`\${PREFIX}\`)
      services: [${services.join(', ')}]
`;
}
function traefikService(name: string, spec: string): string {
  return `---
apiVersion: traefik.io/v1alpha1
kind: TraefikService
metadata: { name: ${name}, namespace: conf }
spec: ${spec}
`;
}

export const SERVICE_CASES: readonly ConformanceCase[] = [
  {
    name: 'services: weights split exactly',
    manifests: routeTo('{ name: echo, port: ${PORT}, weight: 2 }', '{ name: second, port: ${PORT}, weight: 1 }'),
    asks: times(9),
    stateful: 'turns',
  },
  {
    name: 'services: without weights',
    manifests: routeTo('{ name: echo, port: ${PORT} }', '{ name: second, port: web }'),
    asks: times(6),
    stateful: 'turns',
  },
  {
    name: 'services: a weight of 0',
    manifests: routeTo('{ name: echo, port: ${PORT}, weight: 0 }', '{ name: second, port: ${PORT}, weight: 1 }'),
    asks: times(4),
    stateful: 'turns',
  },
  {
    name: 'services: all weights 0',
    manifests: routeTo('{ name: echo, port: ${PORT}, weight: 0 }', '{ name: second, port: ${PORT}, weight: 0 }'),
    asks: times(2),
  },
  {
    name: 'services: TraefikService, weighted and nested',
    manifests:
      traefikService(
        'inner',
        '{ weighted: { services: [{ name: second, port: ${PORT}, nativeLB: true, weight: 1 }, { name: third, port: ${PORT}, nativeLB: true, weight: 1 }] } }',
      ) +
      traefikService(
        'outer',
        '{ weighted: { services: [{ name: echo, port: ${PORT}, nativeLB: true, weight: 1 }, { name: inner, kind: TraefikService, weight: 1 }] } }',
      ) +
      routeTo('{ name: outer, kind: TraefikService }'),
    asks: times(8),
    stateful: 'turns',
  },
  {
    name: 'services: mirroring sends a copy',
    manifests:
      traefikService(
        'copy',
        '{ mirroring: { name: echo, port: ${PORT}, nativeLB: true, mirrors: [{ name: second, port: ${PORT}, nativeLB: true, percent: 0 }] } }',
      ) + routeTo('{ name: copy, kind: TraefikService }'),
    asks: [...times(3), { method: 'POST', target: '/', body: 'x' }],
    stateful: 'counted',
  },
  {
    name: 'services: sticky sets a cookie',
    manifests:
      traefikService(
        'sticky',
        '{ weighted: { services: [{ name: echo, port: ${PORT}, nativeLB: true, weight: 1 }, { name: second, port: ${PORT}, nativeLB: true, weight: 1 }], sticky: { cookie: { name: seat, httpOnly: true, secure: true, sameSite: lax, maxAge: 60, path: / } } } }',
      ) + routeTo('{ name: sticky, kind: TraefikService }'),
    asks: times(2),
    stateful: 'turns',
    allowed: { headers: ['set-cookie'], why: 'the value names a server by a hash of its name' },
  },
  {
    name: 'services: passHostHeader false',
    manifests: routeTo('{ name: echo, port: ${PORT}, passHostHeader: false }'),
    asks: get('/'),
  },
  {
    name: 'services: one that is missing',
    manifests: routeTo('{ name: absent, port: 80 }'),
    asks: get('/'),
  },
  {
    name: 'services: a port that is missing',
    manifests: routeTo('{ name: echo, port: 81 }'),
    asks: get('/'),
  },
];
