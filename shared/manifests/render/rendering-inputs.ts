import { createHash } from 'node:crypto';
import type { Stats } from 'node:fs';
import { lstat, readdir, realpath, stat } from 'node:fs/promises';
import { join, sep } from 'node:path';
import { isBelow, type Rendering } from './find-renderings.ts';

/** Unsaved text by path, in the place of what is on disk; `null`: the file is gone. */
export type Unsaved = ReadonlyMap<string, string | null>;

export interface Input {
  readonly path: string;
  readonly bytes: number;
  /** Another whenever the content may be. */
  readonly stamp: string;
}

const MAX_FILES = 20_000;
const CLOSED: ReadonlySet<string> = new Set(['.git', 'node_modules']);
const GONE: ReadonlySet<string> = new Set(['ENOENT', 'ENOTDIR', 'EACCES', 'EPERM', 'ELOOP']);

/**
 * Every file on disk that an overlay or chart may be made of, with unsaved ones in their place; undefined when there are
 * more than can be looked at. `root` is a real path; links to files are files as long as they stay below `root`; links to folders are not followed.
 */
export async function inputsOf(root: string, { parts }: Rendering, unsaved: Unsaved): Promise<Input[] | undefined> {
  const found = new Map<string, Input>();
  const waiting = [...parts];
  const seen = new Set<string>();
  for (let path = waiting.pop(); path !== undefined; path = waiting.pop()) {
    if (seen.has(path)) continue;
    seen.add(path);
    const info = await entryOf(root, path);
    if (info?.isDirectory() === true) {
      const names = await quietly(readdir(join(root, path)));
      for (const name of names ?? []) if (!CLOSED.has(name)) waiting.push(path === '' ? name : `${path}/${name}`);
    } else if (info?.isFile() === true) {
      found.set(path, { path, bytes: info.size, stamp: `${info.size} ${info.mtimeMs} ${info.ctimeMs} ${info.ino}` });
    }
    if (seen.size > MAX_FILES) return undefined;
  }
  for (const [path, text] of unsaved) {
    if (!parts.some((part) => isBelow(path, part))) continue;
    if (text === null) found.delete(path);
    else found.set(path, { path, bytes: Buffer.byteLength(text), stamp: digest(text) });
  }
  return [...found.values()].toSorted((a, b) => (a.path < b.path ? -1 : 1));
}

/** Differs when any of the inputs, or what is done with them, does. */
export function fingerprint(inputs: readonly Input[], command: readonly string[]): string {
  return digest(JSON.stringify([command, inputs.map(({ path, stamp }) => [path, stamp])]));
}

async function entryOf(root: string, path: string): Promise<Stats | undefined> {
  const place = join(root, path);
  const info = await quietly(lstat(place));
  if (info?.isSymbolicLink() !== true) return info;
  const target = await quietly(realpath(place));
  if (target === undefined || !target.startsWith(`${root}${sep}`)) return undefined;
  const file = await quietly(stat(target));
  return file?.isFile() === true ? file : undefined;
}

async function quietly<T>(reading: Promise<T>): Promise<T | undefined> {
  try {
    return await reading;
  } catch (error) {
    if (error instanceof Error && 'code' in error && GONE.has(String(error.code))) return undefined;
    throw error;
  }
}

function digest(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
