import { mkdirSync, readdirSync, readFileSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { pino } from 'pino';
import { describe, expect, it } from 'vitest';
import { FolderSource } from '../../agent/sources/folder-source.ts';
import type { SourceUpdate } from '../../agent/sources/source.ts';
import { folderOf, runCli, writeInto } from '../../cli/testing/run-cli.ts';
import { renderFolders, type RenderMemory } from '../../shared/manifests/render/run-renderer.ts';
import { kubeBinaries } from '../kube/binaries.ts';
import { findHelm } from './helm.ts';

const kubectl = (await kubeBinaries())?.kubectl;
const helm = await findHelm();
const only = (program: string | undefined): Record<string, string> => ({
  PATH: program === undefined ? '/nowhere' : dirname(program),
});

const ROUTE = `# the base
apiVersion: traefik.io/v1alpha1
kind: IngressRoute
metadata:
  name: shop
spec:
  routes:
    - match: Host(\`shop.test\`)
      services: [{ name: web, port: 80 }]
`;
const SERVICE = 'apiVersion: v1\nkind: Service\nmetadata: { name: web }\nspec: { ports: [{ port: 80 }] }\n';
const OVERLAY = {
  'base/kustomization.yaml': 'resources: [route.yaml, service.yaml]\n',
  'base/route.yaml': ROUTE,
  'base/service.yaml': SERVICE,
  'overlays/prod/kustomization.yaml':
    'namespace: prod\nnamePrefix: p-\nresources: [../../base]\npatches: [{ path: route.yaml }]\n',
  'overlays/prod/route.yaml':
    'apiVersion: traefik.io/v1alpha1\nkind: IngressRoute\nmetadata: { name: shop }\nspec: { routes: [{ match: "Host(`prod.test`)", kind: Rule, services: [{ name: p-web, port: 80 }] }] }\n',
};

describe.skipIf(kubectl === undefined)('a Kustomize overlay', () => {
  const env = only(kubectl);

  it('is rendered by the real kubectl: its objects are checked, those of its sources are not read beside them', async () => {
    using folder = folderOf(OVERLAY);
    const graph = await runCli(folder.dir, ['graph', '--json'], env);
    const { nodes } = JSON.parse(graph.out) as { nodes: { kind: string; title: string; detail: string; file?: string }[] };
    expect(nodes.filter(({ kind }) => kind === 'IngressRoute')).toEqual([
      expect.objectContaining({ detail: 'Host(`prod.test`)', file: 'base/route.yaml' }),
    ]);
    const valid = await runCli(folder.dir, ['validate', '.'], env);
    expect(valid.out).toBe('0 errors, 0 warnings, 0 notes\n');
    expect(valid.code).toBe(0);
  });

  it('is told of at the line of the same field in its source', async () => {
    using folder = folderOf({ ...OVERLAY, 'overlays/prod/route.yaml': '# nothing\n', 'overlays/prod/kustomization.yaml': 'namespace: prod\nnamePrefix: p-\nresources: [../../base]\n', 'base/route.yaml': ROUTE.replace('services:', 'servces:') });
    const { out, code } = await runCli(folder.dir, ['lint'], env);
    expect(out).toContain('base/route.yaml:9:7: error: IngressRoute prod/p-shop: strict decoding error: unknown field "spec.routes[0].servces"');
    expect(out).toContain('Rendered from overlays/prod by kustomize: the line is that of its source, where it has one.');
    expect(code).toBe(1);
  });

  it('that cannot be rendered, or would fetch something, is one error where its kustomization says so', async () => {
    using folder = folderOf({
      'a/kustomization.yaml': 'resources: [gone.yaml]\n',
      'b/kustomization.yaml': 'resources: ["https://example.com/x.yaml", "github.com/a/b//c?ref=main"]\n',
      'plain.yaml': SERVICE,
    });
    const { out, code } = await runCli(folder.dir, ['validate', '.'], env);
    expect(out).toMatch(/^a\/kustomization\.yaml:1:13: error: kustomize: a\/gone\.yaml is not there \[render-failed\]$/m);
    expect(out).toContain('b/kustomization.yaml:1:1: error: kustomize: it names what is elsewhere, and nothing is fetched: https://example.com/x.yaml, github.com/a/b//c?ref=main');
    expect(out).toContain('2 errors, 0 warnings, 0 notes');
    expect(code).toBe(1);
  });

  it('is served by a preview, and rendered again when a source changes', async () => {
    using folder = folderOf(OVERLAY);
    const updates: SourceUpdate[] = [];
    let wake = (): void => undefined;
    const path = process.env['PATH'];
    process.env['PATH'] = env['PATH'];
    const source = new FolderSource({ dir: folder.dir, upstreams: {}, log: pino({ level: 'silent' }), sweepMs: 200, onUpdate: (update) => (updates.push(update), wake()) });
    try {
      const hosts = (): readonly string[] => { const last = updates.at(-1); return last?.kind === 'config' ? last.config.hosts : []; };
      await source.start();
      expect(hosts()).toEqual(['prod.test']);
      writeInto(folder.dir, { 'overlays/prod/route.yaml': OVERLAY['overlays/prod/route.yaml'].replace('prod.test', 'next.test') });
      while (!hosts().includes('next.test')) await new Promise<void>((resolve) => (wake = resolve));
    } finally {
      process.env['PATH'] = path;
      await source.close();
    }
  });

  it('is rendered with what is unsaved, from a copy that is gone afterwards, and not again when nothing changed', async () => {
    using folder = folderOf(OVERLAY);
    const before = textsBelow(folder.dir);
    const route = OVERLAY['overlays/prod/route.yaml'].replace('prod.test', 'unsaved.test');
    const unsaved = new Map([['overlays/prod/route.yaml', route]]);
    const files = Object.entries({ ...OVERLAY, 'overlays/prod/route.yaml': route }).map(([path, text]) => ({ path, text }));
    const memory: RenderMemory = new Map();
    const options = { root: folder.dir, files, namespace: 'default', unsaved, memory, env };
    const first = await renderFolders(options);
    expect(first.problems).toEqual([]);
    expect(first.rendered[0]?.text).toContain('unsaved.test');
    expect(textsBelow(folder.dir)).toEqual(before);
    expect(readdirSync(tmpdir()).filter((name) => name.startsWith(`adit-render-${process.pid}-`))).toEqual([]);
    const fingerprint = memory.get('overlays/prod')?.fingerprint;
    expect(fingerprint).toMatch(/^[0-9a-f]{64}$/);
    const again = await renderFolders({ ...options, signal: AbortSignal.timeout(30_000) });
    expect(again).toEqual(first);
    expect(memory.get('overlays/prod')?.fingerprint).toBe(fingerprint);
    writeInto(folder.dir, { 'base/service.yaml': SERVICE.replace('port: 80', 'port: 81') });
    const changed = await renderFolders(options);
    expect(changed.rendered[0]?.text).toContain('port: 81');
  });

  it('is told of in the patch that set the field, and where its rule is another', async () => {
    using folder = folderOf({ ...OVERLAY, 'overlays/prod/route.yaml': OVERLAY['overlays/prod/route.yaml'].replace('services:', 'servces:') });
    const { out } = await runCli(folder.dir, ['validate', '.'], env);
    expect(out).toMatch(/^overlays\/prod\/route\.yaml:4:\d+: error: IngressRoute prod\/p-shop: .*unknown field "spec\.routes\[0\]\.servces"/m);
  });

  it('outside of the folder that is read gives positions all the same', async () => {
    using folder = folderOf({ ...OVERLAY, 'base/route.yaml': ROUTE.replace('services:', 'servces:'), 'overlays/prod/route.yaml': 'apiVersion: traefik.io/v1alpha1\nkind: IngressRoute\nmetadata: { name: shop }\n' });
    const { out } = await runCli(folder.dir, ['validate', 'overlays'], env);
    expect(out).toContain('base/route.yaml:9:7: error: IngressRoute prod/p-shop: strict decoding error: unknown field "spec.routes[0].servces"');
  });

  it('is no longer rendered once its caller has another state', async () => {
    using folder = folderOf(OVERLAY);
    const files = Object.entries(OVERLAY).map(([path, text]) => ({ path, text }));
    const cancel = new AbortController();
    const run = renderFolders({ root: folder.dir, files, namespace: 'default', signal: cancel.signal, env });
    cancel.abort(new Error('newer'));
    await expect(run).rejects.toThrow('newer');
  });
}); // prettier-ignore

function textsBelow(dir: string): Record<string, string> {
  const files = readdirSync(dir, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  return Object.fromEntries(
    files.map((entry) => join(entry.parentPath, entry.name)).map((path) => [path, readFileSync(path, 'utf8')]),
  );
}

const CHART = {
  'shop/Chart.yaml': 'apiVersion: v2\nname: shop\nversion: 0.1.0\n',
  'shop/values.yaml': 'host: shop.test\nlimit: 5\n',
  'shop/templates/_names.tpl': '{{- define "name" -}}web{{- end -}}\n',
  'shop/templates/route.yaml': ROUTE.replace('shop.test', '{{ .Values.host }}').replace(
    'name: web',
    'name: {{ include "name" . }}',
  ),
  'shop/templates/service.yaml': SERVICE.replace('name: web', 'name: {{ include "name" . }}'),
};

describe.skipIf(helm === undefined)('a Helm chart', () => {
  const env = only(helm);

  it('is rendered by the real Helm with its values', async () => {
    using folder = folderOf(CHART);
    const { out, code } = await runCli(folder.dir, ['graph', '--json'], env);
    const { nodes } = JSON.parse(out) as { nodes: { kind: string; detail: string; file?: string }[] };
    expect(nodes.filter(({ kind }) => kind === 'IngressRoute')).toEqual([
      expect.objectContaining({ detail: 'Host(`shop.test`)', file: 'shop/templates/route.yaml' }),
    ]);
    expect(code).toBe(0);
  });

  it('is served by a preview, rendered again when a template that is no manifest changes, and serves on when it is broken', async () => {
    using folder = folderOf({ ...CHART, 'shop/templates/_names.tpl': '{{- define "name" -}}web{{- end -}}{{- define "host" -}}{{ .Values.host }}{{- end -}}\n', 'shop/templates/route.yaml': CHART['shop/templates/route.yaml'].replace('{{ .Values.host }}', '{{ include "host" . }}') });
    const updates: SourceUpdate[] = [];
    let wake = (): void => undefined;
    const path = process.env['PATH'];
    process.env['PATH'] = env['PATH'];
    const source = new FolderSource({ dir: folder.dir, upstreams: {}, log: pino({ level: 'silent' }), onUpdate: (update) => (updates.push(update), wake()) });
    try {
      const last = (): { hosts: readonly string[]; errors: number } => { const update = updates.at(-1); return update?.kind === 'config' ? { hosts: update.config.hosts, errors: update.errors?.count ?? 0 } : { hosts: [], errors: 0 }; };
      const become = async (hosts: string[], errors: number): Promise<void> => { while (JSON.stringify(last()) !== JSON.stringify({ hosts, errors })) await new Promise<void>((resolve) => (wake = resolve)); };
      await source.start();
      expect(last()).toEqual({ hosts: ['shop.test'], errors: 0 });
      writeInto(folder.dir, { 'shop/templates/_names.tpl': '{{- define "name" -}}web{{- end -}}{{- define "host" -}}next.{{ .Values.host }}{{- end -}}\n' });
      await become(['next.shop.test'], 0);
      writeInto(folder.dir, { 'shop/templates/_names.tpl': '{{- define "name" -}}{{ broken\n' });
      await become(['next.shop.test'], 1);
    } finally {
      process.env['PATH'] = path;
      await source.close();
    }
  });

  it('is told of at its template, and where Helm itself says it is wrong', async () => {
    using folder = folderOf({ ...CHART, 'shop/templates/plan.yaml': 'apiVersion: hub.traefik.io/v1alpha1\nkind: APIPlan\nmetadata: { name: p }\nspec: { titel: "{{ .Values.limit }}" }\n' });
    const wrong = await runCli(folder.dir, ['validate', '.'], env);
    expect(wrong.out).toMatch(/^shop\/templates\/plan\.yaml:4:1: error: APIPlan default\/p: .*titel/m);
    expect(wrong.out).toContain('Rendered from shop by helm: the line is that of its template, where that writes the field itself.');
    writeInto(folder.dir, { 'shop/templates/plan.yaml': '{{ .Values.nothing.here }}\n' });
    const failed = await runCli(folder.dir, ['validate', '.'], env);
    expect(failed.out).toMatch(/^shop\/templates\/plan\.yaml:1:11: error: helm: .*nil pointer.* \[render-failed\]$/m);
    expect(failed.code).toBe(1);
  });
}); // prettier-ignore

it('without the programs an error says what to install, and the rest is read', async () => {
  using folder = folderOf({ ...OVERLAY, ...CHART, 'plain/service.yaml': SERVICE });
  const { out, code } = await runCli(folder.dir, ['validate', '.'], only(undefined));
  expect(out).toContain('overlays/prod/kustomization.yaml:1:1: error: kustomize: a Kustomize overlay is not rendered: there is neither kustomize nor kubectl on PATH [render-failed]\n    Install kubectl or kustomize.');
  expect(out).toContain('shop/Chart.yaml:1:1: error: helm: a Helm chart is not rendered: there is no helm on PATH [render-failed]\n    Install helm.');
  expect(out).toContain('2 errors, 0 warnings, 0 notes');
  expect(code).toBe(1);
}); // prettier-ignore

it('a loop of folders is walked once', async () => {
  using folder = folderOf({ 'a/service.yaml': SERVICE });
  mkdirSync(join(folder.dir, 'a/b'));
  symlinkSync('..', join(folder.dir, 'a/b/up'));
  const { out, code } = await runCli(folder.dir, ['validate', '.'], only(undefined));
  expect({ out, code }).toEqual({ out: '0 errors, 0 warnings, 0 notes\n', code: 0 });
});
