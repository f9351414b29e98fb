import { expect, it } from 'vitest';
import { findRenderings } from './find-renderings.ts';

const found = (files: Record<string, string>): ReturnType<typeof findRenderings> =>
  findRenderings(Object.entries(files).map(([path, text]) => ({ path, text })));

it('renders the overlays that no other one builds on, from all that they name', () => {
  const { roots, taken, sources, patches } = found({
    'base/kustomization.yaml': 'resources: [route.yaml]',
    'base/route.yaml': '',
    'base/unused.yaml': '',
    'logs/kustomization.yaml': 'kind: Component\npatches: [{ path: log.yaml }]',
    'logs/log.yaml': '',
    'prod/Kustomization': 'resources: [../base]\ncomponents: [../logs]\npatches: [{ path: more/patch.yaml }]',
    'prod/more/patch.yaml': '',
    'plain.yaml': '',
  });
  expect(roots).toEqual([
    {
      by: 'kustomize',
      dir: 'prod',
      entry: 'prod/Kustomization',
      parts: expect.arrayContaining(['prod', 'base', 'base/route.yaml', 'logs', 'logs/log.yaml']) as unknown,
      remote: [],
    },
  ]);
  expect(taken).not.toContain('plain.yaml');
  // It lies beside a kustomization, so that it is no plain manifest; objects are not made of it.
  expect(taken).toContain('base/unused.yaml');
  expect([...sources].toSorted()).toEqual(['base/route.yaml', 'logs/log.yaml', 'prod/more/patch.yaml']);
  expect([...patches].toSorted()).toEqual(['logs/log.yaml', 'prod/more/patch.yaml']);
});

it('tells what is elsewhere from what is beside, and what it does not know yet', () => {
  const { roots, beyond } = found({
    'prod/kustomization.yaml':
      'resources: [../../shared/base, "https://example.com/x.yaml", "github.com/a/b//c?ref=main", "git@example.com:a/b"]',
  });
  expect(roots[0]?.remote).toEqual(['https://example.com/x.yaml', 'github.com/a/b//c?ref=main', 'git@example.com:a/b']);
  expect(beyond).toEqual(['../shared/base']);
});

it('renders a chart once, with the charts in it', () => {
  const { roots, taken } = found({
    'shop/Chart.yaml': '',
    'shop/charts/web/Chart.yaml': '',
    'shop/charts/web/templates/route.yaml': '',
    'shopping.yaml': '',
  });
  expect(roots.map(({ by, dir }) => `${by} ${dir}`)).toEqual(['helm shop']);
  expect([...taken].toSorted()).toEqual([
    'shop/Chart.yaml',
    'shop/charts/web/Chart.yaml',
    'shop/charts/web/templates/route.yaml',
  ]);
});
