import type { Dirent, Stats } from 'node:fs';
import { lstat, readdir, realpath, stat } from 'node:fs/promises';
import path from 'node:path';
import { systemCode } from '../errors.ts';
import { TEMPORARY_PREFIX } from './atomic-write.ts';
import { CLOSED_FOLDERS, isInside } from './workspace-path.ts';

/** What the file system says of one entry, enough to see that it changed. */
export interface Entry {
  readonly kind: 'file' | 'folder';
  readonly bytes: number;
  readonly mtimeMs: number;
  readonly ctimeMs: number;
  readonly inode: number;
}

export type Entries = Map<string, Entry>;

/** Files and folders of a workspace beyond this number are left out. */
export const MAX_ENTRIES = 50_000;
const MAX_DEPTH = 40;

/**
 * All files and folders below `relative` (`''`: the root), itself included when it is not the root, by path with `/`.
 * Symbolic links to files of the workspace are files; links to folders are not
 * followed, so that a cycle cannot trap the walk, and links out of the workspace are left out. `root` is a real path. Folders
 * that cannot be read stay in the list, empty.
 */
export async function scanFolder(root: string, relative: string, limit = MAX_ENTRIES): Promise<Entries> {
  const entries: Entries = new Map();
  if (relative !== '') {
    const self = await entryOf(root, path.join(root, relative));
    if (self === undefined) return entries;
    entries.set(relative, self);
    if (self.kind === 'file') return entries;
  }
  const waiting: { dir: string; depth: number }[] = [{ dir: relative, depth: 0 }];
  for (let next = waiting.pop(); next !== undefined && entries.size < limit; next = waiting.pop()) {
    const { dir, depth } = next;
    const children = await readFolder(path.join(root, dir));
    const found = await Promise.all(
      children.filter(isOpen).map(async (child) => {
        const name = dir === '' ? child.name : `${dir}/${child.name}`;
        return { name, entry: await entryOf(root, path.join(root, name)) };
      }),
    );
    for (const { name, entry } of found) {
      if (entry === undefined || entries.size >= limit) continue;
      entries.set(name, entry);
      if (entry.kind === 'folder' && depth < MAX_DEPTH) waiting.push({ dir: name, depth: depth + 1 });
    }
  }
  return entries;
}

async function entryOf(root: string, file: string): Promise<Entry | undefined> {
  try {
    const link = await lstat(file);
    if (!link.isSymbolicLink()) return toEntry(link);
    if (!isInside(root, await realpath(file))) return undefined;
    const target = await stat(file);
    return target.isFile() ? toEntry(target) : undefined;
  } catch (error) {
    // Gone since it was listed, a dangling link, or not ours to look at.
    if (['ENOENT', 'ENOTDIR', 'ELOOP', 'EACCES', 'EPERM'].includes(systemCode(error) ?? '')) return undefined;
    throw error;
  }
}

function toEntry(info: Stats): Entry | undefined {
  if (!info.isFile() && !info.isDirectory()) return undefined;
  const kind = info.isFile() ? 'file' : 'folder';
  return {
    kind,
    bytes: kind === 'file' ? info.size : 0,
    mtimeMs: info.mtimeMs,
    ctimeMs: info.ctimeMs,
    inode: info.ino,
  };
}

async function readFolder(dir: string): Promise<Dirent[]> {
  try {
    return await readdir(dir, { withFileTypes: true });
  } catch (error) {
    if (['ENOENT', 'ENOTDIR', 'EACCES', 'EPERM'].includes(systemCode(error) ?? '')) return [];
    throw error;
  }
}

function isOpen(child: Dirent): boolean {
  return (
    !CLOSED_FOLDERS.has(child.name.toLowerCase()) &&
    !child.name.startsWith(TEMPORARY_PREFIX) &&
    !child.name.includes('\\')
  );
}

/** Whether a file differs from what was seen of it; folders differ only by coming and going. */
export function sameEntry(a: Entry | undefined, b: Entry | undefined): boolean {
  if (a === undefined || b === undefined) return a === b;
  if (a.kind !== b.kind) return false;
  if (a.kind === 'folder') return a.inode === b.inode;
  return a.bytes === b.bytes && a.mtimeMs === b.mtimeMs && a.ctimeMs === b.ctimeMs && a.inode === b.inode;
}
