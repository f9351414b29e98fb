import { expect, it } from 'vitest';
import { placeIn } from '../report.ts';
import type { ManifestDocument } from '../types.ts';
import { parseRendered, type RenderedFolder } from './place-rendered.ts';

const object = (name: string, spec: string, namespace = ''): string =>
  `apiVersion: v1\nkind: Service\nmetadata:\n  name: ${name}\n${namespace === '' ? '' : `  namespace: ${namespace}\n`}spec:\n${spec}`;
const overlay = (
  text: string,
  sources: Record<string, string>,
  patches: Record<string, string> = {},
): RenderedFolder => {
  const files = (all: Record<string, string>): RenderedFolder['sources'] =>
    Object.entries(all).map(([path, content]) => ({ path, text: content }));
  return {
    by: 'kustomize',
    dir: 'prod',
    entry: 'prod/kustomization.yaml',
    parts: [],
    remote: [],
    text,
    sources: files(sources),
    patches: files(patches),
  };
};
const places = (document: ManifestDocument | undefined, ...paths: readonly (readonly string[])[]): string[] =>
  paths.map((path) => {
    if (document === undefined) return 'nowhere';
    const { file, line } = placeIn(document, document.locate(path));
    return `${file}:${line}`;
  });

it('a field is where its source says it, where a patch sets it, or where the nearest around it is', () => {
  const { documents } = parseRendered(
    overlay(
      object('p-web', '  type: NodePort\n  ports: 5\n  more: 1\n'),
      { 'base/web.yaml': `# words\n${object('web', '  type: ClusterIP\n  ports: 5\n')}` },
      { 'prod/patch.yaml': `# other words\n\n${object('web', '  type: NodePort\n')}` },
    ),
    'default',
  );
  expect(places(documents[0], ['spec', 'type'], ['spec', 'ports'], ['spec', 'more'], ['metadata', 'name'])).toEqual([
    'prod/patch.yaml:8',
    'base/web.yaml:8',
    'base/web.yaml:7',
    'base/web.yaml:5',
  ]);
  expect(documents[0]?.rendered).toEqual({
    by: 'kustomize',
    dir: 'prod',
    text: object('p-web', '  type: NodePort\n  ports: 5\n  more: 1\n'),
  });
});

it('of several sources the likest is taken: the same name, then the longest, then the same namespace', () => {
  const text = [object('web', '  a: 1\n', 'two'), object('x-web-admin', '  a: 1\n'), object('made', '  a: 1\n')];
  const { documents } = parseRendered(
    overlay(text.join('---\n'), {
      'one.yaml': object('web', '  a: 1\n', 'one'),
      'two.yaml': object('web', '  a: 1\n', 'two'),
      'admin.yaml': object('web-admin', '  a: 1\n'),
      'config.yaml': object('made', '  a: 1\n').replace('kind: Service', 'kind: ConfigMap'),
    }),
    'default',
  );
  expect(documents.map(({ file }) => file)).toEqual(['two.yaml', 'admin.yaml', 'prod/kustomization.yaml']);
});

it('what Helm gives is at its template, and at the field there where it is written', () => {
  const text = `---\n# Source: shop/templates/a.yaml\n${object('a', '  b: 1\n')}---\n# Source: shop/charts/web/templates/b.yaml\n${object('b', '  b: 1\n')}`;
  const { documents } = parseRendered(
    {
      ...overlay(text, { 'charts/shop/templates/a.yaml': `# words\n${object('{{ .Values.name }}', '  b: 1\n')}` }),
      by: 'helm',
      dir: 'charts/shop',
      entry: 'charts/shop/Chart.yaml',
    },
    'default',
  );
  expect(documents.map((document) => places(document, ['spec', 'b'])[0])).toEqual([
    'charts/shop/templates/a.yaml:7',
    'charts/shop/charts/web/templates/b.yaml:1',
  ]);
});
