import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, readdirSync, readFileSync, symlinkSync, watch } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { folderOf, runCli, writeInto } from '../../cli/testing/run-cli.ts';
import type { ManifestDiff } from '../../shared/manifests/diff/change.ts';
import { kubeBinaries } from '../kube/binaries.ts';
import { findHelm } from './helm.ts';

// Each run is a process that reads all of the sources.
vi.setConfig({ testTimeout: 90_000 });

const kubectl = (await kubeBinaries())?.kubectl;
const helm = await findHelm();
const gitPath = execFileSync('which', ['git'], { encoding: 'utf8' }).trim();

/** A folder with these programs and no others, as PATH. */
function pathOf(...programs: readonly (string | undefined)[]): ReturnType<typeof folderOf> & { env: { PATH: string } } {
  const folder = folderOf({});
  for (const program of programs) if (program !== undefined) symlinkSync(program, join(folder.dir, basename(program)));
  return { ...folder, env: { PATH: folder.dir } };
}

const route = (host: string): string =>
  `apiVersion: traefik.io/v1alpha1\nkind: IngressRoute\nmetadata:\n  name: shop\nspec:\n  routes:\n    - match: Host(\`${host}\`)\n      kind: Rule\n      services: [{ name: web, port: 80 }]\n`;
const service = 'apiVersion: v1\nkind: Service\nmetadata: { name: web }\nspec: { ports: [{ port: 80 }] }\n';
const OVERLAY = {
  'base/kustomization.yaml': 'resources: [route.yaml, service.yaml]\n',
  'base/route.yaml': route('shop.test'),
  'base/service.yaml': service,
  'overlays/prod/kustomization.yaml':
    'namespace: prod\nresources: [../../base]\npatches: [{ path: route.yaml }]\nconfigMapGenerator: [{ name: words, files: [linked.txt] }]\n',
  'overlays/prod/route.yaml': `# of production\n${route('prod.test')}`,
  'overlays/prod/words.txt': 'hello\n',
};

/** A repository whose first commit, `first`, has these files and a link among them. */
function repositoryOf(files: Record<string, string>): ReturnType<typeof folderOf> & { commit(): void } {
  const folder = folderOf(files);
  const git = (...args: string[]): void =>
    void execFileSync('git', ['-c', 'user.name=a', '-c', 'user.email=a@b.test', ...args], {
      cwd: folder.dir,
      stdio: 'ignore',
    });
  const commit = (): void => {
    git('add', '-A');
    git('commit', '-q', '--no-gpg-sign', '-m', 'change');
  };
  if ('overlays/prod/words.txt' in files) symlinkSync('words.txt', join(folder.dir, 'overlays/prod/linked.txt'));
  git('init', '-q', '-b', 'main');
  commit();
  git('tag', 'first');
  return { ...folder, commit };
}

/** What programs read in the place of a work tree, while they do. */
function copies(): string[] {
  return readdirSync(tmpdir()).filter((name) => name.startsWith('adit-render-'));
}

describe.skipIf(kubectl === undefined)('the diff of overlays', () => {
  it('is that of what both commits render to, at the lines of their sources', async () => {
    using programs = pathOf(gitPath, kubectl);
    using repo = repositoryOf(OVERLAY);
    writeInto(repo.dir, { 'overlays/prod/route.yaml': `# of production\n${route('next.test')}` });
    repo.commit();
    const before = copies();
    const { out, err, code } = await runCli(repo.dir, ['diff', 'first..HEAD', 'overlays'], programs.env);
    expect({ err, code }).toEqual({ err: '', code: 0 });
    expect(out).toContain('**1 route changed**');
    expect(out).toContain(
      '- IngressRoute prod/shop: host next.test → prod/web:80 (public) · overlays/prod/route.yaml:8\n  - match: host prod.test → host next.test',
    );
    expect(copies()).toEqual(before);
  });

  it('is with the files as they are, with a base beside the folder, and tells new problems in the patch', async () => {
    using programs = pathOf(gitPath, kubectl);
    using repo = repositoryOf(OVERLAY);
    const broken = route('prod.test').replace('services:', 'servces:');
    writeInto(repo.dir, { 'overlays/prod/route.yaml': `# of production\n${broken}` });
    const { out, code } = await runCli(join(repo.dir, 'overlays'), ['diff', '--json', 'HEAD'], programs.env);
    const diff = JSON.parse(out) as ManifestDiff;
    expect(diff.routes.removed).toEqual([
      expect.objectContaining({ match: 'host prod.test', file: 'overlays/prod/route.yaml', line: 8 }),
    ]);
    expect(diff.diagnostics.added).toContainEqual(
      expect.objectContaining({ file: 'overlays/prod/route.yaml', line: 10, path: 'spec.routes[0].servces' }),
    );
    expect(code).toBe(1);
  });

  it('tells which side could not be rendered, and does not call that unchanged', async () => {
    using programs = pathOf(gitPath, kubectl);
    using repo = repositoryOf({ ...OVERLAY, 'base/kustomization.yaml': 'resources: [route.yaml, gone.yaml]\n' });
    writeInto(repo.dir, OVERLAY);
    repo.commit();
    const mended = await runCli(repo.dir, ['diff', 'first..HEAD'], programs.env);
    expect(mended.out).toContain('### Not compared\n\n- before: base/kustomization.yaml:1 kustomize: base/gone.yaml is not there\n');
    expect(mended.out).toContain('- IngressRoute prod/shop: host prod.test → prod/web:80 (public)');

    using without = pathOf(gitPath);
    const neither = await runCli(repo.dir, ['diff', 'HEAD~1..HEAD'], without.env);
    expect(neither.out).toContain('Nothing changes for callers in what could be compared.');
    expect(neither.out).toContain('- before and after: overlays/prod/kustomization.yaml:1 kustomize: a Kustomize overlay is not rendered: there is neither kustomize nor kubectl on PATH');
    expect(neither.code).toBe(0);
    expect((await runCli(repo.dir, ['diff', 'HEAD~1..HEAD', '--fail-on-widened'], without.env)).code).toBe(1);
  });
}); // prettier-ignore

it.skipIf(helm === undefined)('the diff of a chart is that of what both commits render to', async () => {
  using programs = pathOf(gitPath, helm);
  const names = '{{- define "host" -}}{{ .Values.host }}.test{{- end -}}\n';
  using repo = repositoryOf({
    'shop/Chart.yaml': 'apiVersion: v2\nname: shop\nversion: 0.1.0\n',
    'shop/values.yaml': 'host: shop\n',
    'shop/templates/_names.tpl': names,
    'shop/templates/route.yaml': route('{{ include "host" . }}'),
    'shop/templates/service.yaml': service,
  });
  writeInto(repo.dir, { 'shop/templates/_names.tpl': names.replace('.test', '.example') });
  repo.commit();
  const { out } = await runCli(repo.dir, ['diff', 'first..HEAD'], programs.env);
  expect(out).toContain('host shop.example → default/web:80 (public) · shop/templates/route.yaml:7\n  - match: host shop.test → host shop.example');
}); // prettier-ignore

it('Ctrl-C ends the program and removes the copy that it reads', async () => {
  using programs = pathOf(gitPath);
  using repo = repositoryOf(OVERLAY);
  // As slow as a program can be; it says that it was started, and where it reads.
  writeInto(programs.dir, { kustomize: `#!/bin/sh\necho "$$ $2" > "${programs.dir}/new"\n/bin/mv "${programs.dir}/new" "${programs.dir}/started"\nexec /bin/sleep 600\n` });
  chmodSync(join(programs.dir, 'kustomize'), 0o755);
  const started = join(programs.dir, 'started');
  const main = join(import.meta.dirname, '../../cli/main.ts');
  const changes = watch(programs.dir);
  const child = spawn(process.execPath, [main, 'diff', 'first..HEAD'], { cwd: repo.dir, env: { ...process.env, ...programs.env }, stdio: 'ignore' });
  while (!existsSync(started)) await once(changes, 'change');
  changes.close();
  const [pid = '', folder = ''] = readFileSync(started, 'utf8').trim().split(' ');
  expect(readFileSync(join(folder, 'linked.txt'), 'utf8')).toBe('hello\n');
  const ended = once(child, 'exit');
  child.kill('SIGINT');
  expect(await ended).toEqual([null, 'SIGINT']);
  expect(existsSync(folder)).toBe(false);
  expect(() => process.kill(Number(pid), 0)).toThrow('ESRCH');
}); // prettier-ignore
