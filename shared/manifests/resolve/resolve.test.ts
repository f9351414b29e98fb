import { describe, expect, it } from 'vitest';
import { analyze } from '../analyze.ts';
import type { Diagnostic } from '../types.ts';

const HUB = 'hub.traefik.io/v1alpha1';
const TRAEFIK = 'traefik.io/v1alpha1';
const GATEWAY = 'gateway.networking.k8s.io/v1';

function object(apiVersion: string, kind: string, name: string, rest: string, namespace = 'shop', more = ''): string {
  return `apiVersion: ${apiVersion}\nkind: ${kind}\nmetadata: { name: ${name}, namespace: ${namespace}${more} }\n${rest}\n`;
}

/** Diagnostics on references, with what they speak of. */
function said(...documents: readonly string[]): string[] {
  const { diagnostics } = analyze([{ path: 'a.yaml', text: documents.join('---\n') }], { namespace: 'shop' });
  return diagnostics
    .filter(({ code }) => code.startsWith('reference-'))
    .map(({ severity, code, path }: Diagnostic) => `${severity} ${code} ${path}`);
}

const route = (backend: string, more = ''): string =>
  object(GATEWAY, 'HTTPRoute', 'r', `spec: { ${more}rules: [{ backendRefs: [${backend}] }] }`);
const service = (namespace: string): string =>
  object('v1', 'Service', 'pets', 'spec: { ports: [{ port: 80 }] }', namespace);
const chain = (name: string, ...others: readonly string[]): string =>
  object(TRAEFIK, 'Middleware', name, `spec: { chain: { middlewares: [${others.map((other) => `{ name: ${other} }`).join(', ')}] } }`); // prettier-ignore

describe('a reference that leads nowhere is told at its field', () => {
  it.each([
    ['portal to its sign-in', [object(HUB, 'APIPortal', 'p', 'spec: { trustedUrls: ["https://a"], auth: { name: x } }')], 'error reference-missing spec.auth.name'],
    ['sign-in to its Secret', [object(HUB, 'APIPortalAuth', 'p', 'spec: { oidc: { claims: { groups: g }, issuerUrl: "https://a", secretName: s } }')], 'warning reference-missing spec.oidc.secretName'],
    ['page to its parent', [object(HUB, 'ContentItem', 'c', 'spec: { order: 0, title: t, content: x, parentRef: { kind: APIBundle, name: b } }')], 'error reference-missing spec.parentRef.name'],
    ['rate limit to an API', [object(HUB, 'APIRateLimit', 'l', 'spec: { limit: 1, apis: [{ name: x }] }')], 'error reference-missing spec.apis[0].name'],
    ['preview to a route', [object('adit.dev/v1alpha1', 'Preview', 'p', 'spec: { routes: [{ kind: IngressRoute, name: x }] }')], 'error reference-missing spec.routes[0].name'],
    ['HTTPRoute to a Service', [route('{ name: x, port: 80 }')], 'warning reference-missing spec.rules[0].backendRefs[0].name'],
    ['HTTPRoute to a Gateway', [service('shop'), route('{ name: pets, port: 80 }', 'parentRefs: [{ name: x }], ')], 'info reference-missing spec.parentRefs[0].name'],
    ['HTTPRoute to a Middleware', [object(GATEWAY, 'HTTPRoute', 'r', 'spec: { rules: [{ filters: [{ type: ExtensionRef, extensionRef: { group: traefik.io, kind: Middleware, name: x } }] }] }')], 'error reference-missing spec.rules[0].filters[0].extensionRef.name'],
    ['Middleware to its users', [object(TRAEFIK, 'Middleware', 'm', 'spec: { basicAuth: { secret: s } }')], 'warning reference-missing spec.basicAuth.secret'],
    ['weighted service to a Service', [object(TRAEFIK, 'TraefikService', 't', 'spec: { weighted: { services: [{ name: x, port: 80 }] } }')], 'warning reference-missing spec.weighted.services[0].name'],
    ['mirror to a Service', [service('shop'), object(TRAEFIK, 'TraefikService', 't', 'spec: { mirroring: { name: pets, port: 80, mirrors: [{ name: x, port: 80 }] } }')], 'warning reference-missing spec.mirroring.mirrors[0].name'],
    ['route to a policy', [object('networking.k8s.io/v1', 'Ingress', 'i', 'spec: {}', 'shop', ', annotations: { hub.traefik.io/access-control-policy: x }')], 'error reference-missing metadata.annotations[hub.traefik.io/access-control-policy]'],
    ['route to an Uplink', [object('networking.k8s.io/v1', 'Ingress', 'i', 'spec: {}', 'shop', ', annotations: { hub.traefik.io/router.uplinks: shop-x }')], 'error reference-missing metadata.annotations[hub.traefik.io/router.uplinks]'],
  ])('%s', (_, documents, expected) => {
    expect(said(...documents)).toEqual([expected]);
  }); // prettier-ignore
});

describe('references that are followed', () => {
  it('a portal of another namespace, by NAME@NAMESPACE', () => {
    const ingress = object('networking.k8s.io/v1', 'Ingress', 'i', 'spec: { defaultBackend: { service: { name: apiportal, port: { number: 9903 } } } }', 'shop', ', annotations: { hub.traefik.io/api-portal: p@web }'); // prettier-ignore
    const portal = object(HUB, 'APIPortal', 'p', 'spec: { trustedUrls: ["https://a"] }', 'web');
    expect(said(ingress, portal)).toEqual([]);
  });

  it('an object of the former group of Traefik', () => {
    const middleware = object('traefik.containo.us/v1alpha1', 'Middleware', 'b', 'spec: { compress: {} }');
    expect(said(chain('a', 'b'), middleware)).toEqual([]);
  });

  it('an Uplink by the name that it is exposed as', () => {
    const ingress = object('networking.k8s.io/v1', 'Ingress', 'i', 'spec: {}', 'shop', ', annotations: { hub.traefik.io/router.uplinks: "pets, shop-b" }'); // prettier-ignore
    const uplinks = [object(HUB, 'Uplink', 'a', 'spec: { exposeName: pets }'), object(HUB, 'Uplink', 'b', 'spec: {}')];
    expect(said(ingress, ...uplinks)).toEqual([]);
  });
});

describe('a reference into another namespace by the Gateway API', () => {
  const to = '{ name: pets, namespace: store, port: 80 }';
  const grant = (from: string, what: string): string =>
    object(GATEWAY, 'ReferenceGrant', 'g', `spec: { from: [${from}], to: [${what}] }`, 'store');
  const us = '{ group: gateway.networking.k8s.io, kind: HTTPRoute, namespace: shop }';

  it.each([
    ['is refused without a ReferenceGrant', [], false],
    ['is allowed for all Services', [grant(us, '{ group: "", kind: Service }')], true],
    ['is allowed for one Service', [grant(us, '{ group: "", kind: Service, name: pets }')], true],
    ['is refused for another Service', [grant(us, '{ group: "", kind: Service, name: cats }')], false],
    ['is refused to another namespace', [grant(us.replace('shop', 'web'), '{ group: "", kind: Service }')], false],
    ['is refused to another kind', [grant(us.replace('HTTP', 'GRPC'), '{ group: "", kind: Service }')], false],
  ])('%s', (_, grants, allowed) => {
    const found = said(service('store'), route(to), ...grants);
    expect(found).toEqual(allowed ? [] : ['error reference-cross-namespace spec.rules[0].backendRefs[0].name']);
  });
});

describe('circles', () => {
  it('are told once, whatever is around them', () => {
    const loop = [chain('a', 'b'), chain('b', 'c', 'd'), chain('c', 'a'), chain('d'), chain('e', 'a')];
    const { diagnostics } = analyze([{ path: 'a.yaml', text: loop.join('---\n') }], { namespace: 'shop' });
    expect(diagnostics.filter(({ code }) => code === 'reference-cycle')).toMatchObject([
      { object: { name: 'c' }, message: 'Middleware objects refer to each other in a circle: a → b → c → a' },
    ]);
  });

  it('of one object are told', () => {
    expect(said(chain('a', 'a'))).toEqual(['error reference-cycle spec.chain.middlewares[0].name']);
  });

  it('do not stop at a chain of thousands', () => {
    const long = Array.from({ length: 3_000 }, (_, at) => chain(`m${at}`, `m${(at + 1) % 3_000}`));
    const files = long.map((text, at) => ({ path: `${at}.yaml`, text }));
    const { diagnostics } = analyze(files, { namespace: 'shop' });
    expect(diagnostics.filter(({ code }) => code === 'reference-cycle')).toHaveLength(1);
  });
});

describe('a joined name that fits two objects', () => {
  it('is told, and the first is taken', () => {
    const middleware = (namespace: string, name: string): string =>
      object(TRAEFIK, 'Middleware', name, 'spec: { compress: {} }', namespace);
    const ingress = object('networking.k8s.io/v1', 'Ingress', 'i', 'spec: {}', 'shop', ', annotations: { traefik.ingress.kubernetes.io/router.middlewares: a-b-c@kubernetescrd }'); // prettier-ignore
    expect(said(middleware('a', 'b-c'), middleware('a-b', 'c'), ingress)).toEqual([
      'warning reference-ambiguous metadata.annotations[traefik.ingress.kubernetes.io/router.middlewares]',
    ]);
  });
});
