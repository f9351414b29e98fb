import { readdir, readFile, stat } from 'node:fs/promises';
import { basename, dirname, join, relative, resolve, sep } from 'node:path';
import { isInOtherFolder } from '../shared/manifests/other-file.ts';
import { BARE_KUSTOMIZATION } from '../shared/manifests/render/find-renderings.ts';
import type { RenderedFolder } from '../shared/manifests/render/place-rendered.ts';
import type { Diagnostic, SourceFile } from '../shared/manifests/types.ts';
import { WORKSPACE_CONFIG_FILE } from '../shared/workspace/adit-yaml.ts';
import { CommandFailed, EXIT } from './errors.ts';
import { readConfig, type ConfigAt } from './read-config.ts';

export interface ManifestSet extends ConfigAt {
  readonly files: readonly SourceFile[];
  /** Of overlays and charts; their sources are not among `files`. */
  readonly rendered: readonly RenderedFolder[];
  readonly problems: readonly Diagnostic[];
  /** Files that exist and could not be read, as the system says. */
  readonly unreadable: readonly { readonly path: string; readonly message: string }[];
}

const MANIFEST = /\.(ya?ml|json)$/i;
const CLOSED = new Set(['.git', 'node_modules', '.terraform', '.cache']);
export const MAX_FILES = 20_000;

function isManifestName(name: string): boolean {
  return MANIFEST.test(name) || name === BARE_KUSTOMIZATION;
}

/** Whether a path, relative and with `/`, is one that may hold manifests. */
export function isManifestPath(path: string): boolean {
  return isManifestName(basename(path)) && !path.split('/').some((part) => CLOSED.has(part));
}

export interface ReadOptions {
  /** In the place of that of `adit.yaml`. */
  readonly namespace?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * The manifests at the given files and folders, with paths as a person in `cwd` would write them, and the `adit.yaml`
 * nearest above the first of them.
 */
export async function readManifests(
  paths: readonly string[],
  cwd: string,
  options: ReadOptions = {},
): Promise<ManifestSet> {
  /** Each with whether no hidden folder lies below what a person named. */
  const found = new Map<string, boolean>();
  const unreadable: { path: string; message: string }[] = [];
  const shown = (path: string): string => slashed(relative(cwd, path)) || '.';
  for (const path of paths.map((given) => resolve(cwd, given))) {
    const info = await stat(path).catch((error: NodeJS.ErrnoException) => {
      throw new CommandFailed(
        {
          code: 'path-missing',
          message: `${shown(path)}: ${error.code === 'ENOENT' ? 'no such file or folder' : error.message}`,
        },
        EXIT.usage,
      );
    });
    if (info.isDirectory()) await walk(path, path);
    else found.set(path, true);
  }
  const files: SourceFile[] = [];
  for (const [path, named] of [...found].toSorted(([a], [b]) => (a < b ? -1 : 1))) {
    try {
      files.push({ path: shown(path), text: await readFile(path, 'utf8'), ...(named && { named }) });
    } catch (error) {
      unreadable.push({ path: shown(path), message: reason(error) });
    }
  }
  const nearest = await nearestConfig(resolve(cwd, paths[0] ?? '.'), (path, error) => {
    // A folder that cannot be entered was told already.
    if (!unreadable.some((one) => one.path === shown(dirname(path))))
      unreadable.push({ path: shown(path), message: reason(error) });
  });
  const configAt = await readConfig(shown(nearest.path), nearest.text);
  const { renderFolders } = await import('../shared/manifests/render/run-renderer.ts');
  const { plain, rendered, problems } = await renderFolders({
    root: cwd,
    files,
    namespace: options.namespace ?? configAt.config.namespace,
    signal: options.signal,
  });
  return { ...configAt, files: plain, rendered, problems, unreadable };

  async function walk(dir: string, top: string): Promise<void> {
    let entries;
    try {
      entries = await readdir(dir, { withFileTypes: true });
    } catch (error) {
      unreadable.push({ path: shown(dir), message: reason(error) });
      return;
    }
    for (const entry of entries) {
      const path = join(dir, entry.name);
      if (entry.isDirectory() && !CLOSED.has(entry.name)) await walk(path, top);
      else if (entry.isFile() && isManifestName(entry.name) && entry.name !== WORKSPACE_CONFIG_FILE)
        found.set(path, found.get(path) === true || !isInOtherFolder(slashed(relative(top, path))));
      if (found.size > MAX_FILES)
        throw new CommandFailed(
          {
            code: 'too-many-files',
            message: `more than ${MAX_FILES} files below ${shown(dir)}`,
            hint: 'name the folder of the manifests',
          },
          EXIT.usage,
        );
    }
  }
}

function slashed(path: string): string {
  return path.split(sep).join('/');
}

/** The system's words for people; its own name the path a second time. */
function reason(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  if (code === 'EACCES' || code === 'EPERM') return 'permission denied';
  return error instanceof Error ? error.message : String(error);
}

/** Of the nearest `adit.yaml` above; where there is none, or none that can be read, that of an empty one. */
async function nearestConfig(
  start: string,
  onUnreadable: (path: string, error: unknown) => void,
): Promise<{ readonly path: string; readonly text: string }> {
  const first = (await stat(start)).isDirectory() ? start : dirname(start);
  for (let dir = first; ; dir = dirname(dir)) {
    const path = join(dir, WORKSPACE_CONFIG_FILE);
    try {
      return { path, text: await readFile(path, 'utf8') };
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') {
        onUnreadable(path, error);
        return { path, text: '' };
      }
    }
    if (dirname(dir) === dir || basename(dir) === '') return { path: join(first, WORKSPACE_CONFIG_FILE), text: '' };
  }
}
