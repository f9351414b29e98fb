import { writeFile } from 'node:fs/promises';
import { posix } from 'node:path';
import { findRenderings, isBelow } from '../shared/manifests/render/find-renderings.ts';
import { renderProblem } from '../shared/manifests/render/render-failure.ts';
import { renderFolders, type RenderResult } from '../shared/manifests/render/run-renderer.ts';
import { copyTree } from '../shared/manifests/render/unsaved-copy.ts';
import { baseFiles, withBases } from '../shared/manifests/render/with-bases.ts';
import type { SourceFile } from '../shared/manifests/types.ts';
import { isManifestPath } from './read-manifests.ts';
import { readBlobs, type Blob, type Tree } from './git-tree.ts';

const MAX_LINKS = 8;

/**
 * Renders overlays and charts of a commit: programs read folders, so that what these are made of is written into a
 * temporary one, which is removed again whatever happens.
 */
export async function renderTree(
  top: string,
  tree: Tree,
  files: readonly SourceFile[],
  options: { readonly namespace: string; readonly signal?: AbortSignal | undefined },
): Promise<RenderResult> {
  const { namespace, signal } = options;
  const { roots, taken } = findRenderings(await withBases(files, (path) => readBase(top, tree, path, signal)));
  const given = new Set(files.map(({ path }) => path));
  const wanted = roots.filter(({ entry }) => given.has(entry));
  const parts = [...new Set(wanted.flatMap((root) => root.parts))];
  const blobs = await withoutLinks(
    top,
    tree,
    [...tree.values()].filter(({ path }) => parts.some((part) => isBelow(path, part))),
    signal,
  );
  // Not before it is known that they are not too many.
  let contents: Promise<ReadonlyMap<string, Buffer>> | undefined;
  const write = async ({ id }: Blob, to: string): Promise<void> => {
    contents ??= readBlobs(top, blobs, signal);
    await writeFile(to, (await contents).get(id) ?? '');
  };
  const copy = await copyTree(blobs, write, signal);
  if (copy === undefined) {
    const problem = 'not rendered: the files of its overlays and charts are too large to be copied out of a commit';
    const problems = wanted.slice(0, 1).map((rendering) =>
      renderProblem(rendering, {
        file: rendering.entry,
        line: 1,
        column: 1,
        problem,
        hint: 'Name the folder that matters.',
      }),
    );
    return { plain: files.filter(({ path }) => !taken.has(path)), rendered: [], problems, parts };
  }
  try {
    return await renderFolders({ root: copy.root, files, namespace, signal });
  } finally {
    await copy.remove();
  }
}

/** A file, or the YAML files of a folder that has a kustomization. */
async function readBase(top: string, tree: Tree, path: string, signal: AbortSignal | undefined): Promise<SourceFile[]> {
  const own = tree.get(path);
  const names = own === undefined ? baseFiles(namesIn(tree, path)) : [path];
  const blobs = names.flatMap((name) => tree.get(name) ?? []).filter(({ isLink }) => !isLink);
  if (blobs.length === 0) return [];
  const contents = await readBlobs(top, blobs, signal);
  return blobs.flatMap((blob) => {
    const bytes = isManifestPath(blob.path) ? contents.get(blob.id) : undefined;
    return bytes === undefined ? [] : [{ path: blob.path, text: bytes.toString('utf8') }];
  });
}

function namesIn(tree: Tree, folder: string): string[] {
  return [...tree.keys()].filter((path) => posix.dirname(path) === (folder === '' ? '.' : folder));
}

/** Files in the place of the links that lead to them; what leads to a folder, or out of the commit, is left out. */
async function withoutLinks(
  top: string,
  tree: Tree,
  blobs: readonly Blob[],
  signal: AbortSignal | undefined,
): Promise<Blob[]> {
  if (!blobs.some(({ isLink }) => isLink)) return [...blobs];
  const links = [...tree.values()].filter(({ isLink }) => isLink);
  const targets = await readBlobs(top, links, signal);
  return blobs.flatMap((blob) => {
    let at: Blob | undefined = blob;
    for (let step = 0; at?.isLink === true && step < MAX_LINKS; step += 1) {
      const to = targets.get(at.id)?.toString('utf8') ?? '';
      at = tree.get(posix.join(posix.dirname(at.path), to));
    }
    return at === undefined || at.isLink ? [] : [{ ...at, path: blob.path }];
  });
}
