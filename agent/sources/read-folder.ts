import type { Dirent } from 'node:fs';
import { lstat, readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { BARE_KUSTOMIZATION } from '../../shared/manifests/render/find-renderings.ts';
import { AgentError } from '../errors.ts';

/** What a preview reads at most; a workspace beyond it should name its folders under `manifests:`. */
export const LIMITS = { files: 20_000, fileBytes: 10 * 1024 * 1024, totalBytes: 256 * 1024 * 1024, depth: 40 } as const;

const SKIPPED: ReadonlySet<string> = new Set(['.git', 'node_modules', '.terraform', '.cache']);
const READ: ReadonlySet<string> = new Set(['yaml', 'yml', 'json']);
/** What a file or folder that vanishes, or is not ours to read, answers with. */
const GONE: ReadonlySet<string> = new Set(['ENOENT', 'ENOTDIR', 'EACCES', 'EPERM', 'ELOOP', 'EISDIR']);

/** Changes when the file's content may have. */
export interface FileStamp {
  readonly mtimeMs: number;
  readonly ctimeMs: number;
  readonly bytes: number;
  readonly inode: number;
}

export interface FolderListing {
  /** By path relative to the root, with `/`. */
  readonly files: ReadonlyMap<string, FileStamp>;
  readonly folders: ReadonlySet<string>;
}

export function isRead(path: string): boolean {
  const name = path.slice(path.lastIndexOf('/') + 1);
  return name === BARE_KUSTOMIZATION || READ.has(path.slice(path.lastIndexOf('.') + 1).toLowerCase());
}

export function isSkipped(path: string): boolean {
  return path.split('/').some((segment) => SKIPPED.has(segment));
}

/**
 * Manifests below `relative` (`''`: the root). Links to files are read, links to folders are not followed, so that no
 * loop can trap the walk. What vanishes meanwhile is left out; throws AgentError beyond the limits.
 */
export async function listFolder(root: string, relative: string): Promise<FolderListing> {
  const files = new Map<string, FileStamp>();
  const folders = new Set<string>();
  const waiting = [relative];
  for (let dir = waiting.pop(); dir !== undefined; dir = waiting.pop()) {
    if (dir !== '') folders.add(dir);
    const entries = await quietly(readdir(join(root, dir), { withFileTypes: true }));
    for (const entry of entries ?? []) {
      const path = dir === '' ? entry.name : `${dir}/${entry.name}`;
      if (entry.isDirectory()) {
        if (!SKIPPED.has(entry.name) && path.split('/').length <= LIMITS.depth) waiting.push(path);
      } else if (isRead(entry.name) && isFileOrLink(entry)) {
        const stamp = await stampOf(root, path);
        if (stamp !== undefined) files.set(path, stamp);
      }
      if (files.size > LIMITS.files)
        throw new AgentError('workspace-too-large', `There are more than ${LIMITS.files} files below ${root}.`);
    }
  }
  return { files, folders };
}

export async function stampOf(root: string, path: string): Promise<FileStamp | undefined> {
  const info = await quietly(stat(join(root, path)));
  if (info === undefined || !info.isFile()) return undefined;
  return { mtimeMs: info.mtimeMs, ctimeMs: info.ctimeMs, bytes: info.size, inode: info.ino };
}

export async function isFolder(root: string, path: string): Promise<boolean> {
  return (await quietly(lstat(join(root, path))))?.isDirectory() === true;
}

/** Undefined when it is gone, not readable or too large. */
export async function readText(root: string, path: string): Promise<string | undefined> {
  const text = await quietly(readFile(join(root, path), 'utf8'));
  return text !== undefined && text.length <= LIMITS.fileBytes ? text : undefined;
}

export function sameStamp(a: FileStamp | undefined, b: FileStamp): boolean {
  return (
    a !== undefined && a.mtimeMs === b.mtimeMs && a.ctimeMs === b.ctimeMs && a.bytes === b.bytes && a.inode === b.inode
  );
}

function isFileOrLink(entry: Dirent): boolean {
  return entry.isFile() || entry.isSymbolicLink();
}

/** Files come and go while they are looked at: that is no failure. Anything else is. */
async function quietly<T>(work: Promise<T>): Promise<T | undefined> {
  try {
    return await work;
  } catch (error) {
    if (error instanceof Error && 'code' in error && typeof error.code === 'string' && GONE.has(error.code))
      return undefined;
    throw error;
  }
}
