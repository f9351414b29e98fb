import fc from 'fast-check';
import { ingress, INGRESS_CLASS, router, type IngressPath } from './cases/ingress.ts';
import type { ConformanceCase } from './conformance-case.ts';
import { distinctRanks } from './distinct-ranks.ts';
import { asksOf } from './generated-asks.ts';
import { HOSTS } from './subject.ts';

/** What the API server takes: no escaped slash. Of a few names, so that several Ingresses overlap. */
const segment = fc.constantFrom('a', 'b', 'ab', 'v1', 'v22', 'x-y', 'A', '~', 'é', 'a+b', '(c)', 'a b', '%20');
const path = fc
  .tuple(fc.array(segment, { maxLength: 3 }), fc.boolean())
  .map(([segments, slash]) => `/${segments.join('/')}${slash && segments.length > 0 ? '/' : ''}`);
const service = fc.oneof(
  { weight: 9, arbitrary: fc.constantFrom('echo', 'second', 'third') },
  { weight: 1, arbitrary: fc.constant('absent') },
);
const type = fc.constantFrom('Exact', 'Prefix', 'ImplementationSpecific');
const ingressPath: fc.Arbitrary<IngressPath> = fc.record({ path, type, service });
const host = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom<string | null>(...HOSTS) },
  { weight: 1, arbitrary: fc.constantFrom<string | null>('*.app.test', '*.test', '*.example.test', null) },
);
const rules = fc.array(fc.record({ host, paths: fc.array(ingressPath, { minLength: 1, maxLength: 3 }) }), {
  minLength: 1,
  maxLength: 3,
});
const annotations = fc.oneof(
  { weight: 5, arbitrary: fc.constant({}) },
  { weight: 1, arbitrary: fc.integer({ min: -3, max: 90 }).map((rank) => router('priority', String(rank))) },
  { weight: 1, arbitrary: fc.constantFrom('Path', 'PathPrefix', 'PathRegexp').map((of) => router('pathmatcher', of)) },
  { weight: 1, arbitrary: fc.constantFrom('traefik', 'nginx').map((of) => ({ 'kubernetes.io/ingress.class': of })) },
);
const className = fc.oneof(
  { weight: 5, arbitrary: fc.constant({}) },
  { weight: 1, arbitrary: fc.constantFrom('traefik', 'nginx').map((of) => ({ ingressClassName: of })) },
);
/** The API server takes one of the two. */
const marked = fc.oneof(
  annotations.map((of) => ({ annotations: of, spec: {} })),
  className.map((of) => ({ annotations: {}, spec: of })),
);
const one = fc.record({ rules, more: marked });
const fallback = fc.option(
  service.map((name) => ingress('z', [], { spec: { defaultBackend: { service: { name, port: { name: 'web' } } } } })),
);

const manifests = fc
  .tuple(fc.array(one, { minLength: 1, maxLength: 3 }), fallback)
  .map(
    ([objects, last]) =>
      INGRESS_CLASS + objects.map(({ rules: of, more }, at) => ingress(`i${at}`, of, more)).join('') + (last ?? ''),
  );

/** Ingresses that overlap: path types, hosts, classes, priorities, a default backend. */
export function generatedIngresses(count: number, seed: number): ConformanceCase[] {
  const generated = manifests
    .filter(distinctRanks)
    .chain((made) => fc.record({ manifests: fc.constant(made), asks: asksOf(made) }));
  return fc
    .sample(generated, { numRuns: count, seed })
    .map((made, at) => ({ name: `generated Ingress: ${seed}.${at}`, ...made }));
}
