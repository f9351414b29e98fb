import fc from 'fast-check';
import { rules } from './cases/manifests.ts';
import type { ConformanceCase } from './conformance-case.ts';
import { asks } from './generated-asks.ts';
import { rule } from './generated-rules.ts';

const route = fc.oneof(
  { weight: 3, arbitrary: rule },
  { weight: 1, arbitrary: fc.record({ match: rule, priority: fc.integer({ min: 1, max: 60 }) }) },
);

/** Cases of one seed. Rules of equal priority that both match are left to chance by Traefik: routes differ in it. */
export function generatedIngressRoutes(count: number, seed: number): ConformanceCase[] {
  const one = fc.record({
    routes: fc.uniqueArray(route, {
      minLength: 2,
      maxLength: 6,
      selector: (item) => (typeof item === 'string' ? Buffer.byteLength(item) : item.priority),
    }),
    asks,
  });
  return fc.sample(one, { numRuns: count, seed }).map(({ routes, asks: asked }, at) => ({
    name: `generated IngressRoute: ${seed}.${at}`,
    manifests: rules(...routes),
    asks: asked,
  }));
}
