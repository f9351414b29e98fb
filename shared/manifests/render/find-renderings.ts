import { parseDocument } from 'yaml';
import { fields, items, text, texts } from '../field.ts';
import type { SourceFile } from '../types.ts';

/** A folder whose manifests a program makes. */
export interface Rendering {
  readonly by: 'kustomize' | 'helm';
  /** Relative to the workspace; `''`: its root. */
  readonly dir: string;
  /** `kustomization.yaml` or `Chart.yaml`, to which everything belongs that has no better place. */
  readonly entry: string;
  /** Folders (with all below them) and files that it is made of, relative to the workspace. */
  readonly parts: readonly string[];
  /** What it would fetch from elsewhere, which is not done. */
  readonly remote: readonly string[];
}

export interface Renderings {
  readonly roots: readonly Rendering[];
  /** Paths that are read by a program and not as plain manifests. */
  readonly taken: ReadonlySet<string>;
  /** Those of them that kustomizations name: what objects are made of. */
  readonly sources: ReadonlySet<string>;
  /** Those of them that say only what is another about an object. */
  readonly patches: ReadonlySet<string>;
  /** What kustomizations name and is not among the files: a base elsewhere in the repository. */
  readonly beyond: readonly string[];
}

const KUSTOMIZATION = /^(kustomization\.ya?ml|Kustomization)$/;
/** The one of these names that does not look like a text of manifests. */
export const BARE_KUSTOMIZATION = 'Kustomization';
const CHART = 'Chart.yaml';
const MAX_YAML = 1024 * 1024;

/** Whether a file of this path makes its folder one that a program renders. */
export function isRenderingEntry(path: string): boolean {
  const [, name] = split(path);
  return KUSTOMIZATION.test(name) || name === CHART;
}

/**
 * The Kustomize overlays and Helm charts of a workspace. Of overlays those that no other one builds on; what they build
 * on, and what lies in a chart, belongs to them.
 */
export function findRenderings(files: readonly SourceFile[]): Renderings {
  const overlays = new Map<string, { readonly entry: string; readonly value: unknown }>();
  const charts = new Map<string, string>();
  for (const { path, text: source } of files) {
    const [dir, name] = split(path);
    if (KUSTOMIZATION.test(name)) overlays.set(dir, { entry: path, value: plain(source) });
    else if (name === CHART) charts.set(dir, path);
  }
  const taken = new Set<string>();
  const sources = new Set<string>();
  const patches = new Set<string>();
  const built = new Set<string>();
  const roots: Rendering[] = [];
  for (const [dir, entry] of charts) {
    if ([...charts.keys()].some((other) => other !== dir && isBelow(dir, other))) continue;
    roots.push({ by: 'helm', dir, entry, parts: [dir], remote: [] });
    for (const { path } of files) if (isBelow(path, dir)) taken.add(path);
  }
  const beyond = new Set<string>();
  const known = new Set(files.map(({ path }) => path));
  for (const [dir, { value }] of overlays) {
    for (const name of patchesOf(value)) patches.add(join(dir, name));
    for (const name of named(value)) {
      if (isRemote(name)) continue;
      const target = join(dir, name);
      taken.add(target);
      if (known.has(target)) sources.add(target);
      if (overlays.has(target)) built.add(target);
      else if (!known.has(target)) beyond.add(target);
    }
  }
  // What lies beside a kustomization is its own: patches and values would be no whole objects.
  for (const { path } of files) if (overlays.has(split(path)[0])) taken.add(path);
  for (const [dir, { entry, value }] of overlays) {
    if (built.has(dir) || text(fields(value)['kind']) === 'Component') continue;
    if (roots.some((root) => root.by === 'helm' && isBelow(dir, root.dir))) continue;
    roots.push({ by: 'kustomize', dir, entry, ...madeOf(dir, overlays) });
  }
  return { roots: roots.toSorted((a, b) => (a.dir < b.dir ? -1 : 1)), taken, sources, patches, beyond: [...beyond] };
}

/** What an overlay names, and what that names in its turn. */
function madeOf(
  dir: string,
  overlays: ReadonlyMap<string, { readonly value: unknown }>,
): Pick<Rendering, 'parts' | 'remote'> {
  const remote: string[] = [];
  const parts = new Set<string>();
  const waiting = [dir];
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    if (parts.has(next)) continue;
    parts.add(next);
    for (const name of named(overlays.get(next)?.value)) {
      if (isRemote(name)) remote.push(name);
      else waiting.push(join(next, name));
    }
  }
  return { parts: [...parts], remote };
}

/** Files and folders that a kustomization names. */
function named(kustomization: unknown): string[] {
  const value = fields(kustomization);
  const lists = [
    'resources',
    'bases',
    'components',
    'crds',
    'configurations',
    'transformers',
    'generators',
    'validators',
  ];
  const all = [...lists.flatMap((key) => texts(value[key])), ...patchesOf(kustomization)];
  // A patch may be written in place.
  return all.filter((name) => !name.includes('\n'));
}

function patchesOf(kustomization: unknown): string[] {
  const value = fields(kustomization);
  const paths = ['patches', 'patchesJson6902', 'replacements'].flatMap((key) =>
    items(value[key]).flatMap((entry) => text(fields(entry)['path']) ?? []),
  );
  return [...texts(value['patchesStrategicMerge']), ...paths];
}

/** As Kustomize tells a repository or URL from a path: a scheme, a user, a host with a path, or a query. */
function isRemote(name: string): boolean {
  return (
    /^[a-z][a-z0-9+.-]*:/i.test(name) ||
    name.includes('?') ||
    /^[\w.-]+@[\w.-]+[:/]/.test(name) ||
    /^(github|gitlab|bitbucket)\.\w+\//.test(name)
  );
}

function plain(source: string): unknown {
  if (source.length > MAX_YAML) return undefined;
  const document = parseDocument(source, { logLevel: 'silent' });
  // A broken one is for the program to refuse.
  return document.errors.length > 0 ? undefined : document.toJS({ maxAliasCount: 100 });
}

function split(path: string): [dir: string, name: string] {
  const at = path.lastIndexOf('/');
  return at < 0 ? ['', path] : [path.slice(0, at), path.slice(at + 1)];
}

/** Whether a path is a folder (`''`: the workspace) or file, or below it. */
export function isBelow(path: string, dir: string): boolean {
  return dir === '' || path === dir || path.startsWith(`${dir}/`);
}

function join(dir: string, name: string): string {
  const parts = dir === '' ? [] : dir.split('/');
  for (const part of name.split('/')) {
    if (part === '..' && parts.length > 0 && parts.at(-1) !== '..') parts.pop();
    else if (part !== '.' && part !== '') parts.push(part);
  }
  return parts.join('/');
}
