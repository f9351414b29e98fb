import { basename, dirname, posix } from 'node:path';
import { isBelow, isRenderingEntry } from '../shared/manifests/render/find-renderings.ts';
import type { SourceFile } from '../shared/manifests/types.ts';
import { WORKSPACE_CONFIG_FILE } from '../shared/workspace/adit-yaml.ts';
import { CommandFailed, EXIT } from './errors.ts';
import { listTree, readBlobs, type Blob } from './git-tree.ts';
import { readConfig } from './read-config.ts';
import { isManifestPath, MAX_FILES, type ManifestSet, type ReadOptions } from './read-manifests.ts';

const MAX_FILE_BYTES = 10 * 1024 * 1024;

/**
 * The manifests of a commit below a folder (`''`: all), by Git's own objects: nothing is checked out. Overlays and charts
 * are rendered from a temporary copy of what they are made of.
 */
export async function readTree(
  top: string,
  commit: string,
  folder: string,
  options: ReadOptions = {},
): Promise<ManifestSet> {
  const tree = await listTree(top, commit);
  const unreadable: { path: string; message: string }[] = [];
  const manifests: Blob[] = [];
  const configs = new Map<string, Blob>();
  for (const blob of tree.values()) {
    // Links are not read, as in a work tree.
    if (blob.isLink) continue;
    const { path } = blob;
    if (basename(path) === WORKSPACE_CONFIG_FILE) configs.set(dirname(path), blob);
    else if (isBelow(path, folder) && isManifestPath(path)) manifests.push(blob);
  }
  if (manifests.length > MAX_FILES)
    throw new CommandFailed(
      {
        code: 'too-many-files',
        message: `more than ${MAX_FILES} files in ${commit}`,
        hint: 'name the folder of the manifests',
      },
      EXIT.usage,
    );
  const config = nearest(configs, folder);
  const wanted = [...manifests, ...(config === undefined ? [] : [config])].filter(({ path, bytes }) => {
    if (bytes > MAX_FILE_BYTES) unreadable.push({ path, message: `larger than ${MAX_FILE_BYTES / 1024 / 1024} MiB` });
    return bytes <= MAX_FILE_BYTES;
  });
  const contents = await readBlobs(top, wanted);
  const files: SourceFile[] = manifests.flatMap(({ path, id }) => {
    const bytes = contents.get(id);
    return bytes === undefined ? [] : [{ path, text: bytes.toString('utf8') }];
  });
  const configText = (config === undefined ? undefined : contents.get(config.id))?.toString('utf8') ?? '';
  const configAt = await readConfig(config?.path ?? WORKSPACE_CONFIG_FILE, configText);
  const set = { ...configAt, unreadable };
  if (!files.some(({ path }) => isRenderingEntry(path))) return { ...set, files, rendered: [], problems: [] };
  const { renderTree } = await import('./render-tree.ts');
  const namespace = options.namespace ?? configAt.config.namespace;
  const { plain, rendered, problems } = await renderTree(top, tree, files, { ...options, namespace });
  return { ...set, files: plain, rendered, problems };
}

function nearest(configs: ReadonlyMap<string, Blob>, folder: string): Blob | undefined {
  for (let dir = folder === '' ? '.' : folder; ; dir = posix.dirname(dir)) {
    const found = configs.get(dir);
    if (found !== undefined || dir === '.') return found;
  }
}
