import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { SourceFile } from '../types.ts';
import { findRenderings, isRenderingEntry } from './find-renderings.ts';
import type { Unsaved } from './rendering-inputs.ts';

/** Bases that lie outside of what is read as manifests. */
const MAX_BEYOND = 500;
const MAX_SOURCE_BYTES = 2 * 1024 * 1024;

/**
 * The given files, and what kustomizations among them name elsewhere below or beside the workspace. `read` answers for a
 * path with that file, or with the YAML files of a folder that has a kustomization.
 */
export async function withBases(
  files: readonly SourceFile[],
  read: (path: string) => Promise<readonly SourceFile[]>,
): Promise<SourceFile[]> {
  const all = [...files];
  const tried = new Set<string>();
  for (;;) {
    const next = findRenderings(all).beyond.filter((path) => !tried.has(path));
    if (next.length === 0 || tried.size > MAX_BEYOND) return all;
    for (const path of next) {
      tried.add(path);
      all.push(...(await read(path)));
    }
  }
}

/** A base below or beside `root`, with what is unsaved in the place of what is on disk. */
export async function readBase(root: string, path: string, unsaved: Unsaved): Promise<SourceFile[]> {
  const own = await readSource(root, path, unsaved);
  if (own !== undefined) return [own];
  const names = await readdir(join(root, path)).catch(() => []);
  const inside = baseFiles(names.map((name) => (path === '' ? name : `${path}/${name}`)));
  const read = await Promise.all(inside.map((name) => readSource(root, name, unsaved)));
  return read.filter((file) => file !== undefined);
}

/** Of the files of a folder those that count as a base's; none where it is no base. */
export function baseFiles(paths: readonly string[]): string[] {
  const inside = paths.filter((name) => isRenderingEntry(name) || /\.ya?ml$/i.test(name));
  return inside.some(isRenderingEntry) ? inside.slice(0, MAX_BEYOND) : [];
}

async function readSource(root: string, path: string, unsaved: Unsaved): Promise<SourceFile | undefined> {
  const text = unsaved.get(path) ?? (await readFile(join(root, path), 'utf8').catch(() => undefined));
  // Only positions come from it: what cannot be read is for the program to refuse.
  return text === undefined || text.length > MAX_SOURCE_BYTES ? undefined : { path, text };
}
