import type { FileEntry } from '../../../shared/contract/contract.ts';
import type { TreeItem } from '../tree/visible-rows.ts';

export interface FileRow {
  readonly path: string;
  readonly name: string;
  readonly folder: boolean;
  readonly dirty: boolean;
}

/** Folders first, then files, each by name; folders that are only in the paths of files are made up. */
export function fileTree(entries: readonly FileEntry[]): TreeItem<FileRow>[] {
  const children = new Map<string, TreeItem<FileRow>[]>([['', []]]);

  function folder(path: string): TreeItem<FileRow>[] {
    const known = children.get(path);
    if (known) return known;
    const own: TreeItem<FileRow>[] = [];
    children.set(path, own);
    folder(parentOf(path)).push({
      id: path,
      item: { path, name: nameOf(path), folder: true, dirty: false },
      children: own,
    });
    return own;
  }

  for (const { path, kind, dirty } of entries) {
    if (kind === 'folder') folder(path);
    else
      folder(parentOf(path)).push({ id: path, item: { path, name: nameOf(path), folder: false, dirty }, children: [] });
  }
  for (const list of children.values()) {
    list.sort(
      (a, b) =>
        Number(b.item.folder) - Number(a.item.folder) ||
        a.item.name.localeCompare(b.item.name, 'en', { numeric: true }),
    );
  }
  return children.get('') ?? [];
}

export function parentOf(path: string): string {
  return path.slice(0, Math.max(0, path.lastIndexOf('/')));
}

export function nameOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}
